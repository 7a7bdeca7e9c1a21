//! What happened, in short lines without payload, and one number for all of it.

use std::{collections::VecDeque, fmt::Write};

/// So many lines are kept; the hash is over all.
const LINES: usize = 20_000;

#[derive(Debug)]
pub(super) struct Trace {
    lines: VecDeque<String>,
    hash: u64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { lines: VecDeque::new(), hash: 0xcbf2_9ce4_8422_2325 }
    }
}

impl Trace {
    /// Notes `what` happened at `now` ms.
    pub(super) fn note(&mut self, now: u64, what: std::fmt::Arguments<'_>) {
        let mut line = if self.lines.len() >= LINES {
            self.lines.pop_front().unwrap_or_default()
        } else {
            String::new()
        };
        line.clear();
        write!(line, "{now} {what}").expect("a string takes all");
        for byte in line.bytes() {
            // FNV-1a: the hash must be the same on every machine and in every version.
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines.push_back(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}
