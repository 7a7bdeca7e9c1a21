//! A start from a snapshot comes to what a run without snapshots comes to, or is not made from it.

use super::{Rig, binding, commit_all, output, undisturbed, visible};
use crate::{
    Binding, Error, Output,
    commit::{Committer, Opened, Snapshots},
    disk,
    lake::Lake,
    samples,
    snapshot::{self, Draft, Stored},
    topics,
};
use eventlog::{Log, Reader, Result as LogResult, Shared, TopicPartition, TopicSpec, Writer};
use model::{
    Epoch,
    state::{Export, Pieces, StepVersion},
};
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, ops::Range, path::PathBuf, sync::Arc};

/// What the one step remembers: by key, a fold of the epochs it saw.
type State = BTreeMap<u64, u64>;

fn remember(state: &mut State, epoch: Epoch) {
    let value = state.entry(epoch % 5).or_default();
    *value = value.wrapping_mul(31).wrapping_add(epoch + 1);
}

/// The state after epochs 0 to `epoch`.
fn state_after(epoch: Epoch) -> State {
    let mut state = State::new();
    (0..=epoch).for_each(|epoch| remember(&mut state, epoch));
    state
}

fn step() -> StepVersion {
    StepVersion { step: "fold".into(), version: 1 }
}

fn export(state: &State) -> Export {
    let mut pieces = Pieces::default();
    for (key, value) in state {
        pieces.push(&key.to_be_bytes(), &value.to_be_bytes());
    }
    Export { of: step(), pieces }
}

fn import(stored: &Stored) -> State {
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    let of = |export: Export| -> Vec<_> {
        export.pieces.iter().map(|(key, value)| (number(key), number(value))).collect()
    };
    stored.exports().flat_map(|export| of(export.unwrap())).collect()
}

/// A pipeline with state.
struct Life {
    committer: Committer,
    state: State,
    next: Epoch,
    /// The epoch it began after, and why snapshots were passed over.
    from: Option<Epoch>,
    refused: Vec<String>,
}

impl Rig {
    fn snapshots(&self) -> PathBuf {
        self.dir.path().join("snapshots")
    }

    fn restart(&self) -> Result<Life, Error> {
        let opened = self.open_from(
            &self.options(),
            Some(Snapshots { dir: &self.snapshots(), steps: &[step()], before: None }),
        )?;
        let Opened { mut committer, snapshot, bindings, refused } = opened;
        let mut state = snapshot.as_ref().map(import).unwrap_or_default();
        let from = snapshot.map(|stored| stored.epoch());
        for binding in &bindings {
            remember(&mut state, binding.epoch);
            let output = if binding.outputs.is_empty() { Output::default() } else { output(binding.epoch) };
            committer.replay(binding, &output).unwrap();
        }
        committer.ready();
        let next = bindings.last().map(|last| last.epoch).max(from).map_or(0, |last| last + 1);
        Ok(Life { committer, state, next, from, refused })
    }
}

impl Life {
    fn commit(&mut self) {
        self.commit_with(&output(self.next));
    }

    fn commit_with(&mut self, output: &Output) {
        self.committer.commit(binding(self.next), output).unwrap();
        remember(&mut self.state, self.next);
        self.next += 1;
    }

    fn snapshot(&mut self, rig: &Rig) {
        let disk: disk::Shared = Arc::new(disk::Machine);
        let (dir, keep) = (rig.snapshots(), 3);
        let options = snapshot::Options { dir, interval_ms: 1, input_bytes: 1, keep, slice_bytes: 1 };
        let (epoch, incarnation) = (self.next - 1, self.committer.incarnation());
        let mut draft = Draft::begin(&disk, &options, epoch, incarnation).unwrap();
        draft.add(vec![export(&self.state)]).unwrap();
        let mark = self.committer.mark(serde_json::json!({"epochs": self.next})).unwrap();
        draft.finish(&mark, &[step()]).unwrap();
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Commit,
    /// Time passes until the lake is due.
    Minute,
    Snapshot,
    Restart,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn restarts_from_snapshots_show_nowhere(
        acts in prop::collection::vec(
            prop_oneof![5 => Just(Act::Commit), 1 => Just(Act::Minute), 2 => Just(Act::Snapshot),
                        2 => Just(Act::Restart)],
            10..32,
        ),
    ) {
        let rig = Rig::new();
        let mut life = rig.restart().unwrap();
        for act in acts {
            match act {
                Act::Commit => life.commit(),
                Act::Minute => rig.pass_seconds(60),
                Act::Snapshot if life.next > 0 => life.snapshot(&rig),
                Act::Snapshot => {}
                Act::Restart => {
                    let (next, rows) = (life.next, rig.rows());
                    drop(life);
                    life = rig.restart().unwrap();
                    prop_assert_eq!((life.next, &life.refused), (next, &Vec::new()));
                    prop_assert_eq!(rig.rows(), rows);
                    prop_assert_eq!(rig.shelf.take().as_of_epoch, next.checked_sub(1));
                }
            }
        }
        let last = life.next;
        life.committer.drain(binding(last), &output(last)).unwrap();
        let expected = undisturbed(last);
        remember(&mut life.state, last);
        prop_assert_eq!(&life.state, &state_after(last));
        prop_assert!(rig.published() == expected.published(), "topics differ");
        prop_assert_eq!(rig.rows(), expected.rows());
        let plain = |rig: &Rig| -> Vec<Binding> {
            let records = rig.records(topics::BINDINGS, 0).into_iter();
            let binding = |value: &[u8]| serde_json::from_slice::<Binding>(value).unwrap();
            records.map(|record| Binding { incarnation: 0, intent: None, ..binding(&record.value) }).collect()
        };
        prop_assert_eq!(plain(&rig), plain(&expected));
        let at = [TopicPartition::new(model::Input::Packets.topic(), 3)];
        let shown = |rig: &Rig| rig.log.committed("manpasik.pipeline", &at).unwrap();
        prop_assert_eq!(shown(&rig), shown(&expected));
        let lake = |rig: &Rig| visible(&Lake::snapshot(&disk::Machine, &rig.lake(), Box::new(model::similar::Nothing)).unwrap());
        prop_assert_eq!(lake(&rig), lake(&expected));
    }
}

#[test]
fn a_snapshot_ahead_of_the_lake_waits_until_the_lake_is_there() {
    let rig = Rig::new();
    let mut life = rig.restart().unwrap();
    (0..3).for_each(|_| life.commit());
    life.snapshot(&rig);
    drop(life);
    // 1. The lake is empty and there are rows.
    let mut life = rig.restart().unwrap();
    assert_eq!((life.from, life.next, life.refused.len()), (None, 3, 0));
    // 2. The fourth epoch is flushed, the lake holds what the snapshot does not.
    life.commit();
    assert_eq!(life.committer.lake_through(), Some(3));
    drop(life);
    let mut life = rig.restart().unwrap();
    assert_eq!((life.from, life.next), (Some(2), 4));
    // 3. One on the lake, and one ahead of it.
    life.snapshot(&rig);
    life.commit();
    life.snapshot(&rig);
    drop(life);
    let life = rig.restart().unwrap();
    assert_eq!((life.from, life.next), (Some(3), 5));
    assert_eq!(life.state, state_after(4));
    assert_eq!(rig.rows(), {
        let expected = Rig::new();
        let mut life = expected.restart().unwrap();
        (0..5).for_each(|_| life.commit());
        expected.rows()
    });
}

#[test]
fn epochs_that_change_no_rows_do_not_wait_for_the_lake() {
    let rig = Rig::new();
    // 1. No rows ever.
    let mut life = rig.restart().unwrap();
    (0..3).for_each(|_| life.commit_with(&Output::default()));
    life.snapshot(&rig);
    life.commit_with(&Output::default());
    drop(life);
    let mut life = rig.restart().unwrap();
    assert_eq!((life.from, life.next, &life.state), (Some(2), 4, &state_after(3)));
    // 2. A row that was taken back before the lake was written.
    let session = |diff| Output { sessions: vec![(samples::session(0, false), diff)], ..Output::default() };
    life.commit_with(&session(1));
    life.commit_with(&session(-1));
    life.snapshot(&rig);
    drop(life);
    let mut life = rig.restart().unwrap();
    assert_eq!((life.from, life.next), (Some(5), 6));
    // 3. Rows, all of them in the lake, then none.
    rig.pass_seconds(60);
    let rows = output(2);
    life.commit_with(&Output {
        windows: rows.windows[1..].to_vec(),
        vitals: rows.vitals,
        ..Output::default()
    });
    assert_eq!(life.committer.lake_through(), Some(6));
    life.commit_with(&Output::default());
    life.snapshot(&rig);
    drop(life);
    let mut life = rig.restart().unwrap();
    assert_eq!((life.from, life.next), (Some(7), 8));
    // What comes next has to go on where the snapshot stands.
    let hole = samples::binding(9, 95, 99);
    let error = life.committer.commit(hole, &Output::default()).unwrap_err().to_string();
    assert!(error.contains("epoch 9 does not go on"), "{error}");
    // And what was committed then is found again from there.
    drop(life);
    let mut life = rig.restart().unwrap();
    life.commit_with(&Output::default());
    life.snapshot(&rig);
    drop(life);
    assert_eq!(rig.restart().unwrap().from, Some(8));
}

#[test]
fn a_manifest_committed_before_the_snapshot_is_still_published() {
    let rig = Rig::new();
    let mut life = rig.restart().unwrap();
    let obstacle = rig.lake().join("_manifests/00000000000000000001.json");
    fs::create_dir(&obstacle).unwrap();
    (0..4).for_each(|_| life.commit());
    life.commit_with(&Output::default());
    let rows = rig.rows();
    life.snapshot(&rig);
    drop(life);
    fs::remove_dir(&obstacle).unwrap();
    assert!(Lake::read(&disk::Machine, &rig.lake()).unwrap().is_empty());
    let life = rig.restart().unwrap();
    assert_eq!((life.from, life.next, life.committer.lake_through()), (Some(4), 5, Some(3)));
    assert_eq!(rig.rows(), rows);
    assert!(!Lake::read(&disk::Machine, &rig.lake()).unwrap().is_empty());
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_told() {
    let rig = Rig::new();
    let mut life = rig.restart().unwrap();
    (0..4).for_each(|_| life.commit());
    life.snapshot(&rig);
    life.commit_with(&Output::default());
    life.snapshot(&rig);
    drop(life);
    for (damaged, from) in [(4, Some(3)), (3, None)] {
        for file in fs::read_dir(rig.snapshots()).unwrap().map(|file| file.unwrap().path()) {
            let name = file.file_name().unwrap().to_str().unwrap();
            let is_chunk = file.extension().is_some_and(|extension| extension == "arrow");
            if is_chunk && name.starts_with(&format!("{damaged:020}")) {
                fs::write(&file, "nothing").unwrap();
            }
        }
        let life = rig.restart().unwrap();
        assert_eq!((life.from, life.next, &life.state), (from, 5, &state_after(4)));
        assert_eq!(life.refused.len(), 5 - damaged);
    }
}

#[test]
fn a_snapshot_with_state_of_another_version_is_passed_over_and_told() {
    let rig = Rig::new();
    let mut life = rig.restart().unwrap();
    (0..4).for_each(|_| life.commit());
    life.snapshot(&rig);
    drop(life);
    let known = |steps: &[StepVersion]| {
        let snapshots = Snapshots { dir: &rig.snapshots(), steps, before: None };
        let opened = rig.open_from(&rig.options(), Some(snapshots)).unwrap();
        (opened.snapshot.map(|stored| stored.epoch()), opened.bindings.len(), opened.refused.len())
    };
    let newer = |version| StepVersion { version, ..step() };
    let other = StepVersion { step: "other".into(), version: 1 };
    // The version after the one that wrote it reads it, and no other does.
    assert_eq!(known(&[newer(2)]), (Some(3), 0, 0));
    assert_eq!(known(&[newer(3)]), (None, 4, 1));
    assert_eq!(known(&[newer(0)]), (None, 4, 1));
    assert_eq!(known(std::slice::from_ref(&other)), (None, 4, 1));
    // A step more than the snapshot holds begins with nothing.
    assert_eq!(known(&[other, step()]), (Some(3), 0, 0));
}

#[test]
fn snapshots_of_another_log_are_told_and_not_used() {
    let (rig, other) = (Rig::new(), Rig::new());
    let mut life = other.restart().unwrap();
    (0..9).for_each(|_| life.commit_with(&Output::default()));
    life.snapshot(&other);
    // 1. An empty log, shorter than the snapshot says; 2. one that went another way.
    fs::create_dir(rig.snapshots()).unwrap();
    for file in fs::read_dir(other.snapshots()).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), rig.snapshots().join(file.file_name())).unwrap();
    }
    for epochs in [0, 10] {
        commit_all(&mut rig.resume().0, epochs..epochs);
        let life = rig.restart().unwrap();
        assert_eq!((life.from, life.refused.len()), (None, 1));
        assert!(life.refused[0].contains("does not hold epoch 8 as the snapshot does"), "{:?}", life.refused);
        if epochs == 0 {
            commit_all(&mut rig.restart().unwrap().committer, 1..9);
        }
    }
}

#[test]
fn a_lake_of_another_log_is_refused_with_a_snapshot_too() {
    let (rig, other) = (Rig::new(), Rig::new());
    let mut life = rig.restart().unwrap();
    (0..4).for_each(|_| life.commit());
    life.commit_with(&Output::default());
    life.snapshot(&rig);
    drop(life);
    commit_all(&mut other.resume().0, 0..1);
    fs::remove_dir_all(rig.lake()).unwrap();
    fs::rename(other.lake(), rig.lake()).unwrap();
    let text = rig.restart().map(|life| life.next).unwrap_err().to_string();
    assert!(text.contains("belongs to another log"), "{text}");
}

/// A log whose first bindings were removed by retention.
struct Trimmed(Shared, u64);

impl Log for Trimmed {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> LogResult<()> {
        self.0.ensure_topics(topics)
    }

    fn partitions(&self, topic: &str) -> LogResult<u32> {
        self.0.partitions(topic)
    }

    fn range(&self, at: &TopicPartition) -> LogResult<Range<u64>> {
        let range = self.0.range(at)?;
        let start = if &*at.topic == topics::BINDINGS { self.1 } else { range.start };
        Ok(start..range.end)
    }

    fn truncate(&self, at: &TopicPartition, before: u64) -> LogResult<()> {
        self.0.truncate(at, before)
    }

    fn committed(&self, group: &str, at: &[TopicPartition]) -> LogResult<Vec<Option<u64>>> {
        self.0.committed(group, at)
    }

    fn reader(&self) -> LogResult<Box<dyn Reader>> {
        self.0.reader()
    }

    fn writer(&self, transactional_id: &str) -> LogResult<Box<dyn Writer>> {
        self.0.writer(transactional_id)
    }
}

#[test]
fn bindings_removed_by_retention_are_missed_only_without_a_snapshot() {
    let mut rig = Rig::new();
    let mut life = rig.restart().unwrap();
    (0..4).for_each(|_| life.commit());
    life.snapshot(&rig);
    life.commit();
    drop(life);
    let log = Arc::clone(&rig.log);
    rig.log = Arc::new(Trimmed(Arc::clone(&log), 3));
    let life = rig.restart().unwrap();
    assert_eq!((life.from, life.next, &life.state), (Some(3), 5, &state_after(4)));
    // Retention overtook the snapshot.
    rig.log = Arc::new(Trimmed(log, 4));
    let text = rig.restart().map(|life| life.next).unwrap_err().to_string();
    assert!(text.contains("they begin at 4 and there is no snapshot to begin with"), "{text}");
}
