//! Kills the whole program in the middle of its work, again and again, and compares with a run that was left
//! alone: every table, every result on every topic.
//!
//! Why each test exists: `embedded` proves the promise on the log that is always there; `kafka` proves it on
//! a real broker (feature `real-kafka`: it starts its own with `deploy/kafka/kafka.sh`), and that both logs
//! lead to the same results; `load` proves it on a real broker under a million packets, with the broker going away too.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[cfg(feature = "real-kafka")]
mod broker;
mod harness;
#[cfg(feature = "real-kafka")]
mod load;

use harness::{Log, Run};

/// Kills per test, and the event time that passes per second: the recordings last longer than the kills.
const KILLS: u32 = 10;
const SPEED: &str = "80";

#[test]
fn embedded_ten_kills_leave_what_no_kill_leaves() {
    let undisturbed = Run::new(Log::Embedded).finish();
    undisturbed.assert_clean();
    let run = Run::new(Log::Embedded);
    let mid = run.kill(KILLS, 1);
    assert!(mid >= KILLS / 2, "only {mid} of {KILLS} kills hit a replay under way: raise the speed");
    let killed = run.finish();
    killed.assert_clean();
    killed.assert_equals(&undisturbed);
}

/// Every step of an epoch, of a snapshot and of a start: the first time it is passed, and two times later.
#[cfg(feature = "planted")]
#[test]
fn embedded_an_end_at_every_step_leaves_what_no_end_leaves() {
    use model::planted::Step;
    let undisturbed = Run::new(Log::Embedded).finish();
    for passes in [0, 2] {
        let run = Run::new(Log::Embedded);
        // So that starts find a snapshot and epochs after it.
        run.stop_at(Step::SnapshotNamed, 1);
        run.stop_at(Step::Committed, 4);
        let start = Step::ALL.iter().position(|step| *step == Step::Numbered).unwrap();
        for step in &Step::ALL[..start] {
            run.stop_at(*step, passes);
        }
        for step in &Step::ALL[start..] {
            // An epoch behind the newest snapshot, for the start to compute again.
            run.stop_at(Step::Committed, 1);
            run.stop_at(*step, 0);
        }
        let stopped = run.finish();
        stopped.assert_clean();
        stopped.assert_equals(&undisturbed);
    }
}

#[test]
fn embedded_what_nobody_published_is_told_and_known_after_a_repair() {
    let run = Run::new(Log::Embedded);
    let before = run.finish();
    let (fine, said) = run.say(&["audit", "--repair"]);
    assert!(fine && said.contains("as committed; nothing to repair"), "{said}");
    run.intrude(sinks::topics::ALERTS);
    let (fine, said) = run.say(&["audit"]);
    assert!(
        !fine && said.contains("manpasik.ai.alert/0 from offset") && said.contains("audit --repair"),
        "{said}"
    );
    let (fine, said) = run.say(&["audit", "--repair"]);
    assert!(fine, "{said}");
    assert!(
        said.contains("manpasik.ai.alert/0: 0 records published again, 1 that no epoch published"),
        "{said}"
    );
    let (fine, said) = run.say(&["audit"]);
    assert!(fine && said.contains("topics: as committed"), "{said}");
    // And the program goes on from there, with everything it had.
    let mut after = run.finish();
    assert!(after.forget("manpasik.ai.alert nobody"));
    after.assert_equals(&before);
}

/// A topic that somebody deleted: everything it held comes back, each record once.
#[cfg(feature = "real-kafka")]
#[test]
fn kafka_a_topic_that_was_deleted_is_published_again() {
    let broker = broker::Broker::start();
    let run = Run::new(Log::Kafka(broker.address()));
    let before = run.finish().without_offsets();
    let (fine, said) = run.say(&["audit"]);
    assert!(fine, "{said}");
    for topic in [sinks::topics::ALERTS, sinks::topics::WINDOWS] {
        broker.lose(topic);
    }
    let (fine, said) = run.say(&["audit"]);
    assert!(!fine && said.contains("its records are missing"), "{said}");
    let (fine, said) = run.say(&["audit", "--repair"]);
    assert!(fine && said.contains("topics: as committed"), "{said}");
    let published = |said: &str| {
        let counts =
            said.lines().filter_map(|line| line.split(": ").nth(1)?.split(' ').next()?.parse::<usize>().ok());
        counts.sum::<usize>()
    };
    assert!(published(&said) > 200, "{said}");
    let (fine, said) = run.say(&["audit"]);
    assert!(fine, "{said}");
    run.finish().without_offsets().assert_equals(&before);
}

#[cfg(feature = "real-kafka")]
#[test]
fn kafka_gives_the_results_of_the_embedded_log_and_ten_kills_change_nothing() {
    let embedded = Run::new(Log::Embedded).finish().without_offsets();
    let (quiet, rough) = (broker::Broker::start(), broker::Broker::start());
    let undisturbed = Run::new(Log::Kafka(quiet.address())).finish();
    undisturbed.assert_clean();
    undisturbed.without_offsets().assert_equals(&embedded);
    let run = Run::new(Log::Kafka(rough.address()));
    let mid = run.kill(KILLS, 2);
    assert!(mid >= KILLS / 2, "only {mid} of {KILLS} kills hit a replay under way: raise the speed");
    let killed = run.finish();
    killed.assert_clean();
    killed.without_offsets().assert_equals(&embedded);
    // After all those starts each alert comes out again of what the broker holds.
    let (fine, said) = run.say(&["explain", "--all", "--replay"]);
    assert!(fine && said.contains("alerts identical"), "{said}");
}
