//! When samples were taken: the session's clock, packet by packet.
//!
//! # Invariants
//! - A packet in order says when its samples were taken; so does the one before it, for samples that came late.
//!
//! # Bound
//! A packet whose time follows from the one before takes no room.

use crate::sequence::clock::Placed;
use model::Micros;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Where a packet puts its first sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// Index of the sample.
    slot: i64,
    at: Micros,
    /// Time between two samples, microseconds.
    period_us: f64,
}

impl Mark {
    fn time(&self, slot: i64) -> Micros {
        self.at.saturating_add((self.period_us * (slot - self.slot) as f64).round() as Micros)
    }
}

/// Times of one session's samples; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Instants(VecDeque<Mark>);

impl Instants {
    /// Notes the next packet in order.
    pub(super) fn note(&mut self, placed: &Placed) {
        let mark = Mark { slot: placed.index, at: placed.at, period_us: placed.period_us };
        let follows = |last: &Mark| {
            last.time(mark.slot) == mark.at && last.period_us.to_bits() == mark.period_us.to_bits()
        };
        if !self.0.back().is_some_and(follows) {
            self.0.push_back(mark);
        }
    }

    /// When the sample of `slot` was taken.
    pub(super) fn at(&self, slot: i64) -> Micros {
        let next = self.0.partition_point(|mark| mark.slot <= slot);
        self.0.get(next.saturating_sub(1)).map_or(0, |mark| mark.time(slot))
    }

    /// Nothing before `slot` will be asked for.
    pub(super) fn forget(&mut self, slot: i64) {
        while self.0.get(1).is_some_and(|next| next.slot <= slot) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Instants, Mark};
    use std::collections::VecDeque;

    #[test]
    fn a_sample_is_timed_by_the_packet_before_it() {
        let mark = |slot, at, period_us| Mark { slot, at, period_us };
        let mut instants =
            Instants(VecDeque::from([mark(0, 1_000, 10.0), mark(10, 1_105, 10.5), mark(40, 9_000, 10.0)]));
        assert_eq!([3, 10, 12, 39, 41].map(|slot| instants.at(slot)), [1_030, 1_105, 1_126, 1_410, 9_010]);
        instants.forget(39);
        assert_eq!((instants.0.len(), instants.at(39)), (2, 1_410));
        instants.forget(40);
        assert_eq!((instants.0.len(), instants.at(41)), (1, 9_010));
    }
}
