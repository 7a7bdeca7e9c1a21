//! Tells beats from noise among the peaks of the integral.
//!
//! # Invariants
//! All levels are finite and not negative; at most [`MOST`] peaks wait for a search back.

use super::{Beat, place_of};

/// Share of a new peak in the level it belongs to (Pan and Tompkins: 0.125; 0.25 for a beat that was searched for).
const FOLLOW: f64 = 0.125;
const FOLLOW_OVERDUE: f64 = 0.25;
/// The threshold lies this share of the way from the noise's level to the beats' (Hamilton, "Open source ECG analysis", Computers
/// in Cardiology 29, 2002, for sizes; Pan and Tompkins have 0.25 for squares).
const THRESHOLD: f64 = 0.475;
/// A search back is content with this share of the threshold (Pan and Tompkins).
const OVERDUE_THRESHOLD: f64 = 0.5;
/// A beat is overdue after this multiple of the usual interval (Pan and Tompkins: 166 %).
const OVERDUE: f64 = 1.66;
/// A peak this soon after a beat, in seconds, and with less than this share of its slope is the beat's T wave (Pan and Tompkins).
const T_WAVE_SECONDS: f64 = 0.36;
const T_WAVE_SLOPE: f64 = 0.5;
/// Seconds the first levels are learnt from (Pan and Tompkins), and the shares of their highest and mean integral they become
/// (Sedghamiz, "An online algorithm for R, S and T wave detection", 2013: the paper leaves them open).
const LEARN_SECONDS: f64 = 2.0;
const LEARN_BEAT: f64 = 1.0 / 3.0;
const LEARN_NOISE: f64 = 0.5;
/// After so many seconds without a beat the levels are learnt anew (Hamilton 2002).
const SILENT_SECONDS: f64 = 8.0;
/// One peak raises the beats' level as if it were at most this multiple of it, so that an artefact does not blind the detector
/// (our own; a lasting rise is followed all the same).
const MOST_RISE: f64 = 2.0;
/// After silence a beat must have this share of the usual height: the noise of a heart that stands
/// still is no rhythm (our own).
const LEAST_RETURN: f64 = 0.1;
/// A height below this, in units per sample, is the rounding of a constant.
const SILENCE: f64 = 1e-9;
/// Intervals and heights remembered (Hamilton and Tompkins: medians of eight).
const USUAL: usize = 8;
/// Most peaks that wait for the end of learning or a search back: more than fit into eight seconds, 0.2 s apart.
const MOST: usize = 42;

/// A peak of the integral.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Peak {
    pub(super) place: u64,
    pub(super) height: f64,
    /// Steepest slope under the integral.
    pub(super) slope: f64,
    /// Where the R wave would be.
    pub(super) sample: u64,
}

/// The levels and what they are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Levels {
    rate_hz: f64,
    beat: f64,
    noise: f64,
    /// Start of the learning, while it lasts; then the sum and the highest of the integral since.
    learning: Option<u64>,
    sum: f64,
    highest: f64,
    /// The last beat, and whether a gap lies behind it.
    last: Option<Peak>,
    gap: bool,
    /// Since when there has been no beat.
    silent: u64,
    intervals: Usual,
    heights: Usual,
    waiting: [Peak; MOST],
    waits: usize,
}

/// The last eight of something.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Usual {
    values: [f64; USUAL],
    count: usize,
}

impl Usual {
    fn put(&mut self, value: f64) {
        self.values.rotate_left(1);
        self.values[USUAL - 1] = value;
        self.count = (self.count + 1).min(USUAL);
    }

    fn median(&self) -> Option<f64> {
        let mut values = self.values;
        let known = &mut values[USUAL - self.count..];
        (!known.is_empty()).then(|| crate::shape::median(known))
    }
}

impl Levels {
    pub(super) const NUMBERS: usize = 15 + 2 * USUAL + 4 * MOST;

    pub(super) fn new(rate_hz: f64) -> Self {
        Self {
            rate_hz,
            beat: 0.0,
            noise: 0.0,
            learning: Some(0),
            sum: 0.0,
            highest: 0.0,
            last: None,
            gap: false,
            silent: 0,
            intervals: Usual::default(),
            heights: Usual::default(),
            waiting: [Peak::default(); MOST],
            waits: 0,
        }
    }

    pub(super) fn restart(&mut self) {
        *self = Self::new(self.rate_hz);
    }

    /// Forgets what a gap that ends at `place` makes doubtful.
    pub(super) fn interrupt(&mut self, place: u64) {
        self.gap = true;
        self.waits = 0;
        self.silent = place;
        if self.learning.is_some() {
            (self.learning, self.sum, self.highest) = (Some(place), 0.0, 0.0);
        }
    }

    fn threshold(&self) -> f64 {
        (self.noise + THRESHOLD * (self.beat - self.noise)).max(SILENCE)
    }

    fn seconds(&self, from: u64, to: u64) -> f64 {
        to.saturating_sub(from) as f64 / self.rate_hz
    }

    /// Learns the levels from the integral, at the start and after silence.
    pub(super) fn learn(&mut self, place: u64, integral: f64, beats: &mut Vec<Beat>) {
        let Some(start) = self.learning else {
            if self.seconds(self.silent, place) > SILENT_SECONDS {
                (self.learning, self.sum, self.highest) = (Some(place), 0.0, 0.0);
                self.waits = 0;
            }
            return;
        };
        self.sum += integral;
        self.highest = self.highest.max(integral);
        if self.seconds(start, place) < LEARN_SECONDS {
            return;
        }
        let usual = if self.heights.count == USUAL { self.heights.median() } else { None };
        self.beat = (LEARN_BEAT * self.highest).max(LEAST_RETURN / THRESHOLD * usual.unwrap_or(0.0));
        self.noise = LEARN_NOISE * self.sum / (place.saturating_sub(start) + 1) as f64;
        self.learning = None;
        self.silent = place;
        let (waiting, waits) = (self.waiting, std::mem::take(&mut self.waits));
        for peak in &waiting[..waits] {
            self.judge(peak, beats);
        }
    }

    /// Decides what a peak is.
    pub(super) fn judge(&mut self, peak: &Peak, beats: &mut Vec<Beat>) {
        if self.learning.is_some() {
            self.wait(peak);
        } else if peak.height <= self.threshold() {
            self.noise += FOLLOW * (peak.height - self.noise);
            if !self.is_t_wave(peak) {
                self.wait(peak);
            }
        } else if self.is_t_wave(peak) {
            self.noise += FOLLOW * (peak.height.min(self.beat) - self.noise);
        } else {
            self.accept(peak, FOLLOW, beats);
        }
    }

    /// Looks among the peaks that were too low for a beat that is overdue at `place`.
    pub(super) fn search_back(&mut self, place: u64, beats: &mut Vec<Beat>) {
        let (Some(last), Some(interval)) = (self.last, self.intervals.median()) else { return };
        if self.waits == 0 || self.gap || self.learning.is_some() {
            return;
        }
        if place.saturating_sub(last.place) as f64 <= OVERDUE * interval {
            return;
        }
        let waiting = &self.waiting[..self.waits];
        let Some(best) = waiting.iter().copied().max_by(|left, right| left.height.total_cmp(&right.height))
        else {
            return;
        };
        if best.height > OVERDUE_THRESHOLD * self.threshold() && best.height > SILENCE {
            self.accept(&best, FOLLOW_OVERDUE, beats);
        }
    }

    fn accept(&mut self, peak: &Peak, follow: f64, beats: &mut Vec<Beat>) {
        let later = |last: Peak| peak.sample > last.sample && peak.place > last.place;
        let rises = self.last.is_none_or(later);
        // 1. What waits and lies behind this beat still waits.
        let (waiting, waits) = (self.waiting, std::mem::take(&mut self.waits));
        for other in waiting[..waits].iter().filter(|other| other.place > peak.place) {
            self.wait(other);
        }
        if !rises {
            return;
        }
        // 2. Levels and habits follow.
        self.beat += follow * (peak.height.min(MOST_RISE * self.beat) - self.beat);
        self.heights.put(peak.height);
        if let Some(last) = self.last.filter(|_| !self.gap) {
            self.intervals.put((peak.place - last.place) as f64);
        }
        self.gap = false;
        self.silent = peak.place;
        self.last = Some(*peak);
        beats.push(Beat { sample: peak.sample, overdue: follow > FOLLOW });
    }

    fn is_t_wave(&self, peak: &Peak) -> bool {
        self.last.is_some_and(|last| {
            self.seconds(last.place, peak.place) < T_WAVE_SECONDS && peak.slope < T_WAVE_SLOPE * last.slope
        })
    }

    /// Keeps a peak for later; if there are too many, the oldest goes.
    fn wait(&mut self, peak: &Peak) {
        if self.waits == MOST {
            self.waiting.rotate_left(1);
            self.waits -= 1;
        }
        self.waiting[self.waits] = *peak;
        self.waits += 1;
    }

    pub(super) fn save(&self, numbers: &mut Vec<f64>) {
        let flag = |is: bool| f64::from(u8::from(is));
        numbers.extend([self.beat, self.noise, flag(self.learning.is_some())]);
        numbers.extend([self.learning.unwrap_or(0) as f64, self.sum, self.highest]);
        numbers.extend([flag(self.last.is_some()), flag(self.gap), self.silent as f64]);
        numbers.extend(peak_numbers(&self.last.unwrap_or_default()));
        for usual in [&self.intervals, &self.heights] {
            numbers.extend(usual.values);
        }
        numbers.extend(self.waiting.iter().flat_map(peak_numbers));
        // Three counts, each below 64, in two numbers.
        numbers.extend([(self.intervals.count * USUAL * 2 + self.heights.count) as f64, self.waits as f64]);
    }

    pub(super) fn restore(&mut self, numbers: &[f64]) {
        let peak = |numbers: &[f64]| Peak {
            place: place_of(numbers[0]),
            height: numbers[1],
            slope: numbers[2],
            sample: place_of(numbers[3]),
        };
        (self.beat, self.noise) = (numbers[0], numbers[1]);
        self.learning = (numbers[2] != 0.0).then_some(place_of(numbers[3]));
        (self.sum, self.highest) = (numbers[4], numbers[5]);
        self.last = (numbers[6] != 0.0).then(|| peak(&numbers[9..13]));
        self.gap = numbers[7] != 0.0;
        self.silent = place_of(numbers[8]);
        self.intervals.values.copy_from_slice(&numbers[13..13 + USUAL]);
        self.heights.values.copy_from_slice(&numbers[13 + USUAL..13 + 2 * USUAL]);
        let waiting = &numbers[13 + 2 * USUAL..];
        for (slot, numbers) in self.waiting.iter_mut().zip(waiting.chunks_exact(4)) {
            *slot = peak(numbers);
        }
        let counts = numbers[Self::NUMBERS - 2] as usize;
        self.intervals.count = (counts / (USUAL * 2)).min(USUAL);
        self.heights.count = (counts % (USUAL * 2)).min(USUAL);
        self.waits = (numbers[Self::NUMBERS - 1] as usize).min(MOST);
    }
}

fn peak_numbers(peak: &Peak) -> [f64; 4] {
    [peak.place as f64, peak.height, peak.slope, peak.sample as f64]
}
