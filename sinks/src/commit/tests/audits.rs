//! An audit finds what was added, lost or put in between, and nothing where nothing is wrong; a repair publishes what
//! was lost, and only that.

use super::{Rig, binding, commit_all, output};
use crate::{Auditor, Mended, Mending, audit, topics};
use eventlog::{
    Draft, Log, TopicPartition, TopicSpec,
    sim::{Faults, Sim},
};
use std::{collections::BTreeMap, sync::Arc};

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
    assert!(audit.ok() && audit.epochs == 10 && audit.partitions == 19 && audit.records > 50, "{audit}");
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
fn what_retention_deleted_is_not_missed() {
    let rig = Rig::new();
    let mut committer = rig.resume().0;
    commit_all(&mut committer, 0..9);
    for topic in topics::RESULTS {
        for partition in 0..rig.log.partitions(topic).unwrap() {
            let place = TopicPartition::new(topic, partition);
            let range = rig.log.range(&place).unwrap();
            // Anywhere: at the end of an epoch, and in the middle of one.
            for before in range.start..=range.end {
                rig.log.truncate(&place, before).unwrap();
                assert_eq!(said(&rig, topic), [], "{place} from {before} on");
            }
        }
    }
    commit_all(&mut committer, 10..14);
    assert!(audit(&*rig.log).unwrap().ok());
    // What comes behind it is.
    intrude(&rig, topics::DEAD_LETTERS);
    assert_eq!(said(&rig, topics::DEAD_LETTERS), [(None, "records follow that no epoch published")]);
}

#[test]
fn an_audit_that_goes_on_sees_what_came_meanwhile() {
    let rig = Rig::new();
    let mut committer = rig.resume().0;
    commit_all(&mut committer, 0..4);
    // What was wrong before it began is not its matter.
    intrude(&rig, topics::DEAD_LETTERS);
    let mut auditor = Auditor::from_now_on(&*rig.log).unwrap();
    let seen = auditor.look(&*rig.log).unwrap();
    assert!(seen.ok() && seen.epochs == 0 && seen.records == 0, "{seen}");
    commit_all(&mut committer, 5..7);
    let seen = auditor.look(&*rig.log).unwrap();
    assert!(seen.ok() && seen.epochs == 3 && seen.records > 10, "{seen}");
    intrude(&rig, topics::ALERTS);
    commit_all(&mut committer, 8..9);
    let seen = auditor.look(&*rig.log).unwrap();
    let [finding] = &seen.findings[..] else { panic!("{seen}") };
    assert_eq!(
        (&*finding.place.topic, finding.epoch.is_some_and(|epoch| epoch >= 8)),
        (topics::ALERTS, true)
    );
    assert_eq!(auditor.look(&*rig.log).unwrap().findings, seen.findings);
}

/// A simulated Kafka that does not fail by itself.
fn kafka() -> (Rig, Sim) {
    let sim = Sim::new(7, Faults::default());
    let input = TopicSpec { name: model::Input::Packets.topic().into(), partitions: 6 };
    sim.ensure_topics(&[input]).unwrap();
    (Rig { log: Arc::new(sim.clone()), ..Rig::new() }, sim)
}

/// Key and value of records, in no order.
type Content = Vec<(Option<Vec<u8>>, Vec<u8>)>;

/// What stands on every partition.
fn stands(rig: &Rig) -> BTreeMap<(&'static str, u32), Content> {
    let content = |records: Vec<eventlog::Record>| {
        let mut content: Content = records.into_iter().map(|record| (record.key, record.value)).collect();
        content.sort();
        content
    };
    rig.published().into_iter().map(|(place, records)| (place, content(records))).collect()
}

/// What a repair does, with the committer as it was left.
fn repair(rig: &Rig) -> Vec<Mended> {
    let found = audit(&*rig.log).unwrap();
    let (mut committer, bindings) = rig.open_with(&rig.options()).unwrap();
    let mut mending = Mending::begin(&*rig.log, &rig.options(), &found).unwrap();
    for binding in &bindings {
        committer.replay(binding, &output(binding.epoch)).unwrap();
        mending.add(binding, &output(binding.epoch)).unwrap();
    }
    let next = bindings.last().map_or(0, |last| last.epoch + 1);
    committer.mend(binding(next), &output(next), mending).unwrap()
}

#[test]
fn what_was_lost_is_published_again_once_and_the_next_audit_is_content() {
    for torn in 0..40 {
        let (rig, sim) = kafka();
        commit_all(&mut rig.resume().0, 0..9);
        let before = stands(&rig);
        let mut number = 0;
        let mut lost = 0;
        for topic in topics::RESULTS {
            for partition in 0..rig.log.partitions(topic).unwrap() {
                let place = TopicPartition::new(topic, partition);
                // One of them, or every third from there on, or all.
                lost += sim
                    .tear(&place, |_| {
                        number += 1;
                        number == torn + 1 || (torn > 20 && number % 3 == torn % 3) || torn == 39
                    })
                    .unwrap();
            }
        }
        assert!(lost > 0 && !audit(&*rig.log).unwrap().ok(), "{torn}");
        let mended = repair(&rig);
        assert_eq!(mended.iter().map(|one| one.published).sum::<u64>(), lost as u64, "{torn}");
        assert!(mended.iter().all(|one| one.strange == 0));
        // The epoch that says so published something of its own, too.
        let (rig_again, _) = kafka();
        commit_all(&mut rig_again.resume().0, 0..10);
        assert_ne!(before, stands(&rig));
        assert_eq!(stands(&rig), stands(&rig_again), "{torn}");
        assert!(audit(&*rig.log).unwrap().ok());
        // And the pipeline goes on.
        let (mut committer, next) = rig.resume();
        commit_all(&mut committer, next..next + 3);
        assert!(audit(&*rig.log).unwrap().ok());
    }
}

#[test]
fn what_nobody_published_stays_and_is_known_from_then_on() {
    let (rig, _) = kafka();
    commit_all(&mut rig.resume().0, 0..4);
    intrude(&rig, topics::DEAD_LETTERS);
    let mended = repair(&rig);
    assert_eq!(mended.iter().map(|one| (one.published, one.strange)).collect::<Vec<_>>(), [(0, 1)]);
    assert!(audit(&*rig.log).unwrap().ok());
    // A second time, in between, behind what was repaired.
    let (mut committer, next) = rig.resume();
    intrude(&rig, topics::DEAD_LETTERS);
    commit_all(&mut committer, next..next + 2);
    drop(committer);
    let mended = repair(&rig);
    assert_eq!(mended.iter().map(|one| (one.published, one.strange)).collect::<Vec<_>>(), [(0, 1)]);
    assert!(audit(&*rig.log).unwrap().ok());
}

#[test]
fn what_was_published_again_by_somebody_who_died_is_found() {
    let (rig, sim) = kafka();
    commit_all(&mut rig.resume().0, 0..9);
    let place = TopicPartition::new(topics::DEAD_LETTERS, 0);
    let mut taken = Vec::new();
    let lost = sim.tear(&place, |record| {
        let torn = record.offset % 2 == 0;
        taken.extend(torn.then(|| record.clone()));
        torn
    });
    assert!(lost.unwrap() > 4);
    // The first three of them came back before it died.
    let mut writer = rig.log.writer("manpasik-0").unwrap();
    writer.begin().unwrap();
    for record in &taken[..3] {
        let eventlog::Record { topic, partition, timestamp_ms, key, value, headers, .. } = record.clone();
        writer.send(Draft { topic, partition, timestamp_ms, key, value, headers }).unwrap();
    }
    writer.commit("manpasik.pipeline", &[]).unwrap();
    let mended = repair(&rig);
    assert_eq!(
        mended.iter().map(|one| (one.published, one.strange)).collect::<Vec<_>>(),
        [(taken.len() as u64 - 3, 0)]
    );
    assert!(audit(&*rig.log).unwrap().ok());
}
