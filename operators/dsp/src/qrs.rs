//! Finds the R waves of an electrocardiogram as it streams in.
//!
//! Pan, Tompkins, "A real-time QRS detection algorithm", IEEE Trans. Biomed. Eng. 32(3), 1985: band-pass, slope, square, moving
//! integral; its peaks are told apart by two levels that follow beats and noise, a search back where a beat is overdue, and the
//! slope of T waves. What is usual is a median of eight, as Hamilton, Tompkins, "Quantitative investigation of QRS detection
//! rules using the MIT/BIH arrhythmia database", IEEE Trans. Biomed. Eng. 33(12), 1986, found best; sizes are compared rather than
//! squares, as in Hamilton 2002 (see `level`). The band of 5 to 15 Hz is a Butterworth filter of order 1 and the integral 0.12 s long, as in
//! neurokit2 0.2.13; spans are in seconds, so that any rate from 100 to 1,000 Hz will do.
//!
//! ```text
//! sample ─ band-pass ─ slope ─ integral ─ peaks ─ levels ─ beat
//!    └─────────┴────────────────── where the R wave is ──────┘
//! ```
//!
//! # Invariants
//! Causal: a beat is reported within 0.4 s in rising order, later by a search back or in the 2 s in which the levels are learnt. The same bits however the stream is
//! cut, and from a restored state. A sample that is not finite or beyond ±1e100 counts as a repetition of the last one.
//! Nothing is allocated after `new` but what the caller's list of beats needs.

mod level;

use std::ops::RangeInclusive;

use crate::{
    Error,
    butterworth::{self, Band},
    cascade::Cascade,
};
use level::{Levels, Peak};

/// Rates the detector works at, in Hz, and one percent for a clock that is off.
const RATES_HZ: std::ops::RangeInclusive<f64> = 99.0..=1010.0;
/// Where the energy of a QRS complex lies, in Hz.
const BAND: Band = Band::Pass { low_hz: 5.0, high_hz: 15.0 };
/// Rate the paper's slope over five samples was made for, in Hz; at other rates its samples lie as far apart in time.
const SLOPE_HZ: f64 = 200.0;
/// Span of the moving integral, in seconds: about the widest QRS complex.
const INTEGRAL_SECONDS: f64 = 0.12;
/// No two beats are closer, in seconds: refractory myocardium cannot follow.
const REFRACTORY_SECONDS: f64 = 0.2;
/// Delay of the band-pass in the middle of its band, in seconds: `2 / Δω` of a resonance 10 Hz wide.
const DELAY_SECONDS: f64 = 0.032;
/// The R wave is looked for this far to both sides of where the band-passed one puts it, in seconds: half a normal QRS.
const REACH_SECONDS: f64 = 0.05;
/// Bound of a sample: squares and sums of what is smaller are finite.
const BOUND: f64 = 1e100;
/// Bound of a number in a saved memory: the sum of squares of what a filter makes of bounded samples stays below it.
const MEMORY_BOUND: f64 = 1e205;
/// Bound of a place in the stream: up to here a floating-point number counts without a gap (3 million years at 100 Hz).
const LAST_PLACE: u64 = 1 << 53;

/// A heart beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Where its R wave is: samples since the first sample of the stream.
    pub sample: u64,
    /// Whether it was overdue and found by searching back with half the threshold.
    pub overdue: bool,
}

/// The last values of a signal, addressed by their place in the stream.
#[derive(Debug, Clone, PartialEq)]
struct Recent(Vec<f64>);

impl Recent {
    fn put(&mut self, place: u64, value: f64) {
        let slot = place % self.0.len() as u64;
        self.0[slot as usize] = value;
    }

    /// The value at a place; 0 before the start of the stream.
    fn at(&self, place: u64) -> f64 {
        self.0[(place % self.0.len() as u64) as usize]
    }

    /// The values at neighbouring places, oldest first: as they lie in the ring, in one or two pieces.
    fn between(&self, places: RangeInclusive<u64>) -> impl Iterator<Item = &f64> {
        let start = (places.start() % self.0.len() as u64) as usize;
        let count = (places.end() + 1 - places.start()) as usize;
        let end = (start + count).min(self.0.len());
        self.0[start..end].iter().chain(&self.0[..start + count - end])
    }
}

/// A planned detector with its memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    /// Distance between the samples of the slope.
    step: u64,
    integral: u64,
    refractory: u64,
    delay: u64,
    reach: u64,
    band: Cascade<1>,
    raw: Recent,
    filtered: Recent,
    squares: Recent,
    /// Samples seen so far.
    place: u64,
    last: f64,
    /// Whether the next sample is the first one or follows a gap.
    fresh: bool,
    /// The highest value of the integral that may still be exceeded.
    rising: (u64, f64),
    levels: Levels,
}

impl Detector {
    /// Plans a detector for samples at `rate_hz`, of any unit and lead.
    ///
    /// # Errors
    /// [`Error::Rate`] outside 100 to 1,000 Hz.
    ///
    /// # Examples
    /// ```
    /// use dsp::qrs::Detector;
    ///
    /// // A spike of 20 ms every second, at 250 Hz.
    /// let ecg: Vec<f64> = (0..5_000).map(|sample| if sample % 250 < 5 { 1.0 } else { 0.0 }).collect();
    /// let mut beats = Vec::new();
    /// Detector::new(250.0)?.process(&ecg, &mut beats);
    /// assert_eq!(beats[7].sample - beats[6].sample, 250);
    /// # Ok::<(), dsp::Error>(())
    /// ```
    pub fn new(rate_hz: f64) -> Result<Self, Error> {
        if !RATES_HZ.contains(&rate_hz) {
            return Err(Error::Rate { rate_hz });
        }
        let span = |seconds: f64| (seconds * rate_hz).round() as u64;
        let step = span(1.0 / SLOPE_HZ).max(1);
        let (integral, refractory) = (span(INTEGRAL_SECONDS), span(REFRACTORY_SECONDS));
        let (delay, reach) = (span(DELAY_SECONDS), span(REACH_SECONDS));
        // A peak is told apart one refractory span after it, and its R wave lies before it.
        let memory = (refractory + integral + 4 * step + delay + reach + 2) as usize;
        Ok(Self {
            step,
            integral,
            refractory,
            delay,
            reach,
            band: Cascade::new(butterworth::design::<1>(1, BAND, rate_hz)?),
            raw: Recent(vec![0.0; memory]),
            filtered: Recent(vec![0.0; memory]),
            squares: Recent(vec![0.0; memory]),
            place: 0,
            last: 0.0,
            fresh: true,
            rising: (0, 0.0),
            levels: Levels::new(rate_hz),
        })
    }

    /// Takes the next samples of the stream and adds the beats they complete to `beats`.
    pub fn process(&mut self, samples: &[f64], beats: &mut Vec<Beat>) {
        for sample in samples {
            self.take(*sample, beats);
        }
    }

    /// Steps over `samples` samples that are missing: the filter settles anew behind them, no interval spans them, and the
    /// levels stay.
    pub fn skip(&mut self, samples: u64) {
        self.place = self.place.saturating_add(samples).min(LAST_PLACE);
        for recent in [&mut self.raw, &mut self.filtered, &mut self.squares] {
            recent.0.fill(0.0);
        }
        self.fresh = true;
        self.rising = (self.place, 0.0);
        self.levels.interrupt(self.place);
    }

    /// Forgets everything, as if planned anew.
    pub fn restart(&mut self) {
        for recent in [&mut self.raw, &mut self.filtered, &mut self.squares] {
            recent.0.fill(0.0);
        }
        (self.place, self.last, self.fresh, self.rising) = (0, 0.0, true, (0, 0.0));
        self.levels.restart();
    }

    fn take(&mut self, sample: f64, beats: &mut Vec<Beat>) {
        if sample.abs() <= BOUND {
            self.last = sample;
        }
        if std::mem::take(&mut self.fresh) {
            self.band.settle(self.last);
            self.raw.0.fill(self.last);
        }
        let place = self.place;
        self.raw.put(place, self.last);
        self.filtered.put(place, self.band.step(self.last));

        // 1. Slope over five samples, squared: (2 y₀ + y₁ - y₃ - 2 y₄) / 8.
        let before = |steps: u64| {
            let back = steps * self.step;
            if place >= back { self.filtered.at(place - back) } else { 0.0 }
        };
        let slope = (2.0 * before(0) + before(1) - before(3) - 2.0 * before(4)) / 8.0;
        self.squares.put(place, slope * slope);

        // 2. Moving integral. Summed anew each time: a running sum would keep the rounding errors of an artefact for good.
        let from = (place + 1).saturating_sub(self.integral);
        let energy = self.squares.between(from..=place).sum::<f64>() / self.integral as f64;
        // Its root is the size of the slope. Squares of beats of different origin lie too far apart for one level: where
        // ventricular beats are three times as high, the normal ones in between would count as noise.
        let integral = energy.sqrt();
        self.levels.learn(place, integral, beats);

        // 3. A peak is what was not exceeded for a refractory span.
        if integral > self.rising.1 {
            self.rising = (place, integral);
        } else if place - self.rising.0 >= self.refractory {
            if self.rising.1 > 0.0 {
                let peak = self.peak(self.rising.0, self.rising.1);
                self.levels.judge(&peak, beats);
            }
            self.rising = (place, integral);
        }
        self.levels.search_back(place, beats);
        self.place = (place + 1).min(LAST_PLACE);
    }

    /// What belongs to the peak of the integral at `place`: its steepest slope and its R wave.
    fn peak(&self, place: u64, height: f64) -> Peak {
        let from = (place + 1).saturating_sub(self.integral);
        let steepest = self.squares.between(from..=place).copied().fold(0.0, f64::max);
        // The slope is centred two steps back.
        let (from, to) = (from.saturating_sub(2 * self.step), place.saturating_sub(2 * self.step));
        let crest = highest(from..=to, |place| self.filtered.at(place).abs());
        let sign = self.filtered.at(crest).signum();
        let centre = crest.saturating_sub(self.delay);
        let around = centre.saturating_sub(self.reach)..=(centre + self.reach).min(place);
        let sample = highest(around, |place| sign * self.raw.at(place));
        Peak { place, height, slope: steepest.sqrt(), sample }
    }

    /// Adds the memory of the detector to `numbers`, to be given to [`Detector::restore`].
    pub fn save(&self, numbers: &mut Vec<f64>) {
        let [memory] = self.band.state();
        numbers.extend([self.place as f64, self.last, memory[0], memory[1], f64::from(u8::from(self.fresh))]);
        numbers.extend([self.rising.0 as f64, self.rising.1]);
        for recent in [&self.raw, &self.filtered, &self.squares] {
            numbers.extend(&recent.0);
        }
        self.levels.save(numbers);
    }

    /// Goes back to a saved memory of a detector for the same rate.
    ///
    /// # Errors
    /// [`Error::Memory`] if it was not one for the same rate, or holds a number that no memory can hold; the memory is as it
    /// was.
    pub fn restore(&mut self, numbers: &[f64]) -> Result<(), Error> {
        let memory = self.raw.0.len();
        let fits = numbers.len() == 7 + 3 * memory + Levels::NUMBERS
            && numbers.iter().all(|number| number.abs() <= MEMORY_BOUND)
            && numbers[1..4].iter().all(|number| number.abs() <= 10.0 * BOUND);
        if !fits {
            return Err(Error::Memory { numbers: numbers.len() });
        }
        let (head, rest) = numbers.split_at(7);
        self.place = place_of(head[0]);
        self.last = head[1];
        self.band.restore([[head[2], head[3]]]);
        self.fresh = head[4] != 0.0;
        self.rising = (place_of(head[5]).min(self.place), head[6]);
        let (signals, levels) = rest.split_at(3 * memory);
        for (recent, values) in [&mut self.raw, &mut self.filtered, &mut self.squares]
            .into_iter()
            .zip(signals.chunks_exact(memory))
        {
            recent.0.copy_from_slice(values);
        }
        self.levels.restore(levels);
        Ok(())
    }
}

/// The most beats in `samples` samples, those a search back adds included.
pub(crate) fn most_beats(rate_hz: f64, samples: usize) -> usize {
    (samples as f64 / (REFRACTORY_SECONDS * rate_hz)) as usize + 2
}

/// A place from a saved memory.
fn place_of(number: f64) -> u64 {
    (number as u64).min(LAST_PLACE)
}

/// The first place where `value` is highest.
fn highest(places: RangeInclusive<u64>, value: impl Fn(u64) -> f64) -> u64 {
    let first = *places.start();
    places.skip(1).fold(first, |best, place| if value(place) > value(best) { place } else { best })
}
