//! A pipeline in miniature: epochs whose input follows from their number, over an embedded log.

use super::{Clock, Committed, Committer, Hand, Means, Opened, Options, Snapshots};
use crate::{Binding, Error, Output, disk::machine, lake, samples, topics, views::identities};
use eventlog::{Budget, Log, Record, Shared, TopicPartition, embedded::Embedded};
use model::{
    ChangeKind::{Cleared, Raised},
    view::{RowId, Shelf, Snapshot},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

mod answers;
mod audits;
mod crashes;
mod lagging;
mod measured;
mod restarts;
mod slow;
mod starts;

/// Rows per flush: the fourth epoch has the first.
const FLUSH_ROWS: usize = 28;

/// The directories, the log and the readers of one pipeline; committers come and go.
struct Rig {
    dir: TempDir,
    log: Shared,
    shelf: Arc<Shelf>,
    seconds: Arc<AtomicU64>,
    hand: Hand,
    disk: crate::disk::Shared,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = Self::log(&dir);
        Self { dir, log, shelf: Arc::default(), seconds: Arc::default(), hand: Hand::Own(0), disk: machine() }
    }

    fn log(dir: &TempDir) -> Shared {
        let options = eventlog::embedded::Options {
            dir: dir.path().join("log"),
            segment_bytes: 1 << 20,
            max_record_bytes: 1 << 20,
        };
        let log = Embedded::open(&options).unwrap();
        let input = eventlog::TopicSpec { name: model::Input::Packets.topic().into(), partitions: 6 };
        log.ensure_topics(&[input]).unwrap();
        Arc::new(log)
    }

    fn lake(&self) -> PathBuf {
        self.dir.path().join("lake")
    }

    fn options(&self) -> Options {
        Options {
            transactional_id: "manpasik-0".into(),
            group: "manpasik.pipeline".into(),
            window_partitions: 2,
            alert_partitions: 2,
            dead_letter_bytes: 1 << 19,
            attempts: 4,
            retry_ms: 0,
            ignore_group_offsets: false,
            lake: lake::Options {
                dir: self.lake(),
                flush_rows: FLUSH_ROWS,
                flush_bytes: 1 << 30,
                flush_interval_ms: 60_000,
                outbox_bytes: 1 << 30,
                compact_bytes: 1 << 25,
                garbage_age_s: 86_400,
            },
        }
    }

    fn open_with(&self, options: &Options) -> Result<(Committer, Vec<Binding>), Error> {
        self.open_from(options, None).map(|opened| (opened.committer, opened.bindings))
    }

    fn open_from(&self, options: &Options, snapshots: Option<Snapshots<'_>>) -> Result<Opened, Error> {
        let seconds = Arc::clone(&self.seconds);
        let clock: Clock = Arc::new(move || Duration::from_secs(seconds.load(Ordering::SeqCst)));
        let (log, shelf) = (Arc::clone(&self.log), Arc::clone(&self.shelf));
        let (disk, hand) = (Arc::clone(&self.disk), self.hand);
        let means = Means { log, disk, shelf, similar: measured::follow, hand, clock };
        Committer::open(&means, options, snapshots)
    }

    /// Opens and replays; returns the next epoch.
    fn resume(&self) -> (Committer, u64) {
        let (mut committer, bindings) = self.open_with(&self.options()).unwrap();
        for binding in &bindings {
            committer.replay(binding, &output(binding.epoch)).unwrap();
        }
        committer.ready();
        (committer, bindings.last().map_or(0, |last| last.epoch + 1))
    }

    fn pass_seconds(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// What every topic for readers holds, by topic and partition.
    fn published(&self) -> BTreeMap<(&'static str, u32), Vec<Record>> {
        let mut published = BTreeMap::new();
        for topic in topics::RESULTS {
            for partition in 0..self.log.partitions(topic).unwrap() {
                published.insert((topic, partition), self.records(topic, partition));
            }
        }
        published
    }

    fn records(&self, topic: &str, partition: u32) -> Vec<Record> {
        let at = TopicPartition::new(topic, partition);
        let end = self.log.range(&at).unwrap().end;
        let mut reader = self.log.reader().unwrap();
        reader.assign(&[(at, 0)]).unwrap();
        let mut records = Vec::new();
        while reader.positions()[0].1 < end {
            let budget = Budget { records: 1_000, bytes: 1 << 20 };
            reader.poll(budget, Duration::from_millis(10), &mut records).unwrap();
        }
        records
    }

    /// The rows a reader finds now, by table; panics if one stands twice.
    fn rows(&self) -> BTreeMap<&'static str, BTreeSet<RowId>> {
        visible(&self.shelf.take())
    }
}

fn visible(snapshot: &Snapshot) -> BTreeMap<&'static str, BTreeSet<RowId>> {
    let of = |(table, view): (&&'static str, &model::view::TableView)| {
        let files = view.files.iter().flat_map(|file| lake::identities(&file.path).unwrap());
        let all = view.live.iter().flat_map(identities).chain(files);
        let rows: Vec<RowId> = all.filter(|id| !view.hidden.contains(id)).collect();
        let distinct: BTreeSet<RowId> = rows.iter().copied().collect();
        assert_eq!(rows.len(), distinct.len(), "a row of {table} stands twice");
        (*table, distinct)
    };
    snapshot.tables.iter().map(of).collect()
}

fn binding(epoch: u64) -> Binding {
    samples::binding(epoch, epoch * 10, epoch * 10 + 10)
}

/// New facts, and corrections of facts one to three epochs old.
fn output(epoch: u64) -> Output {
    let e = epoch as u32;
    let mut output = Output {
        windows: (0..3).map(|i| (samples::window(e * 3 + i, 0), 1)).collect(),
        vitals: (0..2).map(|i| (samples::vitals(e * 2 + i), 1)).collect(),
        sessions: vec![(samples::session(e, false), 1)],
        alerts: vec![(samples::alert(e, Raised), 1)],
        changes: vec![(samples::change(e, Raised, 0), 1)],
        beginnings: vec![(samples::beginning(e, 0), 1)],
        detected: vec![(samples::detected(e, 0), 1)],
        faults: if e.is_multiple_of(2) { vec![(samples::fault(e), 1)] } else { Vec::new() },
        ..Output::default()
    };
    if let Some(e) = e.checked_sub(1) {
        output.alerts.extend([(samples::alert(e, Raised), -1), (samples::alert(e, Cleared), 1)]);
        output.changes.push((samples::change(e, Cleared, 0), 1));
        output.ends.push((samples::end(e, 0), 1));
    }
    if let Some(e) = e.checked_sub(2) {
        output.windows.extend([(samples::window(e * 3, 0), -1), (samples::window(e * 3, 1), 1)]);
        output.sessions.extend([(samples::session(e, false), -1), (samples::session(e, true), 1)]);
    }
    if let Some(e) = e.checked_sub(3) {
        output.changes.push((samples::change(e, Raised, 0), -1));
        output.beginnings.extend([(samples::beginning(e, 0), -1), (samples::beginning(e, 1), 1)]);
        output.ends.push((samples::end(e, 0), -1));
        output.windows.push((samples::window(e * 3 + 1, 0), -1));
        output.detected.extend([(samples::detected(e, 0), -1), (samples::detected(e, 2), 1)]);
    }
    Output::merge([output])
}

/// Commits `epochs` and drains with the one after.
fn commit_all(committer: &mut Committer, epochs: std::ops::Range<u64>) -> Committed {
    for epoch in epochs.clone() {
        committer.commit(binding(epoch), &output(epoch)).unwrap();
    }
    committer.drain(binding(epochs.end), &output(epochs.end)).unwrap()
}

/// A pipeline that nothing ever happened to.
fn undisturbed(epochs: u64) -> Rig {
    let rig = Rig::new();
    commit_all(&mut rig.resume().0, 0..epochs);
    rig
}

#[test]
fn an_epoch_is_visible_in_topics_and_views_and_leaves_its_binding() {
    let rig = Rig::new();
    let (mut committer, next) = rig.resume();
    assert_eq!((next, rig.shelf.take().as_of_epoch), (0, None));
    assert_eq!(rig.shelf.take().tables.len(), model::table::all().len());

    let committed = committer.commit(binding(0), &output(0)).unwrap();
    assert_eq!(committed, Committed { epoch: 0, records: 7, manifest: None, lake_lag: None });
    let snapshot = rig.shelf.take();
    assert_eq!(snapshot.as_of_epoch, Some(0));
    assert_eq!((snapshot.progress[0].next_offset, snapshot.progress[0].end_offset), (10, 12));
    assert_eq!(rig.rows()["windows"].len(), 3);
    let count: usize = rig.published().values().map(Vec::len).sum();
    assert_eq!(count, 7);
    let written: Binding = serde_json::from_slice(&rig.records(topics::BINDINGS, 0)[0].value).unwrap();
    assert_eq!((written.incarnation, written.outputs.len(), written.intent), (1, 5, None));
    let at = TopicPartition::new(model::Input::Packets.topic(), 3);
    assert_eq!(rig.log.committed("manpasik.pipeline", &[at]).unwrap(), [Some(10)]);
}

#[test]
fn the_lake_is_written_when_rows_or_time_say_so() {
    let rig = Rig::new();
    let (mut committer, _) = rig.resume();
    let manifests: Vec<Option<u64>> =
        (0..6).map(|epoch| committer.commit(binding(epoch), &output(epoch)).unwrap().manifest).collect();
    assert_eq!(manifests, [None, None, None, Some(1), None, None]);
    rig.pass_seconds(60);
    assert_eq!(committer.commit(binding(6), &output(6)).unwrap().manifest, Some(2));
    // Nothing waits: nothing is written, however long ago it was.
    rig.pass_seconds(600);
    assert_eq!(committer.commit(binding(7), &Output::default()).unwrap().manifest, None);
    let snapshot = rig.shelf.take();
    assert!(snapshot.tables.values().all(|table| table.live.is_empty() && table.hidden.is_empty()));
    assert_eq!(snapshot.as_of_epoch, Some(7));
}
