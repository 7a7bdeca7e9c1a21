//! Requests to end a transaction that are lost, late or repeated.

use eventlog::{
    Error, Log, Outcome,
    sim::{Call, End, Faults, Sim},
};

use crate::{begin, draft, drafts::at, quiet, texts, topic};

const REUSE: Faults = Faults { reuse_after_doubt: true, ..Faults::NONE };

/// A transaction whose commit is repeated by `end`, and a second one, open when the stray request arrives.
fn second_of_two(end: End) -> Sim {
    let (sim, topic) = quiet(2);
    sim.set_faults(REUSE);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "first")]);
    sim.next_end(end);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    begin(&mut *writer, &topic, &[(0, "second")]);
    sim.advance(20_000);
    sim.kill();
    sim
}

#[test]
fn a_stray_commit_tears_the_next_transaction_of_the_same_epoch() {
    for end in [End::Repeated(5_000), End::Late(15_000)] {
        let sim = second_of_two(end);
        assert_eq!(texts(&sim, "t")[0], ["first", "second"], "{end:?}: {:#?}", sim.trace());
    }
}

#[test]
fn a_writer_in_doubt_begins_no_other_and_a_new_one_makes_a_stray_commit_harmless() {
    for end in [End::Repeated(5_000), End::Late(15_000)] {
        let (sim, topic) = quiet(1);
        let mut writer = sim.writer("w").unwrap();
        begin(&mut *writer, &topic, &[(0, "first")]);
        sim.next_end(end);
        assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
        assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
        let mut writer = sim.writer("w").unwrap();
        begin(&mut *writer, &topic, &[(0, "second")]);
        sim.advance(20_000);
        sim.kill();
        assert_eq!(texts(&sim, "t")[0], ["first"], "{end:?}: {:#?}", sim.trace());
        assert!(sim.trace().iter().any(|line| line.contains("stray end") && line.contains("Fenced")));
    }
}

#[test]
fn a_stray_abort_loses_records_of_a_committed_transaction() {
    let (sim, topic) = quiet(2);
    sim.set_faults(REUSE);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "dropped")]);
    sim.next_end(End::Repeated(5_000));
    writer.abort().unwrap();
    begin(&mut *writer, &topic, &[(0, "kept")]);
    sim.advance(6_000);
    // The broker takes the rest for a transaction of its own.
    writer.send(draft(&topic, 1, "too")).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t"), [vec![], vec!["too"]], "{:#?}", sim.trace());
}

#[test]
fn a_writer_that_replaces_its_producer_by_itself_takes_its_id_back() {
    let (sim, topic) = quiet(1);
    sim.reopen_after_doubt();
    let mut first = sim.writer("w").unwrap();
    begin(&mut *first, &topic, &[(0, "first")]);
    sim.next_end(End::Repeated(0));
    assert_eq!(first.commit("", &[]).unwrap(), Outcome::Committed);
    let mut second = sim.writer("w").unwrap();
    begin(&mut *first, &topic, &[(0, "again")]);
    assert_eq!(first.commit("", &[]).unwrap(), Outcome::Committed);
    begin(&mut *second, &topic, &[(0, "lost")]);
    assert!(matches!(second.commit("", &[]), Err(Error::Fenced(_))));
}

#[test]
fn a_late_commit_is_visible_when_it_arrives() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(End::AfterGivingUp(3_000));
    assert_eq!(writer.commit("g", &[(at(&topic, 0), 1)]).unwrap(), Outcome::Unknown);
    sim.advance(2_999);
    assert!(texts(&sim, "t")[0].is_empty());
    assert_eq!(sim.uncommitted_tail("t"), [1]);
    sim.advance(1);
    assert_eq!(texts(&sim, "t")[0], ["a"]);
    assert_eq!(sim.uncommitted_tail("t"), [0]);
    assert_eq!(sim.committed("g", &[at(&topic, 0)]).unwrap(), [Some(1)]);
}

#[test]
fn a_late_commit_is_void_once_a_new_writer_came() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(End::AfterGivingUp(3_000));
    assert_eq!(writer.commit("g", &[(at(&topic, 0), 1)]).unwrap(), Outcome::Unknown);
    let mut second = sim.writer("w").unwrap();
    begin(&mut *second, &topic, &[(0, "b")]);
    sim.advance(5_000);
    assert!(texts(&sim, "t")[0].is_empty());
    assert_eq!(second.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["b"]);
    assert_eq!(sim.committed("g", &[at(&topic, 0)]).unwrap(), [None]);
}

#[test]
fn a_lost_reply_and_a_lost_request_look_the_same() {
    for (end, expected) in [(End::ReplyLost, vec!["a"]), (End::RequestLost, vec![])] {
        let (sim, topic) = quiet(1);
        let mut writer = sim.writer("w").unwrap();
        begin(&mut *writer, &topic, &[(0, "a")]);
        sim.next_end(end);
        assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Unknown);
        assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
        drop(sim.writer("w").unwrap());
        assert_eq!(texts(&sim, "t")[0], expected);
        assert_eq!(sim.uncommitted_tail("t"), [0]);
    }
}

#[test]
fn an_abort_without_an_answer_stops_the_writer() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(End::RequestLost);
    assert!(matches!(writer.abort(), Err(Error::Stopped { .. })));
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    assert_eq!(sim.uncommitted_tail("t"), [1]);
}

#[test]
fn markers_come_later_and_a_new_writer_waits_for_them() {
    let (sim, wide) = quiet(2);
    let group_topic = topic(&sim, "in", 1);
    sim.set_faults(Faults { markers_late: 1_000, ..Faults::NONE });
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &wide, &[(0, "a"), (1, "b")]);
    assert_eq!(writer.commit("g", &[(at(&group_topic, 0), 1)]).unwrap(), Outcome::Committed);
    assert!(texts(&sim, "t").concat().is_empty());
    drop(sim.writer("w").unwrap());
    assert_eq!(texts(&sim, "t"), [["a"], ["b"]]);
    assert_eq!(sim.committed("g", &[at(&group_topic, 0)]).unwrap(), [Some(1)]);
}

#[test]
fn offsets_of_a_group_wait_for_their_transaction() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    for (end, expected) in [(End::RequestLost, None), (End::Answered, Some(9))] {
        begin(&mut *writer, &topic, &[(0, "a")]);
        sim.next_end(end);
        writer.commit("g", &[(at(&topic, 0), 9)]).unwrap();
        if end == End::RequestLost {
            // Nobody can tell yet: the broker makes whoever asks wait, longer than the client does.
            assert!(matches!(sim.committed("g", &[at(&topic, 0)]), Err(Error::Unreachable { .. })));
            writer = sim.writer("w").unwrap();
        }
        assert_eq!(sim.committed("g", &[at(&topic, 0)]).unwrap(), [expected]);
    }
}

#[test]
fn a_restart_takes_requests_under_way_with_it_and_leaves_doubt() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(End::Repeated(1_000));
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "b")]);
    sim.restart();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    sim.advance(10_000);
    assert!(!sim.trace().iter().any(|line| line.contains("stray")));
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    assert_eq!(texts(&sim, "t")[0], ["a", "b"]);
}

#[test]
fn every_class_of_error_leaves_the_writer_as_the_kafka_writer_would_be() {
    let reason = || "told to".to_owned();
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    // 1. Can be aborted: the same writer goes on.
    writer.begin().unwrap();
    sim.next_error(Call::Send, Error::Abort { reason: reason() });
    assert!(writer.send(draft(&topic, 0, "a")).unwrap_err().can_abort());
    assert!(matches!(writer.commit("", &[]), Err(Error::Abort { .. })));
    writer.abort().unwrap();
    // 2. Refused by the broker: a new writer.
    begin(&mut *writer, &topic, &[(0, "b")]);
    sim.next_error(Call::Commit, Error::Unauthorised { what: reason() });
    assert!(matches!(writer.commit("", &[]), Err(Error::Unauthorised { .. })));
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    let mut writer = sim.writer("w").unwrap();
    // 3. Cannot be told: a new writer.
    begin(&mut *writer, &topic, &[(0, "c")]);
    sim.next_error(Call::Commit, Error::Stopped { reason: reason() });
    assert!(matches!(writer.commit("", &[]), Err(Error::Stopped { .. })));
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    sim.next_error(Call::Open, Error::Unreachable { brokers: reason(), reason: reason() });
    assert!(matches!(sim.writer("w").err(), Some(Error::Unreachable { .. })));
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "d")]);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["d"]);
}
