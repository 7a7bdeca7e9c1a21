//! A committed epoch, read again: exactly what its binding says, or an error.

use super::{Intake, Records, count, digest};
use crate::Error;
use eventlog::{Budget, TopicPartition};
use sinks::Binding;
use std::{collections::BTreeMap, time::Duration};

/// How much is read at once, how long the next piece is waited for, and how many waits in a row end the attempt:
/// 30 s in all.
const BUDGET: Budget = Budget { records: 50_000, bytes: 32 << 20 };
const WAIT: Duration = Duration::from_millis(100);
const WAITS: u32 = 300;

impl Intake {
    /// The records of a committed epoch, read again.
    ///
    /// # Errors
    /// Those of the log; [`Error::Diverged`] if the log holds something else now.
    pub fn recut(&mut self, binding: &Binding) -> Result<Records, Error> {
        let mut waits = 0;
        while !self.reached(binding) {
            let arrived = self.fetch(BUDGET, WAIT)?;
            waits = if arrived == 0 { waits + 1 } else { 0 };
            if waits == WAITS {
                let reason = format!("it delivers no more of the input of epoch {}", binding.epoch);
                return Err(eventlog::Error::Stopped { reason }.into());
            }
        }
        let inputs = &binding.inputs;
        let records: Records =
            inputs.iter().map(|range| self.take(range.input, range.partition, range.hi).1).collect();
        self.watermark = binding.watermark.or(self.watermark);
        if count(&records) != binding.n_in || digest(&records) != binding.digest_in {
            let what = "its input is not what was read the first time; restore the log".into();
            return Err(Error::Diverged { epoch: binding.epoch, what });
        }
        Ok(records)
    }

    fn reached(&self, binding: &Binding) -> bool {
        let positions: BTreeMap<_, _> = self.reader.positions().into_iter().collect();
        binding.inputs.iter().all(|range| {
            let place = TopicPartition::new(range.input.topic(), range.partition);
            positions.get(&place).is_none_or(|position| *position >= range.hi)
        })
    }
}
