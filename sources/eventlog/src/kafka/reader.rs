//! The reader's side of the fetcher: takes batches apart within the caller's budget.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
    vec,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{
    client::Client,
    fetcher::{Assign, Batch, Fetcher, QUEUED_BATCHES},
};
use crate::{Budget, Error, Reader, Record, Result, TopicPartition};

pub(super) struct KafkaReader {
    client: Arc<Client>,
    commands: Sender<Assign>,
    batches: Receiver<Batch>,
    generation: u64,
    at: Vec<TopicPartition>,
    positions: Vec<u64>,
    /// What is left of the last batch, and the positions after it.
    current: Option<(vec::IntoIter<Record>, Vec<u64>)>,
    /// Met behind records that were already returned.
    trouble: Option<Error>,
}

impl KafkaReader {
    pub(super) fn new(client: Arc<Client>) -> Result<Self> {
        let (commands, orders) = bounded(1);
        let (sender, batches) = bounded(QUEUED_BATCHES);
        let fetcher = Fetcher::new(Arc::clone(&client), orders, sender)?;
        let thread = thread::Builder::new().name("kafka-fetcher".into()).spawn(move || fetcher.run());
        thread.map_err(|error| Error::Stopped { reason: format!("no thread for the fetcher: {error}") })?;
        let (at, positions) = (Vec::new(), Vec::new());
        Ok(Self { client, commands, batches, generation: 0, at, positions, current: None, trouble: None })
    }

    /// Moves records of the current batch; true when the budget is used up.
    fn take(&mut self, budget: Budget, used: &mut (usize, usize), into: &mut Vec<Record>) -> bool {
        let Some((records, after)) = &mut self.current else { return false };
        let mut index = 0;
        while let Some(record) = records.as_slice().first() {
            let bytes = record.payload_bytes();
            if used.0 >= budget.records || (used.0 > 0 && used.1 + bytes > budget.bytes) {
                return true;
            }
            *used = (used.0 + 1, used.1 + bytes);
            let is = |at: &TopicPartition| at.partition == record.partition && at.topic == record.topic;
            if !self.at.get(index).is_some_and(is) {
                index = self.at.iter().position(is).expect("records are of assigned partitions");
            }
            self.positions[index] = record.offset + 1;
            into.extend(records.next());
        }
        self.positions.clone_from(after);
        self.current = None;
        false
    }
}

impl Reader for KafkaReader {
    fn assign(&mut self, at: &[(TopicPartition, u64)]) -> Result<()> {
        for (at, next) in at {
            let range = self.client.range(at)?;
            if *next < range.start || *next > range.end {
                return Err(Error::OutOfRange { at: at.clone(), offset: *next, range });
            }
        }
        self.generation += 1;
        (self.at, self.positions) = at.iter().cloned().unzip();
        (self.current, self.trouble) = (None, None);
        let assign = Assign { generation: self.generation, at: at.to_vec() };
        self.commands.send(assign).map_err(|_| Error::Stopped { reason: "the fetcher is gone".into() })
    }

    fn poll(&mut self, budget: Budget, wait: Duration, into: &mut Vec<Record>) -> Result<()> {
        let start = Instant::now();
        let mut used = (0, 0);
        loop {
            if self.take(budget, &mut used, into) {
                return Ok(());
            }
            if let Some(trouble) = self.trouble.take() {
                return if used.0 > 0 {
                    self.trouble = Some(trouble);
                    Ok(())
                } else {
                    Err(trouble)
                };
            }
            // Once something was read, only what is there already is added.
            let left = if used.0 > 0 { Duration::ZERO } else { wait.saturating_sub(start.elapsed()) };
            match self.batches.recv_timeout(left) {
                Ok(batch) if batch.generation != self.generation => {}
                Ok(batch) => match batch.records {
                    // As a rule a batch fits whole.
                    Ok(mut records)
                        if used.0 + records.len() <= budget.records
                            && used.1 + batch.bytes <= budget.bytes =>
                    {
                        used = (used.0 + records.len(), used.1 + batch.bytes);
                        into.append(&mut records);
                        self.positions = batch.positions;
                    }
                    Ok(records) => self.current = Some((records.into_iter(), batch.positions)),
                    Err(error) => self.trouble = Some(error),
                },
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Stopped { reason: "the fetcher is gone".into() });
                }
            }
        }
    }

    fn positions(&self) -> Vec<(TopicPartition, u64)> {
        self.at.iter().cloned().zip(self.positions.iter().copied()).collect()
    }
}
