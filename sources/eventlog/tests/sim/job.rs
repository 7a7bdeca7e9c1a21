//! A small job that copies a topic exactly once, by the contract of the log and nothing else.
//!
//! It commits each batch with a record of where it stands. What it does not know it asks: after anything that is not
//! `Committed` or `Aborted` it takes a new writer first, and only then reads where it stands.

use std::{sync::Arc, time::Duration};

use eventlog::{Budget, Error, Log, Outcome, Reader, Record, Result, Writer, sim::Sim};

use crate::drafts::{EVERYTHING, at, draft};

/// Partitions of the input and of the output.
pub(crate) const PARTITIONS: u32 = 2;

/// The topics of a job.
#[derive(Clone, Debug)]
pub(crate) struct Topics {
    pub(crate) input: Arc<str>,
    pub(crate) output: Arc<str>,
    pub(crate) state: Arc<str>,
}

pub(crate) struct Job {
    log: Sim,
    topics: Topics,
    writer: Option<Box<dyn Writer>>,
    reader: Option<Box<dyn Reader>>,
    /// What comes next, per input partition, once the open transaction is committed, and before.
    next: Vec<u64>,
    done: Vec<u64>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Down,
    Ready,
    /// Begun; these records are still to be sent.
    Sending(Vec<Record>),
    /// All outputs are sent.
    Sent,
    /// Another took over: a job of this id runs elsewhere.
    Over,
}

impl Job {
    pub(crate) fn new(log: Sim, topics: &Topics) -> Self {
        let start = vec![0; PARTITIONS as usize];
        let (next, done, phase) = (start.clone(), start, Phase::Down);
        Self { log, topics: topics.clone(), writer: None, reader: None, next, done, phase }
    }

    /// Ends the process of the job as kill -9 does.
    pub(crate) fn kill(&mut self) {
        self.log.kill();
        (self.writer, self.reader, self.phase) = (None, None, Phase::Down);
    }

    /// Whether another took over.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Does the next small thing; an error says what is wrong beyond repair.
    pub(crate) fn step(&mut self) -> std::result::Result<(), String> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Down) {
            Phase::Down => self.start()?,
            Phase::Ready => self.begin(),
            Phase::Sending(records) => self.send(records),
            Phase::Sent => self.commit(),
            Phase::Over => Phase::Over,
        };
        Ok(())
    }

    fn start(&mut self) -> std::result::Result<Phase, String> {
        // Fences whoever wrote before and settles what they left; only then is the state final.
        let Ok(writer) = self.log.writer("job") else { return Ok(self.rest()) };
        let Ok((state, offsets)) = self.read_state() else { return Ok(self.rest()) };
        if offsets.iter().any(|offset| *offset != offsets[0]) && offsets.iter().any(Option::is_none) {
            return Err(format!("a part of the offsets was committed: {offsets:?}"));
        }
        let offsets: Vec<u64> = offsets.into_iter().map(Option::unwrap_or_default).collect();
        if offsets != state {
            return Err(format!("the state says {state:?}, the group {offsets:?}"));
        }
        (self.done, self.writer) = (state, Some(writer));
        Ok(self.rewind())
    }

    /// Where the last committed transaction says that the job stands, and where the group does.
    fn read_state(&self) -> Result<(Vec<u64>, Vec<Option<u64>>)> {
        let place = at(&self.topics.state, 0);
        let range = self.log.range(&place)?;
        let mut reader = self.log.reader()?;
        reader.assign(&[(place, range.start)])?;
        let mut records = Vec::new();
        while reader.positions()[0].1 < range.end {
            reader.poll(EVERYTHING, Duration::from_millis(100), &mut records)?;
        }
        let places: Vec<_> = (0..PARTITIONS).map(|partition| at(&self.topics.input, partition)).collect();
        let offsets = self.log.committed("job", &places)?;
        let Some(last) = records.last() else { return Ok((vec![0; PARTITIONS as usize], offsets)) };
        let state = last.value.chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        Ok((state.collect(), offsets))
    }

    /// Reads from what is committed.
    fn rewind(&mut self) -> Phase {
        self.next.clone_from(&self.done);
        let from: Vec<_> =
            (0..PARTITIONS).zip(&self.done).map(|(n, next)| (at(&self.topics.input, n), *next)).collect();
        let reader = self.log.reader().and_then(|mut reader| reader.assign(&from).map(|()| reader));
        match reader {
            Ok(reader) => self.reader = Some(reader),
            Err(_) => return self.rest(),
        }
        Phase::Ready
    }

    fn begin(&mut self) -> Phase {
        let (Some(reader), Some(writer)) = (&mut self.reader, &mut self.writer) else { return Phase::Down };
        let mut records = Vec::new();
        let budget = Budget { records: 5, bytes: 1 << 20 };
        if reader.poll(budget, Duration::from_millis(10), &mut records).is_err() {
            return self.rest();
        }
        for (at, next) in reader.positions() {
            self.next[at.partition as usize] = next;
        }
        match writer.begin() {
            Ok(()) => Phase::Sending(records),
            Err(error) => self.failed(&error),
        }
    }

    fn send(&mut self, mut records: Vec<Record>) -> Phase {
        let Some(writer) = &mut self.writer else { return Phase::Down };
        if records.is_empty() {
            return Phase::Sent;
        }
        let record = records.remove(0);
        let value = [record.partition.to_le_bytes().to_vec(), record.value].concat();
        match writer.send(draft(&self.topics.output, record.offset as u32 % PARTITIONS, value)) {
            Ok(()) => Phase::Sending(records),
            Err(error) => self.failed(&error),
        }
    }

    fn commit(&mut self) -> Phase {
        let Some(writer) = &mut self.writer else { return Phase::Down };
        let state: Vec<u8> = self.next.iter().flat_map(|next| next.to_le_bytes()).collect();
        let offsets: Vec<_> =
            (0..PARTITIONS).zip(&self.next).map(|(n, next)| (at(&self.topics.input, n), *next)).collect();
        let sent = writer.send(draft(&self.topics.state, 0, state));
        match sent.and_then(|()| writer.commit("job", &offsets)) {
            Ok(Outcome::Committed) => {
                self.done.clone_from(&self.next);
                Phase::Ready
            }
            Ok(Outcome::Aborted) => self.rewind(),
            Ok(Outcome::Unknown) => self.rest(),
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &Error) -> Phase {
        if matches!(error, Error::Fenced(_)) {
            return Phase::Over;
        }
        let aborted = error.can_abort() && self.writer.as_mut().is_some_and(|writer| writer.abort().is_ok());
        if aborted { self.rewind() } else { self.rest() }
    }

    /// Gives everything up; the next step starts anew.
    fn rest(&mut self) -> Phase {
        (self.writer, self.reader) = (None, None);
        Phase::Down
    }
}
