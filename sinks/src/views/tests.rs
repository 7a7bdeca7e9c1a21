//! The algebra of retractions: whatever is asserted, retracted, flushed and reopened, readers see the
//! rows that stand, each once.

use super::{Rows, Views, identities};
use crate::{
    Output,
    lake::{self, Lake, Prepared},
    samples,
};
use model::{
    Vitals,
    table::Row,
    view::{RowId, TableView},
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The rows a reader of the table finds, and that it finds none twice.
fn visible(view: &TableView) -> BTreeSet<RowId> {
    let live = view.live.iter().flat_map(identities);
    let files = view.files.iter().flat_map(|file| lake::identities(&file.path).unwrap());
    let rows: Vec<RowId> = live.chain(files).filter(|id| !view.hidden.contains(id)).collect();
    let distinct: BTreeSet<RowId> = rows.iter().copied().collect();
    assert_eq!(rows.len(), distinct.len(), "a row stands twice");
    distinct
}

/// The rows that should be found, by the same identities.
fn identities_of(standing: &BTreeSet<u32>) -> BTreeSet<RowId> {
    let changes: Vec<(Vitals, i64)> = standing.iter().map(|n| (samples::vitals(*n), 1)).collect();
    let mut rows = Rows::new(Vitals::table());
    rows.apply(&changes).unwrap();
    rows.live().iter().flat_map(identities).collect()
}

fn flush(lake: &mut Lake, views: &mut Views, epoch: u64) {
    let prepared = lake.prepare(epoch, &views.cut()).unwrap();
    end(lake, views, &prepared);
}

fn end(lake: &mut Lake, views: &mut Views, prepared: &Prepared) {
    lake.advance(prepared).unwrap();
    lake.publish(&prepared.intent).unwrap();
    views.flushed(lake);
}

#[derive(Clone, Debug)]
enum Step {
    /// One epoch: rows that change sides.
    Toggle(BTreeSet<u32>),
    Flush,
    /// A flush begins; one under way comes to nothing.
    Begin,
    /// The flush under way is committed.
    End,
    /// The flush under way comes to nothing.
    GiveUp,
    /// A flush, and another process.
    Reopen,
}

fn toggle() -> impl Strategy<Value = Step> {
    prop::collection::btree_set(0_u32..12, 1..6).prop_map(Step::Toggle)
}

/// Takes the steps; after each a reader has to see what stands.
fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut lake = Lake::open(crate::disk::machine(), dir.path()).unwrap();
    let mut views = Views::new(&lake);
    let mut standing = BTreeSet::new();
    let mut under_way = None;
    for (epoch, step) in steps.into_iter().chain([Step::Reopen]).enumerate() {
        match step {
            Step::Toggle(rows) => {
                let difference = |n: &u32| if standing.contains(n) { -1 } else { 1 };
                let vitals = rows.iter().map(|n| (samples::vitals(*n), difference(n))).collect();
                views.apply(&Output::merge([Output { vitals, ..Output::default() }])).unwrap();
                standing = standing.symmetric_difference(&rows).copied().collect();
            }
            Step::Flush => {
                under_way = None;
                flush(&mut lake, &mut views, epoch as u64);
            }
            Step::Begin => under_way = Some(lake.prepare(epoch as u64, &views.cut()).unwrap()),
            Step::End => {
                if let Some(prepared) = under_way.take() {
                    end(&mut lake, &mut views, &prepared);
                }
            }
            Step::GiveUp => {
                under_way = None;
                views.give_up();
            }
            Step::Reopen => {
                under_way = None;
                flush(&mut lake, &mut views, epoch as u64);
                lake = Lake::open(crate::disk::machine(), dir.path()).unwrap();
                views = Views::new(&lake);
            }
        }
        let snapshot = views.snapshot(None);
        prop_assert_eq!(visible(&snapshot.tables["vitals"]), identities_of(&standing));
    }
    let rows: u64 =
        Lake::read(&crate::disk::Machine, dir.path()).unwrap().values().flatten().map(|file| file.rows).sum();
    prop_assert_eq!(rows, standing.len() as u64);
    prop_assert_eq!(views.pending(), 0);
    Ok(())
}

proptest! {
    // Each flush syncs a dozen files: few cases with many, more with one.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn readers_see_what_stands_over_flushes_and_starts(
        steps in prop::collection::vec(prop_oneof![4 => toggle(), 1 => Just(Step::Flush), 1 => Just(Step::Reopen)], 1..20),
    ) {
        run(steps)?;
    }

    #[test]
    fn readers_see_what_stands_while_a_flush_is_under_way(
        steps in prop::collection::vec(
            prop_oneof![6 => toggle(), 2 => Just(Step::Begin), 2 => Just(Step::End), 1 => Just(Step::GiveUp)],
            1..40,
        ),
    ) {
        run(steps)?;
    }

    #[test]
    fn readers_see_what_stands_between_two_flushes(
        before in toggle(),
        after in prop::collection::vec(toggle(), 1..40),
    ) {
        run([before, Step::Flush].into_iter().chain(after).collect())?;
    }
}

#[test]
fn many_small_epochs_stay_few_batches() {
    let mut rows = Rows::new(Vitals::table());
    let mut standing = BTreeSet::new();
    for n in 0..1_000 {
        let mut changes = vec![(samples::vitals(n), 1)];
        standing.insert(n);
        if n % 5 == 4 {
            // One of long ago and one of just now.
            for gone in [n / 2, n - 1] {
                if standing.remove(&gone) {
                    changes.push((samples::vitals(gone), -1));
                }
            }
        }
        rows.apply(&changes).unwrap();
        assert!(rows.live().len() <= 65, "{} batches", rows.live().len());
    }
    let view = TableView { live: rows.live().to_vec(), hidden: rows.hidden(), ..TableView::default() };
    assert_eq!(visible(&view), identities_of(&standing));
    assert!(view.hidden.len() < 100, "joining drops hidden rows: {}", view.hidden.len());
}

#[test]
fn what_is_joined_while_a_flush_is_under_way_is_not_what_it_writes() {
    let one = |n: u32| Step::Toggle([n].into());
    let during = (30..200).map(one).chain((0..60).step_by(7).map(one));
    let steps = (0..30).map(one).chain([Step::Begin]).chain(during).chain([Step::End]);
    run(steps.collect()).unwrap();
}

#[test]
fn what_cannot_be_is_refused() {
    let mut rows = Rows::new(Vitals::table());
    let mut refused = |changes: &[(Vitals, i64)]| rows.apply(changes).unwrap_err().to_string();
    assert!(refused(&[(samples::vitals(1), 2)]).contains("table vitals was asserted twice"));
    assert!(refused(&[(samples::vitals(1), -2)]).contains("table vitals was retracted twice"));

    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open(crate::disk::machine(), dir.path()).unwrap();
    let mut views = Views::new(&lake);
    views.apply(&Output { vitals: vec![(samples::vitals(1), -1)], ..Output::default() }).unwrap();
    let error = lake.prepare(0, &views.cut()).unwrap_err().to_string();
    assert!(error.contains("1 rows of table vitals were retracted that never stood"), "{error}");
}
