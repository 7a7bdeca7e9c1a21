//! What a sequencer hands on.

use super::{clock::Placed, run};
use model::Fault;

/// One step of a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The next packet in order, and its number in its run of the device.
    Next(Placed, i64),
    /// A packet of a gap already declared, and its number; its samples keep the indices they would have had.
    Late(Placed, i64),
    /// The session ended here.
    End(Ending),
    /// A packet that came too late.
    TooLate(Fault),
}

/// Who says that a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its device.
    Said,
    /// Nobody: it fell silent.
    Silent,
}

/// A packet whose turn it is; its number is the one nearest to `next`, which is at most a few ahead.
pub(super) fn in_order(placed: Placed, next: Option<i64>) -> Step {
    let sequence = next.map_or(i64::from(placed.packet.sequence), |next| run::unwrap(&placed.packet, next));
    Step::Next(placed, sequence)
}
