//! What ordering counted: a value that adds up.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What was counted; tallies of any stretch of the input add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Packets that came, ends included.
    pub packets: i64,
    /// Copies of packets that had already come.
    pub duplicates: i64,
    /// Packets that came after their gap was declared and still corrected results.
    pub late: i64,
    /// Packets that came too late to be used.
    pub too_late: i64,
    /// Sequence numbers declared missing, less those that came late: negative where a later epoch heals.
    pub lost: i64,
    /// Samples filled in by interpolation, less those a late packet replaced.
    pub imputed: i64,
    /// Segments begun after the first: runs, jumps of the clock, resumptions, holes beyond `long_gap_ms`.
    pub breaks: i64,
    /// Sessions that said they ended.
    pub ended: i64,
    /// Sessions that fell silent and had not said that they ended.
    pub timed_out: i64,
    /// Sessions put to rest because they were silent, whether or not they had ended: from then on no gap heals.
    #[serde(default)]
    pub rested: i64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.too_late += other.too_late;
        self.lost += other.lost;
        self.imputed += other.imputed;
        self.breaks += other.breaks;
        self.ended += other.ended;
        self.timed_out += other.timed_out;
        self.rested += other.rested;
    }
}
