//! One run of a device: its numbering from the first packet to the last, or to a restart.
//!
//! # Invariants
//! - Numbers are unwrapped to 64 bits next to the one expected, so a run may wrap as often as it likes.
//! - Every number below the next one was handed on, is in a remembered gap, or lies below the floor.

use model::{Arrival, Micros, Packet, packet};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Gaps remembered; the oldest is forgotten first and the floor rises over it.
const REMEMBERED_GAPS: usize = 1_024;
/// Stretches of consistent device time remembered, to know copies from before the clock was set.
const REMEMBERED_ERAS: usize = 8;

/// Sequence numbers that did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Gap {
    /// First missing number.
    pub(super) from: i64,
    /// First number after.
    pub(super) until: i64,
    /// Samples each missing packet is taken to hold.
    pub(super) samples: u16,
    /// Time of the first missing sample.
    pub(super) at: Micros,
    /// Index of the first missing sample.
    pub(super) index: i64,
}

impl Gap {
    /// What is left of the gap from `sequence` on.
    fn beginning_at(self, sequence: i64, period_us: f64) -> Self {
        let samples = (sequence - self.from) * i64::from(self.samples);
        let at = self.at.saturating_add((samples as f64 * period_us).round() as Micros);
        Self { from: sequence, index: self.index + samples, at, ..self }
    }
}

/// A stretch of a run over which stamps and numbers agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Era {
    /// First number of the stretch.
    first: i64,
    /// Newest number of the stretch.
    sequence: i64,
    /// Stamp of the newest number.
    stamp_us: Micros,
}

/// What a packet is to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has or will have its turn, under this number.
    Ahead(i64),
    /// It was declared missing under this number.
    Missing(i64),
    /// It was handed on before.
    Copy,
    /// It is from before the run is remembered.
    Unknown,
    /// It is not of this run.
    Restart,
}

/// The numbering of one run; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Next number to hand on; absent until the run has begun.
    next: Option<i64>,
    /// Below this number nothing is remembered.
    floor: i64,
    gaps: VecDeque<Gap>,
    eras: VecDeque<Era>,
}

impl Run {
    /// Next number to hand on, once the run has begun.
    pub(super) fn next(&self) -> Option<i64> {
        self.next
    }

    /// Whether no samples have come yet.
    pub(super) fn is_blank(&self) -> bool {
        self.eras.is_empty()
    }

    /// Notes the first samples that came: others may yet have their place before them.
    pub(super) fn expect(&mut self, sequence: i64, stamp_us: Micros) {
        self.eras.push_back(Era { first: i64::MIN, sequence, stamp_us });
    }

    /// Begins the run at `sequence`.
    pub(super) fn begin(&mut self, sequence: i64) {
        self.next = Some(sequence);
        self.floor = sequence;
    }

    /// Notes that `sequence` was handed on.
    pub(super) fn pass(&mut self, sequence: i64, stamp_us: Micros, packet_us: f64) {
        self.next = Some(sequence + 1);
        match self.eras.back_mut() {
            Some(era) if is_near(era, sequence, stamp_us, packet_us, ERA_TOLERANCE) => {
                (era.sequence, era.stamp_us) = (sequence, stamp_us);
            }
            _ => {
                if self.eras.len() == REMEMBERED_ERAS {
                    self.eras.pop_front();
                }
                self.eras.push_back(Era { first: sequence, sequence, stamp_us });
            }
        }
    }

    /// Says what `packet` is, when a packet usually spans `packet_us` and stamps are trusted to `tolerance`.
    pub(super) fn judge(&self, packet: &Packet, packet_us: f64, tolerance: Micros) -> Verdict {
        let Some(era) = self.eras.back() else {
            // Nothing but ends so far.
            return Verdict::Ahead(i64::from(packet.sequence));
        };
        let reference = self.next.unwrap_or(era.sequence);
        let sequence = unwrap(packet, reference);
        let samples = matches!(packet.arrival, Arrival::Samples { .. });
        if sequence == reference || self.next.is_none() && !samples {
            return Verdict::Ahead(sequence);
        }
        let newer = packet.stamp_us.saturating_sub(era.stamp_us);
        if samples && self.is_foreign(sequence, packet.stamp_us, newer, packet_us, tolerance) {
            return Verdict::Restart;
        }
        match self.next {
            None => Verdict::Ahead(sequence),
            Some(next) if sequence > next => Verdict::Ahead(sequence),
            // An end that the session has already gone past has nothing left to say.
            Some(_) if !samples => Verdict::Copy,
            Some(_) if self.find(sequence).is_some() => Verdict::Missing(sequence),
            Some(_) if sequence >= self.floor => Verdict::Copy,
            Some(_) => Verdict::Unknown,
        }
    }

    /// Whether number and stamp cannot both be of this run.
    fn is_foreign(
        &self,
        sequence: i64,
        stamp_us: Micros,
        newer: Micros,
        packet_us: f64,
        tolerance: Micros,
    ) -> bool {
        let era = self.eras.iter().rev().find(|era| era.first <= sequence).or(self.eras.front());
        if era.is_none_or(|era| is_near(era, sequence, stamp_us, packet_us, tolerance)) {
            return false;
        }
        let ahead = sequence - self.next.unwrap_or(sequence);
        let tolerance = tolerance as f64;
        let (newer, needed) = (newer as f64, ahead as f64 * packet_us);
        if ahead < 0 {
            // A copy has the stamp it had the first time; what is newer than the newest is no copy.
            newer > tolerance
        } else {
            // Older than what came before it, or numbers far ahead of the time that passed. Time ahead of
            // the numbers is no contradiction: the device paused or its clock was set.
            newer < -tolerance || needed > 5.0 * tolerance && newer < needed / 2.0 - tolerance
        }
    }

    /// Remembers a gap.
    pub(super) fn declare(&mut self, gap: Gap) {
        if self.gaps.len() == REMEMBERED_GAPS {
            self.floor = self.gaps.pop_front().map_or(self.floor, |oldest| oldest.until);
        }
        self.next = Some(gap.until);
        self.gaps.push_back(gap);
    }

    /// Index and time that the first sample of a missing packet would have had.
    pub(super) fn place(&self, sequence: i64, period_us: f64) -> Option<(i64, Micros)> {
        let gap = self.gaps[self.find(sequence)?].beginning_at(sequence, period_us);
        Some((gap.index, gap.at))
    }

    /// Takes a number out of its gap: it came.
    pub(super) fn heal(&mut self, sequence: i64, period_us: f64) {
        let Some(found) = self.find(sequence) else { return };
        let gap = self.gaps[found];
        let parts = [Gap { until: sequence, ..gap }, gap.beginning_at(sequence + 1, period_us)];
        self.gaps.remove(found);
        for part in parts.into_iter().rev().filter(|part| part.from < part.until) {
            self.gaps.insert(found, part);
        }
    }

    /// The first number that is missing, and whose samples, if they came, would not lie before `oldest`.
    pub(super) fn open(&self, oldest: Micros, period_us: f64) -> Option<i64> {
        let open = |gap: &Gap| {
            let packet_us = (f64::from(gap.samples) * period_us).max(1.0);
            let over = (oldest.saturating_sub(gap.at) as f64 / packet_us).ceil().max(0.0);
            let first = gap.from.saturating_add(over as i64);
            (first < gap.until).then_some(first)
        };
        self.gaps.iter().find_map(open)
    }

    /// Keeps the gaps known but lets none heal any more.
    pub(super) fn seal(&mut self) {
        for gap in &mut self.gaps {
            gap.at = Micros::MIN;
        }
    }

    fn find(&self, sequence: i64) -> Option<usize> {
        let found = self.gaps.partition_point(|gap| gap.until <= sequence);
        self.gaps.get(found).filter(|gap| gap.from <= sequence).map(|_| found)
    }
}

/// How far stamps may stray within one era, microseconds: well below what `restart_s` can tell apart.
const ERA_TOLERANCE: Micros = 500_000;

/// Whether a stamp is where the era's packets put it; the longer the way, the more the device's rate may be off (1 %).
fn is_near(era: &Era, sequence: i64, stamp_us: Micros, packet_us: f64, tolerance: Micros) -> bool {
    let expected = (sequence - era.sequence) as f64 * packet_us;
    let found = stamp_us.saturating_sub(era.stamp_us) as f64;
    (found - expected).abs() <= tolerance as f64 + 0.01 * expected.abs()
}

/// The number congruent to the packet's that is nearest to `reference`.
pub(super) fn unwrap(packet: &Packet, reference: i64) -> i64 {
    packet::nearest(packet.sequence, packet.sequence_bits, reference)
}
