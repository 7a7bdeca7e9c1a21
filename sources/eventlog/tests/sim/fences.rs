//! Who may write: epochs, timeouts, killed processes, outages.

use eventlog::{
    Error, Log, Outcome,
    sim::{End, Faults},
};

use crate::{begin, draft, drafts::at, quiet, texts};

#[test]
fn a_transaction_left_open_too_long_is_aborted_and_its_writer_fenced() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.advance(29_999);
    assert_eq!(sim.uncommitted_tail("t"), [1]);
    sim.advance(1);
    assert_eq!(sim.uncommitted_tail("t"), [0]);
    assert!(matches!(writer.commit("", &[]), Err(Error::Fenced(_))));
    assert!(matches!(writer.begin(), Err(Error::Fenced(_))));
    assert!(texts(&sim, "t")[0].is_empty());
}

#[test]
fn a_killed_process_leaves_its_transaction_open_until_a_writer_of_its_id_comes() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    let mut reader = sim.reader().unwrap();
    begin(&mut *writer, &topic, &[(0, "lost")]);
    sim.append(draft(&topic, 0, "input")).unwrap();
    sim.kill();
    assert!(matches!(writer.send(draft(&topic, 0, "x")), Err(Error::Stopped { .. })));
    assert!(matches!(writer.commit("", &[]), Err(Error::Stopped { .. })));
    assert!(matches!(reader.assign(&[(at(&topic, 0), 0)]), Err(Error::Stopped { .. })));
    assert_eq!(sim.uncommitted_tail("t"), [2]);
    assert_eq!(sim.range(&at(&topic, 0)).unwrap(), 0..0);
    drop(sim.writer("w").unwrap());
    assert_eq!(texts(&sim, "t")[0], ["input"]);
}

#[test]
fn killing_one_process_leaves_the_others() {
    let (sim, topic) = quiet(1);
    let other = sim.process();
    let mut writer = other.writer("other").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.kill();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["a"]);
}

#[test]
fn a_repeated_open_fences_the_writer_that_asked_for_it() {
    let (sim, topic) = quiet(1);
    sim.set_faults(Faults { open_repeated: 1_000, ..Faults::NONE });
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.advance(60_000);
    assert!(matches!(writer.commit("", &[]), Err(Error::Fenced(_))));
    assert!(texts(&sim, "t")[0].is_empty());
}

#[test]
fn an_outage_shorter_than_patience_is_waited_for() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    writer.begin().unwrap();
    sim.unreachable(5_000);
    writer.send(draft(&topic, 0, "a")).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!((sim.now_ms(), texts(&sim, "t")[0].len()), (5_000, 1));
}

#[test]
fn a_long_outage_is_told_as_such() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    writer.begin().unwrap();
    sim.unreachable(100_000);
    assert!(matches!(sim.range(&at(&topic, 0)), Err(Error::Unreachable { .. })));
    writer.send(draft(&topic, 0, "a")).unwrap();
    // The record is not delivered in time.
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Unknown);
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
    assert!(matches!(sim.writer("w").err(), Some(Error::Unreachable { .. })));
    sim.advance(100_000);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "b")]);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["b"]);
}

#[test]
fn a_record_not_delivered_aborts_its_transaction() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    sim.set_faults(Faults { produce_timeout: 1_000, ..Faults::NONE });
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.set_faults(Faults::NONE);
    assert!(matches!(writer.send(draft(&topic, 0, "b")), Err(Error::Abort { .. })));
    writer.abort().unwrap();
    let mut writer = sim.writer("w").unwrap();
    sim.set_faults(Faults { produce_timeout: 1_000, ..Faults::NONE });
    begin(&mut *writer, &topic, &[(0, "c")]);
    sim.set_faults(Faults::NONE);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Unknown);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "d")]);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["d"]);
}

#[test]
fn a_slow_commit_is_the_last_of_its_writer() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(End::Late(60_000));
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert!(matches!(writer.begin(), Err(Error::Stopped { .. })));
}
