//! A device's short packet counter becomes the running number that a gateway sends.
//!
//! Sensors count their packets in a few bits: `BITalino` in 4, others in 8, version 1 of our own frames in 16. Whoever
//! sends the packets on as version 2 has 32 bits to fill.
//!
//! # Invariants
//! - The number is the one congruent to the counter that is nearest to the number expected: the rule by which packets
//!   of version 1 are ordered, and the same function ([`nearest`]).
//! - What comes late or twice never moves what is expected.
//!
//! # Bound
//! A counter of `b` bits tells up to 2^(b-1) missing packets, and a packet up to 2^(b-1) - 1 behind the one expected: 8 and
//! 7 with 4 bits, 128 and 127 with 8. A hole longer than that looks shorter by whole turns; where the stamps say
//! that there was one, the gateway begins a new session.

use model::packet::nearest;

/// Unwraps the counter of one device, in the order in which its packets came.
///
/// # Examples
/// ```
/// use sources::packet::Counter;
/// let mut counter = Counter::new(4);
/// let numbers = [14, 15, 0, 3, 1, 3, 4].map(|value| counter.number(value));
/// assert_eq!(numbers, [14, 15, 16, 19, 17, 19, 20]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    bits: u8,
    /// Number after the newest; absent before the first packet.
    next: Option<i64>,
}

impl Counter {
    /// A counter that wraps after `bits` bits, 1 to 32.
    pub const fn new(bits: u8) -> Self {
        Self { bits, next: None }
    }

    /// The running number of the packet whose counter reads `value`; the first packet's is its counter.
    ///
    /// It has 32 bits and wraps there as the sequence of version 2 does, so one from before the first packet is near the end
    /// of the range.
    pub fn number(&mut self, value: u32) -> u32 {
        let number = nearest(value, self.bits, self.next.unwrap_or(0));
        let number =
            if self.next.is_none() { number.rem_euclid(1 << self.bits.clamp(1, 32)) } else { number };
        self.next = Some(self.next.map_or(number + 1, |next| next.max(number + 1)));
        // The low 32 bits: numbers are counted in 64 so that nothing happens where they wrap.
        number as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The numbers of packets `sent`, of whose counters `bits` bits came.
    fn numbers(bits: u8, sent: impl IntoIterator<Item = u64>) -> Vec<u32> {
        let mut counter = Counter::new(bits);
        sent.into_iter().map(|number| counter.number((number % (1 << bits)) as u32)).collect()
    }

    #[test]
    fn a_counter_of_any_width_runs_on_for_ever() {
        for bits in [1, 4, 8, 16, 32] {
            let last = (4_u64 << bits).min(200_000);
            assert_eq!(numbers(bits, 0..last), (0..last as u32).collect::<Vec<_>>(), "{bits} bits");
        }
    }

    #[test]
    fn a_hole_of_half_a_turn_is_seen_and_a_longer_one_is_not() {
        for bits in [4, 8, 16] {
            let half = 1_u32 << (bits - 1);
            let after = |missing: u32| numbers(bits, [0, 1, u64::from(2 + missing)])[2];
            assert_eq!(after(half), 2 + half, "{bits} bits");
            // One more, and it looks like a packet from before the hole.
            assert_eq!(after(half + 1), (2 + half + 1).wrapping_sub(2 * half), "{bits} bits");
        }
    }

    #[test]
    fn a_late_packet_does_not_move_what_is_expected() {
        // Seven behind and then eight ahead of the 11 expected: as far as four bits reach.
        assert_eq!(numbers(4, (0..11).chain([4, 19])).last(), Some(&19));
    }

    #[test]
    fn what_comes_before_the_first_is_the_end_of_the_range() {
        assert_eq!(numbers(4, [0, 15, 1]), [0, u32::MAX, 1]);
        assert_eq!(numbers(4, [1_000]), [8]);
    }

    #[test]
    fn the_sequence_of_32_bits_wraps_as_that_of_version_2_does() {
        let mut counter = Counter::new(32);
        assert_eq!([u32::MAX, 0, 1].map(|value| counter.number(value)), [u32::MAX, 0, 1]);
    }

    proptest! {
        #[test]
        fn late_and_missing_packets_within_the_bound_keep_their_numbers(
            draws in proptest::collection::vec((0_u64..4, 0_u64..8), 1..500), first in 0_u64..16
        ) {
            // Each is up to four behind or ahead of its turn, or does not come: never eight from the one expected.
            let mut keyed: Vec<_> = (first..).zip(draws).filter(|(_, (_, luck))| *luck > 0)
                .map(|(number, (shift, _))| (number + shift, number)).collect();
            keyed.sort_unstable();
            let sent: Vec<u64> = keyed.into_iter().map(|(_, number)| number).collect();
            prop_assume!(sent.first().is_some_and(|number| *number < 16));
            prop_assume!(sent.windows(2).all(|pair| pair[1] <= pair[0] + 8));
            let low = |number: u64| number as u32;
            prop_assert_eq!(numbers(4, sent.iter().copied()), sent.iter().copied().map(low).collect::<Vec<_>>());
        }
    }
}
