//! A start refuses what does not belong together, and says what to do.

use super::{Rig, binding, commit_all, output};
use crate::topics;
use eventlog::{Draft, TopicPartition};
use std::fs;

fn refused(rig: &Rig) -> String {
    rig.open_with(&rig.options()).unwrap_err().to_string()
}

#[test]
fn a_lake_that_is_not_a_directory() {
    let rig = Rig::new();
    fs::write(rig.lake(), "").unwrap();
    let text = refused(&rig);
    assert!(text.contains(rig.lake().to_str().unwrap()) && text.contains("os error"), "{text}");
    assert!(text.ends_with("set commit.lake.dir to a directory"), "{text}");
}

#[test]
fn a_lake_of_another_log() {
    let (rig, other) = (Rig::new(), Rig::new());
    commit_all(&mut rig.resume().0, 0..2);
    // 1. A lake, and a log that knows nothing of it.
    let (dir, options) = (rig.lake(), other.options());
    let mixed = crate::Options { lake: crate::lake::Options { dir, ..options.lake.clone() }, ..options };
    let text = other.open_with(&mixed).unwrap_err().to_string();
    assert!(text.contains("000001.json") && text.contains("belongs to another log"), "{text}");
    // 2. A log that committed other manifests than the lake has.
    commit_all(&mut other.resume().0, 0..3);
    let text = other.open_with(&mixed).unwrap_err().to_string();
    assert!(text.contains("belongs to another log"), "{text}");
    // 3. A log, and an empty lake.
    fs::remove_dir_all(rig.lake()).unwrap();
    let text = refused(&rig);
    assert!(text.contains("it is gone: put the lake of this log in place"), "{text}");
}

#[test]
fn a_group_that_somebody_else_moved() {
    let rig = Rig::new();
    rig.resume().0.commit(binding(0), &output(0)).unwrap();
    let mut stranger = rig.log.writer("stranger").unwrap();
    stranger.begin().unwrap();
    let at = TopicPartition::new(model::Input::Packets.topic(), 3);
    stranger.commit("manpasik.pipeline", &[(at, 4)]).unwrap();
    let text = refused(&rig);
    assert!(
        text.contains("manpasik.measurement.packet/3") && text.contains("ignore_group_offsets"),
        "{text}"
    );
    assert!(rig.open_with(&crate::Options { ignore_group_offsets: true, ..rig.options() }).is_ok());
}

#[test]
fn bindings_that_are_none() {
    let rig = Rig::new();
    rig.resume().0.commit(binding(0), &output(0)).unwrap();
    let mut stranger = rig.log.writer("stranger").unwrap();
    stranger.begin().unwrap();
    let (key, headers) = (None, Vec::new());
    let topic = topics::BINDINGS.into();
    stranger
        .send(Draft { topic, partition: 0, timestamp_ms: 0, key, value: b"{}".to_vec(), headers })
        .unwrap();
    stranger.commit("", &[]).unwrap();
    let text = refused(&rig);
    assert!(text.contains("no binding at 1") && text.contains("start the version that wrote it"), "{text}");
}

#[test]
fn an_epoch_out_of_turn() {
    let rig = Rig::new();
    let (mut committer, _) = rig.resume();
    committer.commit(binding(0), &output(0)).unwrap();
    let error = committer.commit(binding(2), &output(2)).unwrap_err().to_string();
    assert!(error.contains("epoch 2 does not go on where manpasik.measurement.packet/3 was left"), "{error}");
    let error = rig.resume().0.commit(binding(0), &output(0)).unwrap_err().to_string();
    assert!(error.contains("epoch 0 does not come after epoch 0"), "{error}");
}
