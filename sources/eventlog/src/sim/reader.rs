//! The simulated reader: what a consumer of committed records with fixed partitions sees.
//!
//! # Invariants
//! - A poll never blocks: where it finds nothing it lets simulated time pass, at most what it may wait.
//! - Positions pass markers and aborted records.

use std::time::Duration;

use super::{Shared, broker::Broker, partition::Seen};
use crate::{Budget, Error, Reader, Record, Result, TopicPartition};

pub(super) struct SimReader {
    broker: Shared,
    process: (u64, u64),
    assigned: Vec<(TopicPartition, u64)>,
    turn: usize,
}

impl SimReader {
    pub(super) fn new(broker: Shared, process: (u64, u64)) -> Self {
        Self { broker, process, assigned: Vec::new(), turn: 0 }
    }

    /// Reads partitions in turn until the budget, or what can be read, ends.
    fn fill(&mut self, broker: &mut Broker, mut budget: Budget, into: &mut Vec<Record>) -> Result<()> {
        if broker.random.hits(broker.faults.poll_none) {
            return Ok(());
        }
        if broker.random.hits(broker.faults.poll_few) {
            budget.records = budget.records.min(1 + broker.random.below(3) as usize);
        }
        let (before, mut bytes) = (into.len(), 0);
        for _ in 0..self.assigned.len() {
            let turn = self.turn % self.assigned.len();
            let (at, next) = &mut self.assigned[turn];
            let partition = broker.partition(at)?;
            let range = partition.range();
            if *next < range.start {
                // What was read before it is handed out first.
                let gone = Error::OutOfRange { at: at.clone(), offset: *next, range };
                return if into.len() > before { Ok(()) } else { Err(gone) };
            }
            while *next < range.end {
                if let Seen::Record(record) = partition.at(*next) {
                    let (count, size) = (into.len() - before, record.payload_bytes());
                    if count >= budget.records || (count > 0 && bytes + size > budget.bytes) {
                        return Ok(());
                    }
                    bytes += size;
                    into.push(record.clone());
                }
                *next += 1;
            }
            self.turn = turn + 1;
        }
        Ok(())
    }
}

impl Reader for SimReader {
    fn assign(&mut self, at: &[(TopicPartition, u64)]) -> Result<()> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        broker.alive(self.process)?;
        if !at.is_empty() {
            broker.ask(super::ANSWER_MS)?;
        }
        for (at, next) in at {
            let range = broker.partition(at)?.range();
            if *next < range.start || *next > range.end {
                return Err(Error::OutOfRange { at: at.clone(), offset: *next, range });
            }
        }
        (self.assigned, self.turn) = (at.to_vec(), 0);
        Ok(())
    }

    fn poll(&mut self, budget: Budget, wait: Duration, into: &mut Vec<Record>) -> Result<()> {
        let shared = self.broker.clone();
        let broker = &mut *shared.lock();
        broker.alive(self.process)?;
        broker.weather();
        let (before, mut left) = (into.len(), wait.as_millis() as u64);
        loop {
            if broker.reach(0) {
                self.fill(broker, budget, into)?;
            }
            if into.len() > before || left == 0 {
                return Ok(());
            }
            left = broker.wait(left);
        }
    }

    fn positions(&self) -> Vec<(TopicPartition, u64)> {
        self.assigned.clone()
    }
}
