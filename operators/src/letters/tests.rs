//! A letter stands once from its record on until the record can be used, and nothing else is ever taken back.

use super::standing;
use crate::state::{Memory, States};
use model::{Again, Fault, Input, Micros, Origin, Raw, Reason, Tick, state::Export};
use proptest::prelude::*;
use std::collections::BTreeMap;
use timely::dataflow::operators::{
    capture::{Capture, Extract},
    vec::input::Input as _,
};

const HORIZON: Micros = 1_600;

fn at(offset: u64) -> Origin {
    Origin { input: Input::Vitals, partition: 1, offset }
}

fn letter(offset: u64) -> Fault {
    Fault {
        origin: at(offset),
        reason: Reason::MissingField,
        detail: "made to be bad".into(),
        raw: Raw { recorded_at: offset as Micros, value: vec![7; 3], ..Raw::default() },
    }
}

/// The record at `offset`, which sends `letter` again.
fn sent(offset: u64, letter: &Fault, repaired: bool) -> (Origin, Again) {
    (at(offset), Again { letter: letter.clone(), repaired })
}

/// The record at `offset`, which sends `letter` again and is refused again.
fn refused(offset: u64, letter: &Fault, reason: Reason, value: Option<&[u8]>) -> Fault {
    let headers = Again::headers(letter, value.is_some());
    let value = value.map_or_else(|| letter.raw.value.clone(), <[u8]>::to_vec);
    Fault { origin: at(offset), reason, raw: Raw { headers, value, ..letter.raw.clone() }, ..letter.clone() }
}

/// What an epoch brings: its watermark, what was refused, what was sent again.
type Feed = (Micros, Vec<Fault>, Vec<(Origin, Again)>);
/// What came out by epoch, and the state at the end.
type Found = (Vec<(u64, Fault, i64)>, Vec<Export>);

/// Feeds epochs from number `first` on, beginning with `state`.
fn run(first: u64, state: Vec<Export>, epochs: Vec<Feed>) -> Found {
    let (out, state) = timely::execute_directly(move |worker| {
        let states = States::default();
        let (mut faults, mut again, mut ticks, out) = worker.dataflow::<u64, _, _>(|scope| {
            let (faults, fault_stream) = scope.new_input();
            let (again, again_stream) = scope.new_input();
            let (ticks, tick_stream) = scope.new_input();
            let memory = Memory { ticks: tick_stream, horizon: HORIZON, states: states.clone() };
            let out = standing(fault_stream, again_stream, &memory);
            (faults, again, ticks, out.inner.capture())
        });
        for export in &state {
            states.import(export, 0, 1).unwrap();
        }
        for (epoch, (watermark, refused, sent)) in (first..).zip(epochs) {
            faults.advance_to(epoch);
            again.advance_to(epoch);
            ticks.advance_to(epoch);
            for fault in refused {
                faults.send(fault);
            }
            for sent in sent {
                again.send(sent);
            }
            ticks.send(Tick { now: 1_000_000, watermark });
            worker.step();
        }
        drop((faults, again, ticks));
        while worker.step() {}
        states.begin();
        let mut export = Vec::new();
        while !states.export(5, &mut export) {}
        (out, export)
    });
    let rows = out.extract().into_iter().flat_map(|(_, rows)| rows);
    (rows.map(|(fault, epoch, diff)| (epoch, fault, diff)).collect(), state)
}

fn found(epochs: Vec<Feed>) -> Vec<(u64, Fault, i64)> {
    run(0, Vec::new(), epochs).0
}

#[test]
fn a_letter_is_taken_back_once_when_its_record_can_be_used() {
    let bad = letter(3);
    let stands = (0, vec![bad.clone()], vec![]);
    let expected = vec![(0, bad.clone(), 1), (1, bad.clone(), -1)];
    for repaired in [false, true] {
        let again = (0, vec![], vec![sent(9, &bad, repaired), sent(10, &bad, repaired)]);
        assert_eq!(found(vec![stands.clone(), again.clone(), again]), expected);
    }
    // Both in one epoch, whatever came first to the operator.
    let both = found(vec![(0, vec![bad.clone()], vec![sent(9, &bad, false)])]);
    assert_eq!(both, [(0, bad.clone(), -1), (0, bad.clone(), 1)]);
    // Between them the state left and came back.
    let (first, state) = run(0, Vec::new(), vec![stands]);
    let (rest, state) = run(1, state, vec![(0, vec![], vec![sent(9, &bad, false)])]);
    assert_eq!([first, rest].concat(), expected);
    assert!(state.is_empty());
}

#[test]
fn a_letter_that_never_stood_is_never_taken_back() {
    let bad = letter(3);
    let others = [
        letter(4),
        Fault { reason: Reason::BadLength, ..bad.clone() },
        Fault { detail: "made up".into(), ..bad.clone() },
        Fault { raw: Raw { value: vec![8], ..bad.raw.clone() }, ..bad.clone() },
        Fault { raw: Raw { key: Some(vec![]), ..bad.raw.clone() }, ..bad.clone() },
        Fault { raw: Raw { headers: vec![("h".into(), vec![])], ..bad.raw.clone() }, ..bad.clone() },
        Fault { raw: Raw { recorded_at: 4, ..bad.raw.clone() }, ..bad.clone() },
    ];
    let again = (10..).zip(&others).map(|(offset, other)| sent(offset, other, true)).collect();
    let epochs = vec![(0, vec![bad.clone()], again)];
    assert_eq!(found(epochs), [(0, bad.clone(), 1)]);
    // Refused, such a record is a letter of its own.
    let forged = refused(9, &others[0], Reason::BadLength, None);
    let epochs = vec![(0, vec![bad.clone(), forged.clone()], vec![])];
    assert_eq!(found(epochs), [(0, bad, 1), (0, forged, 1)]);
}

#[test]
fn what_is_refused_again_is_no_second_letter() {
    let bad = letter(3);
    let same = refused(9, &bad, bad.reason, None);
    let other = refused(10, &bad, Reason::TooLate, None);
    let anew = Fault { reason: Reason::TooLate, ..bad.clone() };
    let epochs = vec![
        (0, vec![bad.clone()], vec![]),
        // Arrival let it pass, a step behind it did not.
        (0, vec![same.clone()], vec![sent(9, &bad, false)]),
        (0, vec![other], vec![]),
        (0, vec![], vec![sent(11, &bad, false)]),
        (0, vec![], vec![sent(12, &anew, false)]),
    ];
    assert_eq!(found(epochs), [(0, bad.clone(), 1), (2, bad, -1), (2, anew.clone(), 1), (4, anew, -1)]);
}

#[test]
fn a_repaired_record_that_is_refused_is_a_letter_of_its_own() {
    let bad = letter(3);
    let other = refused(9, &bad, Reason::BadLength, Some(b"no better"));
    let epochs = vec![
        (0, vec![bad.clone()], vec![]),
        (0, vec![other.clone()], vec![]),
        (0, vec![], vec![sent(10, &other, false), sent(11, &bad, true)]),
    ];
    assert_eq!(found(epochs), [(0, bad.clone(), 1), (1, other.clone(), 1), (2, bad, -1), (2, other, -1)]);
}

#[test]
fn letters_are_forgotten_after_the_horizon_and_stay() {
    let bad = letter(3);
    let later = |watermark| vec![(0, vec![bad.clone()], vec![]), (watermark, vec![], vec![])];
    let again = (HORIZON, vec![], vec![sent(9, &bad, false)]);
    let epochs = [later(HORIZON), vec![again.clone()]].concat();
    assert_eq!(found(epochs).len(), 2, "it was in time");
    let (rows, state) = run(0, Vec::new(), later(2 * HORIZON));
    assert!(state.is_empty());
    assert_eq!(run(2, state, vec![again]).0.len() + rows.len(), 1, "it was forgotten, and stays");
    // A clock that is ahead is not believed.
    let ahead = Fault { raw: Raw { recorded_at: Micros::MAX, ..Raw::default() }, ..letter(4) };
    assert!(run(0, Vec::new(), vec![(0, vec![ahead], vec![]), (2_000_000, vec![], vec![])]).1.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Records that lie as they like: no row ever stands twice, or is taken back where it does not stand.
    #[test]
    fn rows_stand_once_or_not_at_all(
        acts in prop::collection::vec((0_u8..4, 0_u64..8, any::<bool>(), any::<bool>()), 1..40),
        cut in 1_usize..40
    ) {
        let mut epochs = Vec::new();
        for (offset, (act, of, other, value)) in (0..).zip(acts) {
            let reason = if other { Reason::TooLate } else { Reason::MissingField };
            let named = Fault { reason: if value { Reason::TooLate } else { Reason::MissingField }, ..letter(of) };
            epochs.push(match act {
                0 => (0, vec![letter(offset)], vec![]),
                1 if of < offset => (0, vec![refused(offset, &named, reason, None)], vec![]),
                2 if of < offset => (0, vec![refused(offset, &named, reason, value.then_some(b"v"))], vec![]),
                _ => (0, vec![], vec![sent(offset, &named, other)]),
            });
        }
        let rest = epochs.split_off(cut.min(epochs.len()));
        let (mut rows, state) = run(0, Vec::new(), epochs.clone());
        rows.extend(run(epochs.len() as u64, state, rest.clone()).0);
        let straight = found([epochs, rest].concat());
        prop_assert_eq!(&rows, &straight);
        let mut standing = BTreeMap::<Fault, i64>::new();
        rows.sort_by_key(|(epoch, _, diff)| (*epoch, *diff));
        for (_, fault, diff) in rows {
            let count = standing.entry(fault).or_default();
            *count += diff;
            prop_assert!((0..=1).contains(count));
        }
    }
}
