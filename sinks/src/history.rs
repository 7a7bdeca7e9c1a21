//! The bindings of every committed epoch, one after the other, however many there are.
//!
//! # Invariants
//! - Epochs come in their order, each once, up to an end that is asked for and never passed.
//! - Nothing is written, and only what was not taken yet is held.

use crate::{Binding, Error, binding};
use eventlog::{Budget, Log, Patience, Reader, Record};
use std::collections::VecDeque;

/// How much of the history is read at once.
const BUDGET: Budget = Budget { records: 1_000, bytes: 8 << 20 };

/// The history from its first kept epoch on.
pub struct History {
    reader: Box<dyn Reader>,
    waiting: VecDeque<Record>,
    /// One past the last offset that counts.
    end: u64,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "History(to {})", self.end)
    }
}

impl History {
    /// Everything committed until now.
    ///
    /// # Errors
    /// Those of the log.
    pub fn open(log: &dyn Log) -> Result<Self, Error> {
        let at = binding::place();
        let range = log.range(&at)?;
        let mut reader = log.reader()?;
        reader.assign(&[(at, range.start)])?;
        Ok(Self { reader, waiting: VecDeque::new(), end: range.end })
    }

    /// One past the last offset that counts.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// What was committed since counts, too.
    ///
    /// # Errors
    /// Those of the log.
    pub fn extend(&mut self, log: &dyn Log) -> Result<(), Error> {
        self.end = log.range(&binding::place())?.end;
        Ok(())
    }

    /// The next epoch, and its offset; none at the end.
    ///
    /// # Errors
    /// Those of the log; [`Error::History`] if it holds what is no binding, or does not give what it has.
    pub fn next_epoch(&mut self) -> Result<Option<(u64, Binding)>, Error> {
        let mut patience = Patience::default();
        while self.waiting.is_empty() {
            let position = self.reader.positions().first().map_or(self.end, |(_, offset)| *offset);
            if position >= self.end {
                return Ok(None);
            }
            let (mut records, end) = (Vec::new(), self.end);
            patience.poll(&mut *self.reader, BUDGET, &mut records, || {
                format!("the bindings end at {end} and nothing is delivered from {position} on")
            })?;
            self.waiting.extend(records);
        }
        if self.waiting.front().is_none_or(|record| record.offset >= self.end) {
            return Ok(None);
        }
        self.waiting.pop_front().map(|record| binding::decode(&record)).transpose()
    }
}
