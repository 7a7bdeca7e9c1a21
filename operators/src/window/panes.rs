//! A key's history cut into panes of one slide each, and windows put together from them.
//!
//! Panes that may still change are *open*, in a ring. A pane that closes goes into a *block* of as many
//! panes as a window has, aligned to multiples of that number. A window is then the tail of the block
//! before (kept as the merge of every suffix) merged with the head of the present one (kept as one running
//! merge):
//!
//! ```text
//!   block before      present block
//!   0 1 2 3 4 5 6 7 | 0 1 2 3 4 5 6 7
//!           └──┬──┘   └──┬──┘
//!            suffix    prefix         the window that ends with pane 3 of the present block
//! ```
//!
//! The suffixes of a block are merged once, in place, when its last pane closes: three merges per pane on
//! average, however many panes a window has. (The method of van Herk, "A fast algorithm for local minimum
//! and maximum filters on rectangular and octagonal kernels", Pattern Recognition Letters 13, 1992, and of
//! Gil and Werman, "Computing 2-D min, median, and max filters", IEEE PAMI 15, 1993, here in a stream.)
//!
//! # Invariants
//! Blocks are aligned to absolute time, so the merges that make up a window are the same whenever its key
//! began. Nothing is subtracted.

use super::Aggregate;

/// The panes of many keys, struct-of-arrays: a key has a *slot*, a dense number that is used again.
#[derive(Debug)]
pub struct Panes<A> {
    /// Panes of a window.
    window: usize,
    /// Panes open at once.
    ring: usize,
    /// `ring` open panes per slot.
    open: Vec<A>,
    /// `window` panes per slot: up to the present place as they closed, after it the suffixes of the block
    /// before.
    blocks: Vec<A>,
    /// The present block's panes so far, merged; one per slot.
    prefixes: Vec<A>,
}

/// Where a slot stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Of the oldest open pane, in the ring.
    pub ring: u32,
    /// Of the oldest open pane, in its block.
    pub block: u32,
}

impl<A: Aggregate> Panes<A> {
    /// No slots yet; windows of `window` panes, `ring` of them open, both at least one.
    pub fn new(window: usize, ring: usize) -> Self {
        Self { window, ring, open: Vec::new(), blocks: Vec::new(), prefixes: Vec::new() }
    }

    /// Adds an empty slot behind the others.
    pub fn add_slot(&mut self) {
        self.open.resize(self.open.len() + self.ring, A::EMPTY);
        self.blocks.resize(self.blocks.len() + self.window, A::EMPTY);
        self.prefixes.push(A::EMPTY);
    }

    /// Adds to the open pane that is `ahead` panes after the oldest.
    #[inline]
    pub fn add(&mut self, slot: usize, place: Place, ahead: usize, value: A) {
        let mut position = place.ring as usize + ahead;
        if position >= self.ring {
            position -= self.ring;
        }
        let pane = &mut self.open[slot * self.ring + position];
        *pane = pane.merge(value);
    }

    /// Closes the oldest open pane and opens one after the newest, which holds `fresh`; moves the place on.
    /// The window that ends with the closed pane.
    #[inline]
    pub fn close(&mut self, slot: usize, place: &mut Place, fresh: A) -> A {
        let (ring, at) = (place.ring as usize, place.block as usize);
        let pane = std::mem::replace(&mut self.open[slot * self.ring + ring], fresh);
        let block = &mut self.blocks[slot * self.window..(slot + 1) * self.window];
        let prefix = if at == 0 { pane } else { self.prefixes[slot].merge(pane) };
        self.prefixes[slot] = prefix;
        block[at] = pane;
        place.ring = if ring + 1 == self.ring { 0 } else { place.ring + 1 };
        if at + 1 == self.window {
            merge_suffixes(block);
            place.block = 0;
            prefix
        } else {
            place.block += 1;
            block[at + 1].merge(prefix)
        }
    }

    /// Forgets what the slot holds.
    pub fn clear(&mut self, slot: usize) {
        self.open[slot * self.ring..(slot + 1) * self.ring].fill(A::EMPTY);
        self.blocks[slot * self.window..(slot + 1) * self.window].fill(A::EMPTY);
        self.prefixes[slot] = A::EMPTY;
    }
}

/// Replaces every pane of a complete block by the merge of itself and all after it.
#[inline(never)]
fn merge_suffixes<A: Aggregate>(block: &mut [A]) {
    let mut suffix = A::EMPTY;
    for pane in block.iter_mut().rev() {
        suffix = pane.merge(suffix);
        *pane = suffix;
    }
}

#[cfg(test)]
mod tests {
    use super::{Aggregate, Panes, Place};
    use proptest::prelude::*;
    use std::cell::Cell;

    thread_local! { static MERGES: Cell<usize> = const { Cell::new(0) }; }

    /// Panes from `first` to `last`, merged; only neighbours in the order of time may be.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Range(Option<(i64, i64)>);

    impl Aggregate for Range {
        type Value = i64;
        const EMPTY: Self = Self(None);
        fn of(value: i64) -> Option<Self> {
            Some(Self(Some((value, value))))
        }
        fn merge(self, later: Self) -> Self {
            MERGES.set(MERGES.get() + 1);
            let (Some((first, last)), Some((next, newest))) = (self.0, later.0) else {
                return Self(self.0.or(later.0));
            };
            assert_eq!(last + 1, next, "merged what is not side by side");
            Self(Some((first, newest)))
        }
        fn is_empty(&self) -> bool {
            self.0.is_none()
        }
    }

    proptest! {
        #[test]
        fn a_window_is_its_panes_in_order_at_three_merges_each(
            window in 1..40_usize, ring in 1..6_usize, start in 0..40_i64, slot in 0..3_usize,
        ) {
            let mut panes = Panes::<Range>::new(window, ring);
            (0..3).for_each(|_| panes.add_slot());
            let mut place = Place { ring: 0, block: (start % window as i64) as u32 };
            for ahead in 0..ring {
                panes.add(slot, place, ahead, Range::of(start + ahead as i64).unwrap());
            }
            MERGES.set(0);
            let closed = 4 * window as i64;
            for pane in start..start + closed {
                let value = panes.close(slot, &mut place, Range::of(pane + ring as i64).unwrap());
                let first = start.max(pane + 1 - window as i64);
                prop_assert_eq!(value, Range(Some((first, pane))));
            }
            prop_assert!(MERGES.get() <= 3 * closed as usize, "{} merges for {closed} panes", MERGES.get());
            panes.clear(slot);
            prop_assert_eq!(panes.close(slot, &mut place, Range::EMPTY), Range::EMPTY);
        }
    }
}
