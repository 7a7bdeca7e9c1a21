//! What one person's sensor read: slots that can still be replaced, and sums of hours and days.
//!
//! # Invariants
//! - The sums of an hour and a day are those of the slots in them, whenever each came.
//! - Every window up to `told` that holds a reading stands, and no other.

use dsp::glucose::{Outcome, Summary, Tally};
use model::{
    GlucoseReading, GlucoseSummary, GlucoseWindow, Micros, Number, Span, UserId, Wear, time::SECOND,
};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BTreeMap};

/// Length of a slot: what the consensus and the signals spec §4.5 count.
const SLOT: Micros = 300 * SECOND;

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) at: Micros,
    glucose: Number,
    span: Span,
}

impl From<&GlucoseReading> for Taken {
    fn from(reading: &GlucoseReading) -> Self {
        Self { at: reading.at, glucose: reading.glucose, span: Span::from(reading.origin) }
    }
}

/// A window: how long it is, and its end in hops of that length.
pub(super) type Place = (Wear, i64);

/// What one person's sensor read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Worn {
    /// The reading that counts of each slot that can still change, by the slot's number.
    slots: BTreeMap<i64, (Micros, Number)>,
    /// Sums by the number of the hour, and of the day.
    hours: BTreeMap<i64, Cell>,
    days: BTreeMap<i64, Cell>,
    /// The latest end of a window that stands.
    told: Micros,
}

/// What lies in an hour or a day.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cell {
    #[serde(with = "Sums")]
    tally: Tally,
    /// The records of all readings that came, whether or not they count.
    span: Span,
}

/// How sums are kept.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Tally")]
struct Sums {
    bands: [u64; 5],
    sum: u128,
    squares: u128,
    risks: [u128; 2],
}

impl Default for Worn {
    fn default() -> Self {
        Self { slots: BTreeMap::new(), hours: BTreeMap::new(), days: BTreeMap::new(), told: Micros::MIN }
    }
}

/// The span over both; if they are of different partitions, that of the higher one: whichever comes first.
fn union(one: Span, other: Span) -> Span {
    one.union(other).unwrap_or(if one.partition > other.partition { one } else { other })
}

/// How many hops a window is long.
const fn hops(wear: Wear) -> i64 {
    wear.length() / wear.hop()
}

impl Worn {
    fn cells(&self, wear: Wear) -> &BTreeMap<i64, Cell> {
        match wear {
            Wear::Day => &self.hours,
            Wear::Fortnight => &self.days,
        }
    }

    /// The windows that stand, or would if there was a reading at `at`, and hold that moment.
    pub(super) fn standing_around(&self, at: Micros) -> Vec<Place> {
        let of = |(_, wear): (_, Wear)| {
            let first = at.div_euclid(wear.hop()) + 1;
            let told = self.told.div_euclid(wear.hop());
            (first..=told.min(first + hops(wear) - 1)).map(move |end| (wear, end))
        };
        Wear::ALL.into_iter().flat_map(of).collect()
    }

    /// Takes a reading.
    pub(super) fn take(&mut self, taken: Taken) {
        let Taken { at, glucose, span } = taken;
        let slot = at.div_euclid(SLOT);
        let known = self.slots.get(&slot).copied();
        // The last counts; of two of one moment the lower.
        let counts = known.is_none_or(|(of, low)| (at, Reverse(glucose)) > (of, Reverse(low)));
        if counts {
            self.slots.insert(slot, (at, glucose));
        }
        for (cells, hop) in [(&mut self.hours, Wear::Day.hop()), (&mut self.days, Wear::Fortnight.hop())] {
            let cell = cells.entry(at.div_euclid(hop)).or_insert(Cell { tally: Tally::default(), span });
            cell.span = union(cell.span, span);
            if counts {
                if let Some((_, replaced)) = known {
                    cell.tally.remove(replaced.get());
                }
                cell.tally.add(glucose.get());
            }
        }
    }

    /// The window at `place`, if it holds a reading.
    pub(super) fn window(&self, user: UserId, (wear, end): Place) -> Option<GlucoseWindow> {
        let mut held = self.cells(wear).range(end - hops(wear)..end).map(|(_, cell)| cell);
        let Cell { mut tally, mut span } = *held.next()?;
        for cell in held {
            tally.merge(&cell.tally);
            span = union(span, cell.span);
        }
        let slots = (wear.length() / SLOT) as u32;
        let summary = match tally.outcome(slots as usize) {
            Outcome::Sufficient(summary) => Some(summary_of(&summary, &tally)),
            Outcome::Insufficient { .. } => None,
        };
        let readings = tally.readings() as u32;
        Some(GlucoseWindow { end: end * wear.hop(), user, wear, readings, slots, summary, span })
    }

    /// The first window that ends after `at` and holds a reading.
    fn next(&self, wear: Wear, at: Micros) -> Option<i64> {
        let end = at.div_euclid(wear.hop()) + 1;
        let (first, _) = self.cells(wear).range(end - hops(wear)..).next()?;
        Some(end.max(first + 1))
    }

    /// When the next window ends that is to be told.
    pub(super) fn until(&self) -> Option<Micros> {
        let ends =
            Wear::ALL.into_iter().filter_map(|(_, wear)| Some(self.next(wear, self.told)? * wear.hop()));
        ends.min()
    }

    /// The windows that end up to `now` and were not told: now they are.
    pub(super) fn tell(&mut self, now: Micros) -> Vec<Place> {
        let (mut places, mut told) = (Vec::new(), self.told);
        for (_, wear) in Wear::ALL {
            let mut at = self.told;
            while let Some(end) = self.next(wear, at)
                && end * wear.hop() <= now
            {
                places.push((wear, end));
                at = end * wear.hop();
                told = told.max(at);
            }
        }
        self.told = told;
        places
    }

    /// Lets leave what no reading after `floor` can change, if every window up to then is told.
    pub(super) fn prune(&mut self, floor: Micros) {
        let outlasts = |last: i64, hop: Micros| last.saturating_mul(hop) > floor;
        let Self { slots, hours, days, .. } = self;
        while slots.first_key_value().is_some_and(|(slot, _)| !outlasts(slot + 1, SLOT)) {
            slots.pop_first();
        }
        for (cells, wear) in [(hours, Wear::Day), (days, Wear::Fortnight)] {
            while cells.first_key_value().is_some_and(|(cell, _)| !outlasts(cell + hops(wear), wear.hop())) {
                cells.pop_first();
            }
        }
    }
}

/// A summary, with shares that are one division of whole numbers each: a limit is met or it is not.
fn summary_of(summary: &Summary, tally: &Tally) -> GlucoseSummary {
    let number = |value: f64| Number::finite(value).expect("a summary is finite");
    let [very_low, low, in_range, high, very_high] = tally.bands;
    let share = |readings: u64| number(100.0 * readings as f64 / summary.readings as f64);
    GlucoseSummary {
        mean: number(summary.mean),
        deviation: number(summary.deviation),
        variation: number(summary.variation_percent),
        gmi: number(summary.gmi_percent),
        below_54: share(very_low),
        below_70: share(very_low + low),
        in_range: share(in_range),
        above_180: share(high + very_high),
        above_250: share(very_high),
        gri: number(summary.gri),
        lbgi: number(summary.lbgi),
        hbgi: number(summary.hbgi),
    }
}
