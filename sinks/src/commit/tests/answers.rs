//! Whatever the log answers, an epoch is committed once, or the process stops knowing that it does not know.

use super::{Rig, binding, output, undisturbed};
use crate::{Error, topics};
use eventlog::{
    Draft, Error as LogError, Log, Outcome, Reader, Result, Shared, TopicPartition, TopicSpec, Writer,
};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex},
};

/// What happens to a commit, and what the writer says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Done,
    /// It is durable, the answer is lost.
    DoneUnknown,
    /// It is durable, the connection breaks.
    DoneStopped,
    /// It is not, and nobody knows.
    LostUnknown,
    LostStopped,
    Aborted,
    /// Not even a new writer can be had, once.
    NoBroker,
    /// The connection breaks before the transaction begins, or in it.
    NoBegin,
    NoSend,
}

/// A log that keeps its promises over a network that does not.
struct Unsteady {
    inner: Shared,
    fates: Arc<Mutex<VecDeque<Fate>>>,
}

struct UnsteadyWriter {
    inner: Box<dyn Writer>,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    /// Only another writer helps.
    broken: bool,
}

fn stopped() -> LogError {
    LogError::Stopped { reason: "connection reset".into() }
}

impl UnsteadyWriter {
    /// Fails, and takes nothing more, if `fate` is next.
    fn breaks(&mut self, fate: Fate) -> Result<()> {
        let mut fates = self.fates.lock().unwrap();
        if self.broken || fates.front() == Some(&fate) {
            if !std::mem::replace(&mut self.broken, true) {
                fates.pop_front();
            }
            return Err(stopped());
        }
        Ok(())
    }
}

impl Writer for UnsteadyWriter {
    fn begin(&mut self) -> Result<()> {
        self.breaks(Fate::NoBegin)?;
        self.inner.begin()
    }

    fn send(&mut self, draft: Draft) -> Result<()> {
        self.breaks(Fate::NoSend)?;
        self.inner.send(draft)
    }

    fn commit(&mut self, group: &str, offsets: &[(TopicPartition, u64)]) -> Result<Outcome> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Done);
        let done = matches!(fate, Fate::Done | Fate::DoneUnknown | Fate::DoneStopped);
        let outcome = if done {
            self.inner.commit(group, offsets)?
        } else {
            self.inner.abort()?;
            Outcome::Aborted
        };
        // Whoever did not hear the answer must not go on with this writer.
        self.broken = !matches!(fate, Fate::Done | Fate::Aborted);
        match fate {
            Fate::Done | Fate::Aborted => Ok(outcome),
            Fate::DoneUnknown | Fate::LostUnknown => Ok(Outcome::Unknown),
            Fate::DoneStopped | Fate::LostStopped => Err(stopped()),
            Fate::NoBegin | Fate::NoSend => panic!("these come before a commit"),
            Fate::NoBroker => {
                self.fates.lock().unwrap().push_front(Fate::NoBroker);
                Ok(Outcome::Unknown)
            }
        }
    }

    fn abort(&mut self) -> Result<()> {
        self.inner.abort()
    }
}

impl Log for Unsteady {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.inner.ensure_topics(topics)
    }

    fn partitions(&self, topic: &str) -> Result<u32> {
        self.inner.partitions(topic)
    }

    fn range(&self, at: &TopicPartition) -> Result<Range<u64>> {
        self.inner.range(at)
    }

    fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        self.inner.truncate(at, before)
    }

    fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>> {
        self.inner.committed(group, at)
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        self.inner.reader()
    }

    fn writer(&self, transactional_id: &str) -> Result<Box<dyn Writer>> {
        let mut fates = self.fates.lock().unwrap();
        if fates.front() == Some(&Fate::NoBroker) {
            fates.pop_front();
            return Err(LogError::Unreachable { brokers: "b:9092".into(), reason: "refused".into() });
        }
        drop(fates);
        let inner = self.inner.writer(transactional_id)?;
        Ok(Box::new(UnsteadyWriter { inner, fates: Arc::clone(&self.fates), broken: false }))
    }
}

/// A pipeline over an unsteady log; the commits after the start meet `fates`, then all is well.
fn unsteady() -> (Rig, Arc<Mutex<VecDeque<Fate>>>) {
    let mut rig = Rig::new();
    let fates = Arc::default();
    rig.log = Arc::new(Unsteady { inner: Arc::clone(&rig.log), fates: Arc::clone(&fates) });
    (rig, fates)
}

#[test]
fn an_epoch_is_committed_once_whatever_the_log_answers() {
    use Fate::{
        Aborted, Done, DoneStopped, DoneUnknown, LostStopped, LostUnknown, NoBegin, NoBroker, NoSend,
    };
    let (rig, fates) = unsteady();
    let (mut committer, _) = rig.resume();
    // What each epoch meets, until it is committed.
    let epochs: [&[Fate]; 12] = [
        &[Done],
        &[DoneUnknown],
        &[DoneStopped],
        &[LostUnknown, Done],
        &[LostStopped, Done],
        &[Aborted, Aborted, Done],
        &[NoBroker, Done],
        &[LostUnknown, Aborted, DoneUnknown],
        &[LostStopped, NoBroker, Done],
        &[NoBegin, Done],
        &[NoSend, DoneUnknown],
        &[NoSend, NoBegin, LostUnknown],
    ];
    for (epoch, met) in (0..).zip(epochs) {
        fates.lock().unwrap().extend(met);
        committer.commit(binding(epoch), &output(epoch)).unwrap();
        // What was learned for a snapshot serves to tell whether the next one was committed.
        assert_eq!(committer.mark(serde_json::Value::Null).unwrap().history, epoch);
        assert!(fates.lock().unwrap().is_empty(), "epoch {epoch}");
        assert_eq!(rig.records(topics::BINDINGS, 0).len() as u64, epoch + 1, "bindings after {met:?}");
    }
    committer.drain(binding(12), &output(12)).unwrap();
    let expected = undisturbed(12);
    assert!(rig.published() == expected.published(), "topics differ");
    assert_eq!(rig.rows(), expected.rows());
}

#[test]
fn a_log_that_never_confirms_stops_the_process_and_loses_nothing() {
    let (rig, fates) = unsteady();
    let (mut committer, _) = rig.resume();
    *fates.lock().unwrap() = [Fate::Aborted; 3].into_iter().chain([Fate::DoneUnknown]).collect();
    let error = committer.commit(binding(0), &output(0)).unwrap_err();
    assert!(matches!(error, Error::Uncommitted { epoch: 0, attempts: 4, last: None }), "{error}");
    drop(committer);
    assert_eq!(rig.resume().1, 1, "the last attempt had reached the log");
}

#[test]
fn waits_between_attempts_double_up_to_a_bound() {
    let rig = Rig::new();
    let (committer, _) = rig.open_with(&crate::Options { retry_ms: 100, ..rig.options() }).unwrap();
    let waits = [1, 2, 3, 5, 6, 40, u32::MAX].map(|attempt| committer.wait(attempt).as_millis());
    assert_eq!(waits, [100, 200, 400, 1_600, 2_000, 2_000, 2_000]);
}

#[test]
fn a_second_process_stops_the_first_and_not_the_other_way_round() {
    let rig = Rig::new();
    let (mut first, _) = rig.resume();
    first.commit(binding(0), &output(0)).unwrap();
    let (mut second, next) = rig.resume();
    second.commit(binding(next), &output(next)).unwrap();
    let error = first.commit(binding(1), &output(1)).unwrap_err();
    assert!(matches!(error, Error::Log(LogError::Fenced(_))), "{error}");
    second.commit(binding(2), &output(2)).unwrap();
}

#[test]
fn an_epoch_that_another_process_committed_meanwhile_is_not_committed_again() {
    let (rig, fates) = unsteady();
    let (mut first, _) = rig.resume();
    let pending = first.collect(binding(0), &output(0)).unwrap();
    let (mut second, next) = rig.resume();
    second.commit(binding(next), &output(next)).unwrap();
    let mut doubtful = true;
    let error = first.attempt(&pending, &mut doubtful).unwrap_err();
    assert!(matches!(error, Error::Log(LogError::Fenced(_))), "{error}");
    assert_eq!(rig.records(topics::BINDINGS, 0).len(), 1);
    assert!(fates.lock().unwrap().is_empty());
}
