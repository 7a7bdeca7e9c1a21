//! Windows and episodes against everything looked at again at every epoch: under readings that come late, twice, under
//! another name and in any order, and time that passes; on any number of workers.

use super::{episodes, readings, windows};
use crate::testing::{Feed, standing};
use dsp::glucose::{Change, Depth, Episodes, Outcome, Reading, sum_up};
use model::{
    DomainEvent, EventId, GlucoseEpisode, GlucoseReading, GlucoseSummary, GlucoseWindow, Input, Micros,
    Number, Origin, Span, Tick, UserId, Wear, glucose::EpisodeEnd, time::DAY,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: Micros = 60_000_000;
const SLOT: Micros = 5 * MINUTE;
const HORIZON: Micros = 2 * DAY;
const START: Micros = 20_000 * DAY;
/// So much is the epoch's now ahead of the watermark.
const AHEAD: Micros = DAY / 2;

fn user(number: u8) -> UserId {
    UserId::derive(&[&number.to_string()])
}

fn reading(number: u8, at: Micros, glucose: f64, offset: u64) -> GlucoseReading {
    GlucoseReading {
        at,
        user: user(number),
        event: EventId::derive(&["reading", &offset.to_string()]),
        glucose: Number::finite(glucose).unwrap(),
        comparator: None,
        origin: Origin { input: Input::Glucose, partition: (offset % 2) as u32, offset },
    }
}

#[test]
fn what_comes_in_is_what_can_be_summed_up_and_its_bounds_are_those_of_bands() {
    // Neither crate knows the other; a reading that only one of them took would be left out of the sums in silence.
    let (least, most) = model::glucose::PLAUSIBLE;
    assert_eq!(least..=most, dsp::glucose::PLAUSIBLE);
    let bounds = model::glucose::MOST_BELOW..=model::glucose::LEAST_ABOVE;
    assert_eq!(bounds, dsp::glucose::VERY_LOW..=dsp::glucose::VERY_HIGH);
}

/// The windows that stand at `now`, by looking at every reading.
fn plain_windows(all: &[GlucoseReading], now: Micros) -> BTreeSet<GlucoseWindow> {
    let mut rows = BTreeSet::new();
    let users: BTreeSet<UserId> = all.iter().map(|reading| reading.user).collect();
    for (user, (_, wear)) in users.into_iter().flat_map(|user| Wear::ALL.map(|wear| (user, wear))) {
        let own: Vec<_> = all.iter().filter(|reading| reading.user == user).collect();
        let ends: BTreeSet<Micros> = own
            .iter()
            .flat_map(|reading| {
                let first = (reading.at.div_euclid(wear.hop()) + 1) * wear.hop();
                (first..)
                    .step_by(wear.hop() as usize)
                    .take_while(move |end| end - wear.length() <= reading.at)
            })
            .filter(|end| *end <= now)
            .collect();
        for end in ends {
            let held: Vec<_> =
                own.iter().filter(|reading| (end - wear.length()..end).contains(&reading.at)).collect();
            let mut slots = BTreeMap::<i64, Vec<(Micros, std::cmp::Reverse<Number>)>>::new();
            for reading in &held {
                let slot = slots.entry(reading.at.div_euclid(SLOT)).or_default();
                slot.push((reading.at, std::cmp::Reverse(reading.glucose)));
            }
            let counted: Vec<f64> =
                slots.values().map(|of_slot| of_slot.iter().max().unwrap().1.0.get()).collect();
            let partition = held.iter().map(|reading| reading.origin.partition).max().unwrap();
            let offsets =
                || held.iter().map(|reading| reading.origin).filter(|origin| origin.partition == partition);
            let span = Span {
                input: Input::Glucose,
                partition,
                first: offsets().map(|origin| origin.offset).min().unwrap(),
                last: offsets().map(|origin| origin.offset).max().unwrap(),
            };
            let (readings, places) = (counted.len() as u32, (wear.length() / SLOT) as u32);
            let summary = plain_summary(&counted, places as usize);
            rows.insert(GlucoseWindow { end, user, wear, readings, slots: places, summary, span });
        }
    }
    rows
}

fn plain_summary(counted: &[f64], slots: usize) -> Option<GlucoseSummary> {
    let Outcome::Sufficient(summary) = sum_up(counted, slots) else { return None };
    let number = |value| Number::finite(value).unwrap();
    let share = |is: fn(f64) -> bool| {
        number(100.0 * counted.iter().filter(|glucose| is(**glucose)).count() as f64 / counted.len() as f64)
    };
    Some(GlucoseSummary {
        mean: number(summary.mean),
        deviation: number(summary.deviation),
        variation: number(summary.variation_percent),
        gmi: number(summary.gmi_percent),
        below_54: share(|glucose| glucose < 54.0),
        below_70: share(|glucose| glucose < 70.0),
        in_range: share(|glucose| (70.0..=180.0).contains(&glucose)),
        above_180: share(|glucose| glucose > 180.0),
        above_250: share(|glucose| glucose > 250.0),
        gri: number(summary.gri),
        lbgi: number(summary.lbgi),
        hbgi: number(summary.hbgi),
    })
}

/// The episodes that stand, by following every reading in order.
fn plain_episodes(all: &[GlucoseReading]) -> BTreeSet<GlucoseEpisode> {
    let mut sorted: Vec<_> = all.iter().map(|reading| (reading.user, reading.at, reading.glucose)).collect();
    sorted.sort_unstable();
    let (mut following, mut rows) = (BTreeMap::<UserId, Episodes>::new(), BTreeMap::new());
    for (user, at, glucose) in sorted {
        let reading = Reading { time_ms: at / 1_000, glucose: glucose.get() };
        for change in following.entry(user).or_default().take(reading).into_iter().flatten() {
            let (depth, since_ms, ended) = match change {
                Change::Began { depth, since_ms } => (depth, since_ms, None),
                Change::Ended { depth, since_ms, until_ms, lowest, cut_off } => {
                    let lowest = Number::finite(lowest).unwrap();
                    (depth, since_ms, Some(EpisodeEnd { at: until_ms * 1_000, lowest, is_cut_off: cut_off }))
                }
            };
            let (began, is_very_low) = (since_ms * 1_000, depth == Depth::VeryLow);
            rows.insert((user, is_very_low, began), GlucoseEpisode { began, user, is_very_low, ended });
        }
    }
    rows.into_values().collect()
}

/// Holds what comes out of `epochs`, each a watermark and the readings before it, against the plain account.
fn check(epochs: &[(Micros, Vec<GlucoseReading>)], workers: usize) -> usize {
    let tick = |watermark| Tick { now: watermark + AHEAD, watermark };
    let event = |reading: &GlucoseReading| DomainEvent::Glucose(reading.clone());
    let feeds: Vec<Feed> =
        epochs.iter().map(|(watermark, of)| (tick(*watermark), of.iter().map(event).collect())).collect();
    let (found, remembered) =
        standing(&feeds, workers, HORIZON, |events, memory| windows(readings(events), memory));
    let (followed, _) =
        standing(&feeds, workers, HORIZON, |events, memory| episodes(readings(events), memory));
    let mut all = Vec::new();
    for (((watermark, of), windows), episodes) in epochs.iter().zip(found).zip(followed) {
        all.extend(of.iter().cloned());
        assert_eq!(windows, plain_windows(&all, watermark + AHEAD));
        assert_eq!(episodes, plain_episodes(&all));
    }
    remembered
}

/// Readings that follow each other, and how they come.
#[derive(Clone, Debug)]
struct Stretch {
    user: u8,
    /// Where between the horizon before and a day after the watermark it begins, in thousandths.
    place: i64,
    /// Readings, and seconds between two.
    count: i64,
    every: i64,
    /// First glucose, and how it moves.
    glucose: f64,
    slope: f64,
    wave: f64,
}

impl Stretch {
    fn readings(&self, watermark: Micros, next: &mut u64) -> Vec<GlucoseReading> {
        let oldest = watermark - HORIZON;
        let begins = oldest + (HORIZON + DAY) / 1_000 * self.place;
        let taken = |n: i64| {
            let wave = self.wave * (n as f64 / 9.0).sin();
            let glucose = (self.glucose + self.slope * n as f64 + wave).clamp(10.0, 500.0);
            *next += 1;
            reading(self.user, begins + n * self.every * 1_000_000, glucose, *next)
        };
        (0..self.count).map(taken).collect()
    }
}

fn any_stretch() -> impl Strategy<Value = Stretch> {
    let shape = (40.0..320.0, -0.5..0.5, 0.0..60.0);
    let length = prop_oneof![3 => 1_i64..5, 1 => 150_i64..320];
    let every = prop_oneof![Just(300_i64), Just(60), 1_i64..700, Just(0)];
    (0_u8..2, 0_i64..1_000, length, every, shape).prop_map(|(user, place, count, every, shape)| {
        let (glucose, slope, wave) = shape;
        Stretch { user, place, count, every, glucose, slope, wave }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn what_stands_is_what_looking_at_every_reading_again_finds(
        epochs in prop::collection::vec((0_i64..1_500, prop::collection::vec(any_stretch(), 0..3), any::<bool>()), 1..9),
        workers in 1_usize..=3,
    ) {
        let (mut watermark, mut next, mut fed) = (START, 0, Vec::new());
        for (minutes, stretches, turned) in epochs {
            watermark += minutes * MINUTE;
            let mut readings: Vec<_> =
                stretches.iter().flat_map(|stretch| stretch.readings(watermark, &mut next)).collect();
            if turned {
                readings.reverse();
            }
            fed.push((watermark, readings));
        }
        check(&fed, workers);
    }
}

/// Sixteen days, a reading every five minutes but for the slots that `skips`, a day to an epoch.
fn fortnight(skips: impl Fn(i64) -> bool) -> Vec<(Micros, Vec<GlucoseReading>)> {
    let of_day = |day: i64| {
        let slots = (day * 288..(day + 1) * 288).filter(|slot| !skips(*slot));
        let glucose = |slot: i64| 120.0 + 75.0 * (slot as f64 / 40.0).sin();
        let taken =
            slots.map(|slot| reading(0, START + slot * SLOT + 7, glucose(slot), slot as u64)).collect();
        (START + (day + 1) * DAY, taken)
    };
    (0..16).map(of_day).collect()
}

#[test]
fn a_fortnight_is_summed_up_once_it_is_over_if_seven_tenths_of_it_are_there() {
    for (skips, sufficient) in [(0_i64, true), (302, true), (303, false)] {
        // Of 1,008 slots 302 are less than 30 %, of 4,032 four times as many.
        let epochs = fortnight(|slot| slot % 1_008 < skips);
        check(&epochs, 2);
        let readings: Vec<_> = epochs.iter().flat_map(|(_, readings)| readings.clone()).collect();
        let rows = plain_windows(&readings, START + 14 * DAY);
        let whole =
            rows.iter().find(|row| (row.wear, row.end) == (Wear::Fortnight, START + 14 * DAY)).unwrap();
        assert_eq!(whole.summary.is_some(), sufficient, "{} of {}", whole.readings, whole.slots);
    }
}

#[test]
fn who_stopped_is_told_to_the_last_window_and_then_forgotten() {
    let mut epochs = fortnight(|slot| slot < 15 * 288 + 40);
    // Nothing comes for a month, in one step; and then nothing more.
    epochs.push((START + 46 * DAY, vec![]));
    let remembered = |days: i64| {
        let mut epochs = epochs.clone();
        epochs.extend((47..47 + days).map(|day| (START + day * DAY, vec![])));
        check(&epochs, 2)
    };
    assert_eq!((remembered(0), remembered(20)), (1, 0));
}
