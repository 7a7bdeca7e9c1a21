//! Puts each event into its pane and lets a window go when its key's own time has passed it.
//!
//! A key's time is its newest event less the lateness. A pane closes when that time reaches its end, so
//! every event that is at most the lateness behind finds its pane open, and an older one is taken as long
//! as its pane is. Windows of no event are skipped, in one step however many there are.
//!
//! # Bound
//! An event leaves as many windows as end between its key's last time and the new one and hold an event;
//! finding that there are none more costs at most the panes of a window and of the lateness.

use super::{Aggregate, Event, FARTHEST, Key, Reason, Shape, Window, panes::Panes, panes::Place};
use model::Micros;

/// Slot of a key that has no event yet.
const UNSEEN: u32 = u32::MAX;
/// Slot of a key that has ended.
const ENDED: u32 = u32::MAX - 1;

/// Where a slot stands in time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// First instant of the oldest open pane.
    open_from: Micros,
    place: Place,
}

/// Sliding windows of many keys.
///
/// # Examples
/// ```
/// use operators::window::{Event, Mean, Options, Slider};
/// use std::time::Duration;
///
/// let options = Options {
///     length: Duration::from_secs(2),
///     slide: Duration::from_secs(1),
///     lateness: Duration::ZERO,
///     keys: 1,
/// };
/// let mut slider = Slider::<Mean>::new(options.shape()?);
/// let mut windows = Vec::new();
/// for (at, value) in [(200_000, 1.0), (1_100_000, 3.0), (2_000_000, 8.0)] {
///     slider.push(Event { key: 0, at, value }, &mut |window| windows.push(window)).expect("none is late");
/// }
/// assert_eq!(windows.iter().map(|window| window.value.mean()).collect::<Vec<_>>(), [1.0, 2.0]);
/// # Ok::<(), operators::window::Error>(())
/// ```
#[derive(Debug)]
pub struct Slider<A> {
    shape: Shape,
    /// How much time the open panes certainly cover: lateness and one slide.
    reach: u64,
    /// Slot of each key, [`UNSEEN`] or [`ENDED`].
    slots: Vec<u32>,
    /// Slots whose key has ended.
    free: Vec<u32>,
    clocks: Vec<Clock>,
    panes: Panes<A>,
}

impl<A: Aggregate> Slider<A> {
    /// No keys yet.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            reach: (shape.lateness + shape.slide) as u64,
            slots: Vec::new(),
            free: Vec::new(),
            clocks: Vec::new(),
            panes: Panes::new(shape.panes, shape.open),
        }
    }

    /// Takes an event; `emit` gets the windows it closes, in the order they end.
    #[inline]
    pub fn push(&mut self, event: Event<A::Value>, emit: &mut impl FnMut(Window<A>)) -> Result<(), Reason> {
        let Some(value) = A::of(event.value) else { return self.push_unfit(event, emit) };
        let slot = self.slots.get(event.key as usize).map_or(usize::MAX, |slot| *slot as usize);
        let Some(clock) = self.clocks.get(slot) else { return self.push_first(event, value, emit) };
        // One comparison for both sides: an event before `open_from` wraps to a number beyond any reach.
        let offset = event.at.wrapping_sub(clock.open_from) as u64;
        if offset < self.reach && within_reach(event.at) {
            self.panes.add(slot, clock.place, self.ahead(offset), value);
            return Ok(());
        }
        let slide = self.shape.slide as u64;
        if (self.reach..self.reach + slide).contains(&offset) && within_reach(event.at) {
            // An event in its turn begins the pane that opens; only one that comes early to an older pane
            // is added.
            let ahead = self.ahead(offset - slide);
            let newest = ahead + 1 == self.shape.open;
            let fresh = if newest { value } else { A::EMPTY };
            self.close(event.key, slot, fresh, emit);
            if !newest {
                self.panes.add(slot, self.clocks[slot].place, ahead, value);
            }
            return Ok(());
        }
        self.push_far(event, value, slot, emit)
    }

    /// How many panes after the oldest open one `offset` microseconds are.
    #[inline]
    fn ahead(&self, offset: u64) -> usize {
        // Without lateness there is one open pane and nothing to divide.
        if self.shape.open == 1 { 0 } else { (offset / self.shape.slide as u64) as usize }
    }

    /// Closes the oldest open pane, lets its window go and opens a pane that holds `fresh`.
    #[inline]
    fn close(&mut self, key: Key, slot: usize, fresh: A, emit: &mut impl FnMut(Window<A>)) {
        let clock = &mut self.clocks[slot];
        let value = self.panes.close(slot, &mut clock.place, fresh);
        clock.open_from += self.shape.slide;
        if !value.is_empty() {
            emit(Window { key, end: clock.open_from, value });
        }
    }

    /// An event whose value the aggregate does not take: the end of a key need not have one.
    #[cold]
    fn push_unfit(&mut self, event: Event<A::Value>, emit: &mut impl FnMut(Window<A>)) -> Result<(), Reason> {
        if event.is_end() { self.end(event.key, emit) } else { Err(Reason::Value) }
    }

    /// The first event of a key, or one of a key that has ended or cannot be.
    #[cold]
    fn push_first(
        &mut self,
        event: Event<A::Value>,
        value: A,
        emit: &mut impl FnMut(Window<A>),
    ) -> Result<(), Reason> {
        if event.is_end() {
            return self.end(event.key, emit);
        }
        let key = self.known(event.key)?;
        if self.slots[key] == ENDED {
            return Err(Reason::Late);
        }
        if !within_reach(event.at) {
            return Err(Reason::Time);
        }
        let clock = self.clock_at(self.oldest_open(event.at));
        let slot = if let Some(slot) = self.free.pop() {
            self.clocks[slot as usize] = clock;
            slot
        } else {
            self.clocks.push(clock);
            self.panes.add_slot();
            self.clocks.len() as u32 - 1
        };
        self.slots[key] = slot;
        let offset = (event.at - clock.open_from) as u64;
        self.panes.add(slot as usize, clock.place, self.ahead(offset), value);
        Ok(())
    }

    /// An event outside the open panes by more than a slide: late, an end, or after a silence.
    #[inline(never)]
    fn push_far(
        &mut self,
        event: Event<A::Value>,
        value: A,
        slot: usize,
        emit: &mut impl FnMut(Window<A>),
    ) -> Result<(), Reason> {
        if event.is_end() {
            return self.end(event.key, emit);
        }
        if !within_reach(event.at) {
            return Err(Reason::Time);
        }
        if event.at < self.clocks[slot].open_from {
            return Err(Reason::Late);
        }
        let open_from = self.oldest_open(event.at);
        let steps = (open_from - self.clocks[slot].open_from) / self.shape.slide;
        self.drain(event.key, slot, steps as u64, emit);
        if self.clocks[slot].open_from != open_from {
            self.panes.clear(slot);
            self.clocks[slot] = self.clock_at(open_from);
        }
        let clock = self.clocks[slot];
        self.panes.add(slot, clock.place, self.ahead((event.at - open_from) as u64), value);
        Ok(())
    }

    /// Slots that have memory, in use or not.
    #[cfg(test)]
    pub(super) fn slots_in_memory(&self) -> usize {
        self.clocks.len()
    }

    /// Closes the windows of a key and frees its memory.
    fn end(&mut self, key: Key, emit: &mut impl FnMut(Window<A>)) -> Result<(), Reason> {
        let index = self.known(key)?;
        let slot = std::mem::replace(&mut self.slots[index], ENDED);
        if slot < self.clocks.len() as u32 {
            self.drain(key, slot as usize, u64::MAX, emit);
            self.panes.clear(slot as usize);
            self.free.push(slot);
        }
        Ok(())
    }

    /// Closes `steps` panes, or fewer if no window after them holds an event.
    fn drain(&mut self, key: Key, slot: usize, steps: u64, emit: &mut impl FnMut(Window<A>)) {
        let filled = self.shape.open + self.shape.panes - 1;
        for _ in 0..steps.min(filled as u64) {
            self.close(key, slot, A::EMPTY, emit);
        }
    }

    /// The key as an index into `slots`, which reaches to it from now on.
    fn known(&mut self, key: Key) -> Result<usize, Reason> {
        if key >= self.shape.keys {
            return Err(Reason::Key);
        }
        if self.slots.len() <= key as usize {
            self.slots.resize(key as usize + 1, UNSEEN);
        }
        Ok(key as usize)
    }

    /// First instant of the oldest pane that is open when `newest` is the newest event.
    fn oldest_open(&self, newest: Micros) -> Micros {
        let time = newest - self.shape.lateness;
        time - time.rem_euclid(self.shape.slide)
    }

    /// A clock whose oldest open pane begins at `open_from`, in its place of the block.
    fn clock_at(&self, open_from: Micros) -> Clock {
        let pane = open_from.div_euclid(self.shape.slide);
        let block = pane.rem_euclid(self.shape.panes as i64) as u32;
        Clock { open_from, place: Place { ring: 0, block } }
    }
}

/// Whether sums of the time and the spans of a [`Shape`] stay inside 64 bits.
#[inline]
fn within_reach(at: Micros) -> bool {
    (-FARTHEST..=FARTHEST).contains(&at)
}
