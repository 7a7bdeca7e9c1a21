//! What happens to packets on their way: some are lost, some come twice, some out of turn; by a seed, always the same.

use model::{Arrival, Packet};
use operators::sequence::Tally;
use std::collections::BTreeSet;

/// A stream of random numbers: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
#[derive(Clone, Debug)]
pub(crate) struct Luck(u64);

impl Luck {
    /// One for what is lost and one for the rest.
    pub(crate) fn both(seed: u64) -> [Self; 2] {
        [Self(seed), Self(!seed)]
    }

    /// A number from 0 up to, not including, `below`.
    fn draw(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The upper half of the product: no bias that a test could see.
        ((u128::from(mixed ^ (mixed >> 31)) * u128::from(below)) >> 64) as u64
    }

    fn hits(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }
}

/// Shares of packets in percent; nothing happens by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trouble {
    /// Lost …
    pub(crate) lost: u64,
    /// … in runs of so many.
    pub(crate) run: u64,
    /// Sent once more, later.
    pub(crate) copied: u64,
    /// Sent later than their turn.
    pub(crate) displaced: u64,
    /// Most packets that overtake one sent later.
    pub(crate) reach: u64,
}

impl Trouble {
    /// A fifth lost, one by one.
    pub(crate) const LOST: Self = Self { lost: 20, run: 1, copied: 0, displaced: 0, reach: 0 };

    /// What of one session's `packets` comes, in the order in which it comes. An end always comes.
    ///
    /// What is lost is drawn from the first luck alone, so that the same is lost whatever else happens.
    pub(crate) fn befall(self, packets: &[Packet], [loss, luck]: &mut [Luck; 2]) -> Vec<Packet> {
        let run = self.run.max(1);
        let mut keyed = Vec::new();
        let mut gone = 0;
        for (turn, packet) in (0_u64..).zip(packets) {
            // So that lost packets, not runs, have the share asked for.
            if gone == 0 && loss.draw(run * (100 - self.lost) + self.lost) < self.lost {
                gone = run;
            }
            if gone > 0 {
                gone -= 1;
                if packet.arrival != Arrival::End {
                    continue;
                }
            }
            let mut later = |percent| if luck.hits(percent) { 1 + luck.draw(self.reach) } else { 0 };
            // Between the turns of two others, so that `later` overtake it.
            let at = 2 * (turn + later(self.displaced));
            keyed.push((at + u64::from(at > 2 * turn), packet));
            let copy = later(self.copied);
            if copy > 0 {
                keyed.push((2 * (turn + copy) + 1, packet));
            }
        }
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, packet)| packet.clone()).collect()
    }
}

/// Gives packets the places on the log in which they come.
pub(crate) fn logged(packets: impl IntoIterator<Item = Packet>) -> Vec<Packet> {
    let place = |(offset, mut packet): (u64, Packet)| {
        packet.origin.offset = offset;
        packet
    };
    (0..).zip(packets).map(place).collect()
}

/// What must be counted of one session's packets, by their running numbers and nothing else.
///
/// What is missing before the first or after the last number that comes, nobody can know of; an end has the number after the
/// last.
pub(crate) fn account(packets: &[Packet]) -> Tally {
    let is_end = |packet: &&Packet| packet.arrival == Arrival::End;
    let all: BTreeSet<u32> =
        packets.iter().filter(|packet| !is_end(packet)).map(|packet| packet.sequence).collect();
    let ends = packets.iter().filter(is_end).count();
    let end = packets.iter().find(is_end).map(|packet| packet.sequence);
    let (first, last) = (all.first().copied().unwrap_or(0), all.last().copied().unwrap_or(0));
    let span = i64::from(end.unwrap_or(last + 1)) - i64::from(first);
    Tally {
        packets: packets.len() as i64,
        duplicates: (packets.len() - all.len() - ends.min(1)) as i64,
        lost: span - all.len() as i64,
        ended: ends.min(1) as i64,
        timed_out: i64::from(ends == 0),
        rested: 1,
        ..Tally::default()
    }
}
