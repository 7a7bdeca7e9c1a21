//! An audit finds what was added, lost or put in between, and nothing where nothing is wrong.

use super::{Rig, commit_all};
use crate::{audit, topics};
use eventlog::{Draft, TopicPartition};

/// Writes one record to partition 0 of a topic, past the committer.
fn intrude(rig: &Rig, topic: &str) {
    let mut writer = rig.log.writer("somebody else").unwrap();
    writer.begin().unwrap();
    let draft = Draft {
        topic: topic.into(),
        partition: 0,
        timestamp_ms: 0,
        key: None,
        value: b"noise".to_vec(),
        headers: Vec::new(),
    };
    writer.send(draft).unwrap();
    writer.commit("", &[]).unwrap();
}

/// What the audit says of the topic's partition 0.
fn said(rig: &Rig, topic: &str) -> Vec<(Option<u64>, &'static str)> {
    let place = TopicPartition::new(topic, 0);
    let audit = audit(&*rig.log).unwrap();
    assert!(audit.findings.iter().all(|finding| finding.place == place), "{audit}");
    audit.findings.iter().map(|finding| (finding.epoch, finding.detail)).collect()
}

#[test]
fn what_was_committed_is_as_committed() {
    let rig = Rig::new();
    assert!(audit(&*rig.log).unwrap().ok());
    let mut committer = rig.resume().0;
    commit_all(&mut committer, 0..9);
    let audit = audit(&*rig.log).unwrap();
    assert!(audit.ok() && audit.epochs == 10 && audit.partitions == 11 && audit.records > 50, "{audit}");
}

#[test]
fn a_record_behind_the_last_epoch_is_found() {
    for topic in topics::RESULTS {
        let rig = Rig::new();
        commit_all(&mut rig.resume().0, 0..4);
        intrude(&rig, topic);
        assert_eq!(said(&rig, topic), [(None, "records follow that no epoch published")]);
    }
}

#[test]
fn a_record_between_two_epochs_is_found_at_the_second() {
    let rig = Rig::new();
    let mut committer = rig.resume().0;
    commit_all(&mut committer, 0..4);
    intrude(&rig, topics::DEAD_LETTERS);
    commit_all(&mut committer, 5..7);
    let [(Some(epoch), detail)] = said(&rig, topics::DEAD_LETTERS)[..] else { panic!("no epoch is named") };
    assert!((5..8).contains(&epoch) && detail.contains("not those committed"), "{epoch} {detail}");
}

#[test]
fn a_lost_record_is_found_at_its_epoch_or_at_the_end() {
    let rig = Rig::new();
    commit_all(&mut rig.resume().0, 0..4);
    let place = TopicPartition::new(topics::DEAD_LETTERS, 0);
    let range = rig.log.range(&place).unwrap();
    rig.log.truncate(&place, range.start + 1).unwrap();
    let [(Some(epoch), detail)] = said(&rig, topics::DEAD_LETTERS)[..] else { panic!("no epoch is named") };
    assert!(detail.contains("not those committed") || detail.contains("missing"), "{epoch} {detail}");
    // And if all of them are gone.
    rig.log.truncate(&place, range.end).unwrap();
    assert_eq!(said(&rig, topics::DEAD_LETTERS), [(Some(0), "its records are missing")]);
}
