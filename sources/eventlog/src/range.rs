//! Reads what a log says it has: to the end of a range, however long the pieces take to come.

use crate::{Budget, Error, Reader, Record, Result, TopicPartition};
use std::{ops::Range, time::Duration};

/// Waiting for the next piece, and how many waits in a row end the attempt: 30 s in all.
const WAIT: Duration = Duration::from_millis(100);
const WAITS: u32 = 300;

/// Waits for what a log says it has, and gives up once nothing comes for half a minute.
#[derive(Debug, Default)]
pub struct Patience {
    /// In a row, for nothing.
    waits: u32,
}

impl Patience {
    /// Adds the next piece to `records`, at most `budget` of it; perhaps nothing.
    ///
    /// # Errors
    /// Those of the reader; [`Error::Stopped`] with `reason` if nothing came for too long.
    pub fn poll(
        &mut self,
        reader: &mut dyn Reader,
        budget: Budget,
        records: &mut Vec<Record>,
        reason: impl FnOnce() -> String,
    ) -> Result<()> {
        if self.waits == WAITS {
            return Err(Error::Stopped { reason: reason() });
        }
        let before = records.len();
        reader.poll(budget, WAIT, records)?;
        self.waits = if records.len() == before { self.waits + 1 } else { 0 };
        Ok(())
    }
}

/// Shows the records of `at` from the start of `range` until its end was reached, in their order, `budget` at a time;
/// gives the offset to go on from.
///
/// `range` lies within what [`crate::Log::range`] gave. What comes behind its end with the last piece is shown, too.
///
/// # Errors
/// Those of the reader; [`Error::Stopped`] if nothing comes for half a minute.
pub fn read_range(
    reader: &mut dyn Reader,
    at: &TopicPartition,
    range: Range<u64>,
    budget: Budget,
    mut show: impl FnMut(Record),
) -> Result<u64> {
    reader.assign(&[(at.clone(), range.start)])?;
    let (mut records, mut patience) = (Vec::new(), Patience::default());
    loop {
        let position = reader.positions().first().map_or(range.start, |(_, offset)| *offset);
        if position >= range.end {
            return Ok(position);
        }
        patience.poll(reader, budget, &mut records, || {
            format!("{at} ends at {} and nothing is delivered from {position} on", range.end)
        })?;
        records.drain(..).for_each(&mut show);
    }
}
