//! Reads what a log says it has: to the end of a range, however long the pieces take to come.

use crate::{Budget, Error, Reader, Record, Result, TopicPartition};
use std::{ops::Range, time::Duration};

/// Waiting for the next piece, and how many waits in a row end the attempt: 30 s in all.
const WAIT: Duration = Duration::from_millis(100);
const WAITS: u32 = 300;

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
    let (mut records, mut waits) = (Vec::new(), 0);
    loop {
        let position = reader.positions().first().map_or(range.start, |(_, offset)| *offset);
        if position >= range.end {
            return Ok(position);
        }
        if waits == WAITS {
            let reason = format!("{at} ends at {} and nothing is delivered from {position} on", range.end);
            return Err(Error::Stopped { reason });
        }
        reader.poll(budget, WAIT, &mut records)?;
        waits = if records.is_empty() { waits + 1 } else { 0 };
        records.drain(..).for_each(&mut show);
    }
}
