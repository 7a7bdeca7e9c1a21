//! Input that was deleted before it was read, and after.

use super::{Intake, Options};
use crate::Error;
use eventlog::{Draft, Log, TopicPartition, embedded::Embedded};
use model::Input;
use sinks::Binding;
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;

struct Rig {
    log: Arc<Embedded>,
    _dir: TempDir,
}

impl Rig {
    /// A log with ten vital signs on one partition.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let options =
            eventlog::embedded::Options { dir: path, segment_bytes: 1 << 20, max_record_bytes: 1 << 20 };
        let log = Arc::new(Embedded::open(&options).unwrap());
        log.ensure_topics(&crate::engine::inputs(1)).unwrap();
        let rig = Self { log, _dir: dir };
        rig.write(10);
        rig
    }

    fn write(&self, records: u8) {
        let mut writer = self.log.writer("devices").unwrap();
        writer.begin().unwrap();
        for number in 0..records {
            let (topic, value) = (Input::Vitals.topic().into(), vec![number]);
            let (key, headers) = (None, Vec::new());
            writer.send(Draft { topic, partition: 0, timestamp_ms: 0, key, value, headers }).unwrap();
        }
        writer.commit("", &[]).unwrap();
    }

    fn delete_before(&self, offset: u64) {
        self.log.truncate(&TopicPartition::new(Input::Vitals.topic(), 0), offset).unwrap();
    }

    fn open(&self, skip_deleted: bool, from: Option<&Binding>, replay: &[Binding]) -> Result<Intake, Error> {
        let log: eventlog::Shared = Arc::<Embedded>::clone(&self.log);
        Intake::open(log, &options(skip_deleted), from, replay)
    }
}

fn options(skip_deleted: bool) -> Options {
    Options {
        tick_ms: 1,
        max_records: 100,
        max_bytes: 1 << 20,
        idle_ms: 1,
        partition_idle_ms: 1_000,
        horizon_s: 60,
        skip_deleted,
        stall_s: 60,
    }
}

/// Reads all there is as the epoch `epoch`.
fn cut(intake: &mut Intake, epoch: u64) -> Binding {
    while intake.poll(&options(false), Duration::from_millis(50)).unwrap() > 0 {}
    intake.cut(epoch, 0).0
}

fn vitals(binding: &Binding) -> (u64, u64) {
    let range = binding.inputs.iter().find(|range| range.input == Input::Vitals).unwrap();
    (range.lo, range.hi)
}

#[test]
fn deleted_unread_records_stop_the_pipeline_unless_it_may_skip_them() {
    let rig = Rig::new();
    let first = cut(&mut rig.open(false, None, &[]).unwrap(), 0);
    assert_eq!((vitals(&first), first.n_in), ((0, 10), 10));
    rig.write(10);
    rig.delete_before(15);
    let refused = rig.open(false, Some(&first), &[]).unwrap_err();
    assert!(matches!(refused, Error::Overtaken { wanted: 10, start: 15, .. }), "{refused}");
    let second = cut(&mut rig.open(true, Some(&first), &[]).unwrap(), 1);
    assert_eq!((vitals(&second), second.n_in), ((10, 20), 5));
    // A start after a crash computes that epoch again, from the same records.
    let mut intake = rig.open(true, Some(&first), std::slice::from_ref(&second)).unwrap();
    let records = intake.recut(&second).unwrap();
    assert_eq!(records.iter().map(|(_, records)| records.len()).sum::<usize>(), 5);
}

#[test]
fn deleted_records_of_an_epoch_that_is_computed_again_are_never_skipped() {
    let rig = Rig::new();
    let first = cut(&mut rig.open(false, None, &[]).unwrap(), 0);
    rig.delete_before(4);
    let replay = std::slice::from_ref(&first);
    assert!(matches!(rig.open(false, None, replay).unwrap_err(), Error::Overtaken { wanted: 0, .. }));
    let refused = rig.open(true, None, replay).unwrap().recut(&first).unwrap_err();
    assert!(matches!(refused, Error::Diverged { epoch: 0, .. }), "{refused}");
}
