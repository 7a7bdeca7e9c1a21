//! A process may die at any step: what is found afterwards equals a run in which it never did.

use super::{Rig, binding, commit_all, output, undisturbed};
use crate::{Error, commit::Committer, lake::Lake, samples, topics};
use arrow::array::RecordBatch;

/// After which step the process dies.
#[derive(Clone, Copy, Debug)]
enum Point {
    Collect,
    Prepare,
    /// In the transaction, before the log knows that it ends.
    Send,
    Commit,
    Publish,
}

/// Takes an epoch as far as `point`, and no step further.
fn die_after(point: Point, mut committer: Committer, epoch: u64) {
    let mut pending = committer.collect(binding(epoch), &output(epoch)).unwrap();
    if matches!(point, Point::Collect) {
        return;
    }
    committer.flush(&mut pending, true).unwrap();
    assert!(pending.prepared.is_some());
    if matches!(point, Point::Prepare) {
        return;
    }
    if matches!(point, Point::Send) {
        committer.writer.begin().unwrap();
        let drafts = pending.letters.drafts.into_iter();
        drafts.for_each(|draft| committer.writer.send(draft).unwrap());
        return committer.writer.send(topics::binding(&pending.binding)).unwrap();
    }
    committer.transact(&pending).unwrap();
    if matches!(point, Point::Publish) {
        committer.settle(pending).unwrap();
        committer.publish(true).unwrap();
    }
}

#[test]
fn dying_at_every_step_of_every_epoch_changes_nothing() {
    let expected = undisturbed(5);
    for last in [Point::Commit, Point::Publish] {
        let mut rig = Rig::new();
        for epoch in 0..5 {
            for point in [Point::Collect, Point::Prepare, Point::Send, last] {
                let (committer, next) = rig.resume();
                assert_eq!(next, epoch, "before {point:?}");
                die_after(point, committer, epoch);
            }
        }
        // The log is opened again from disk, too.
        let Rig { dir, log, .. } = rig;
        drop(log);
        rig = Rig { log: Rig::log(&dir), dir, ..Rig::new() };
        let (mut committer, next) = rig.resume();
        assert_eq!(next, 5);
        commit_all(&mut committer, 5..5);

        assert!(rig.published() == expected.published(), "topics differ after {last:?}");
        assert_eq!(rig.rows(), expected.rows(), "tables differ after {last:?}");
        let rows = |rig: &Rig| -> Vec<(String, u64)> {
            let rows = Lake::read(&crate::disk::Machine, &rig.lake()).unwrap().into_iter();
            rows.map(|(table, files)| (table, files.iter().map(|file| file.rows).sum())).collect()
        };
        assert_eq!(rows(&rig), rows(&expected), "lakes differ after {last:?}");
    }
}

#[test]
fn rows_newer_than_the_lake_come_back_by_replay() {
    let rig = Rig::new();
    let (mut committer, _) = rig.resume();
    for epoch in 0..6 {
        committer.commit(binding(epoch), &output(epoch)).unwrap();
    }
    let (before, published) = (rig.rows(), rig.published());
    let live =
        |rig: &Rig| rig.shelf.take().tables["windows"].live.iter().map(RecordBatch::num_rows).sum::<usize>();
    let live_before = live(&rig);
    assert!(live_before > 0 && !rig.shelf.take().tables["windows"].files.is_empty());
    drop(committer);
    let (_, next) = rig.resume();
    assert_eq!((next, rig.rows(), live(&rig)), (6, before, live_before));
    assert!(rig.published() == published, "a replay writes nothing");
}

#[test]
fn an_epoch_that_comes_out_differently_is_refused() {
    let rig = Rig::new();
    rig.resume().0.commit(binding(0), &output(0)).unwrap();
    let refused = |change: fn(&mut crate::Output)| {
        let (mut committer, bindings) = rig.open_with(&rig.options()).unwrap();
        let mut other = output(0);
        change(&mut other);
        committer.replay(&bindings[0], &other)
    };
    assert!(refused(|_| ()).is_ok());
    let diverged = |change| match refused(change) {
        Err(Error::Diverged(found)) => {
            assert_eq!((found.epoch, found.committed_by.as_str()), (0, "0.1.0"));
            let text = found.to_string();
            for part in [&found.committed, &found.computed].into_iter().flatten() {
                let told = format!("{} records (blake3 {})", part.records, part.digest);
                assert!(part.topic == found.topic && text.contains(&told), "{text}");
            }
            assert_eq!(found.computed.is_none(), text.contains("computed no records"), "{text}");
            found.topic
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(diverged(|output| output.windows[0].0.beats += 1), topics::WINDOWS);
    assert_eq!(diverged(|output| output.changes.clear()), topics::ALERTS);
    assert_eq!(diverged(|output| output.faults.push((samples::fault(77), 1))), topics::DEAD_LETTERS);
}
