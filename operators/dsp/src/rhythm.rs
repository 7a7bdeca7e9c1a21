//! Counts heart beats between crests and turns them into a rate.
//!
//! The rate is beats over time, `60 · Σ beats / Σ seconds`, which is the average of the instantaneous rate over time. What
//! counts as a beat follows physiology rather than the crest detector:
//! * A low crest right behind a high one is the dicrotic wave of the same beat, not a beat.
//! * A premature beat meets a half-filled ventricle and may leave no visible pulse; the pause behind it makes the interval
//!   about two normal ones long. Such an interval holds two beats, as the electrocardiogram would show (pulse deficit). If
//!   the premature pulse was visible, its short interval and the pause together hold two.
//! * In a rhythm that is irregular throughout (atrial fibrillation) a long interval is nothing special, so the longer the
//!   normal intervals scatter, the longer an interval must be to hold two beats.
//!
//! # Invariants
//! Nothing is allocated after `new`; every number is finite.

/// A crest closer than this behind the last one, in seconds, can be its dicrotic wave: the wave returns 0.2 to 0.45 s after
/// the systolic crest (Millasseau et al., "Determination of age-related increases in large artery stiffness by digital pulse
/// contour analysis", Clin. Sci. 103, 2002), while beats so close mean more than 133 a minute.
const DICROTIC_SECONDS: f64 = 0.45;
/// A dicrotic crest is lower than this share of the systolic one.
const DICROTIC_HEIGHT: f64 = 0.5;
/// An interval shorter than this share of the median is no cycle of the heart: refractory myocardium cannot follow.
const SHORTEST: f64 = 0.45;
/// An interval longer than this multiple of the median is a stretch without detection, not a pause.
const LONGEST: f64 = 3.5;
/// From this multiple of the median an interval holds two beats, in a regular rhythm …
const PAUSE: f64 = 1.55;
/// … and in an irregular one from `1 + PAUSE_SCATTER · scatter`, the bound for an outlier of a normal distribution.
const PAUSE_SCATTER: f64 = 3.0;
/// The standard deviation of a normal distribution over its median absolute deviation.
const MAD_TO_DEVIATION: f64 = 1.4826;
/// The newest seconds of a window weigh less, down to nothing at its end. A bedside monitor shows a moving average that lags
/// by 6 to 8 s (measured on the electrocardiograms of BIDMC); this weighting centres the window's average on the same beats.
const TAPER_SECONDS: f64 = 10.0;
/// A hole longer than this, in seconds, can swallow a systolic wave (see `shape`): an interval with such a hole does not
/// count. Shorter holes are bridged, which moves a crest by less than half of them, and as the intervals before and behind a
/// crest err by as much in opposite directions, a rate off all of them hardly errs. Leaving out one of the two, however, both
/// lets the error stand and thins the average out.
const LONGEST_HOLE_SECONDS: f64 = 0.25;
/// Nor does an interval with more than this share of samples that were not measured.
const MOST_MISSING: f64 = 0.5;
/// Fewest intervals a rate is made from (2 s to 6 s of pulse).
const FEWEST: usize = 3;
/// Rates that a wave filtered to 0.5 to 8 Hz can carry, in beats per minute.
const PLAUSIBLE_BPM: std::ops::RangeInclusive<f64> = 25.0..=240.0;
/// Similarity to the template (see `shape`) from which an interval's ends are trusted, and from which they are trusted fully.
const TRUST: (f64, f64) = (0.5, 0.9);
/// What an interval with untrusted ends still weighs, so that a window without a single trusted beat still has a rate.
const LEAST_TRUST: f64 = 0.1;
/// Spread about the median that counts as regular, as in the published share of regular intervals.
const REGULAR: f64 = 0.3;

/// What the beats of a window say.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reading {
    /// Beats per minute.
    pub(crate) bpm: Option<f64>,
    /// Share of the intervals within 30 % of their median.
    pub(crate) regularity: f64,
}

/// Stretch from one crest to the next.
#[derive(Debug, Clone, Copy)]
struct Interval {
    seconds: f64,
    /// Where its middle lies, in seconds before the end of the window.
    before_end: f64,
    /// How far it can be relied on, 0 to 1.
    weight: f64,
}

/// A planned counter.
#[derive(Debug)]
pub(crate) struct Rhythm {
    rate_hz: f64,
    intervals: Vec<Interval>,
    sorted: Vec<f64>,
}

impl Rhythm {
    pub(crate) fn new(rate_hz: f64, most_crests: usize) -> Self {
        Self { rate_hz, intervals: Vec::with_capacity(most_crests), sorted: Vec::with_capacity(most_crests) }
    }

    /// Keeps the crests that are not the dicrotic wave of the crest before.
    pub(crate) fn drop_dicrotic(&self, wave: &[f64], crests: &mut Vec<usize>) {
        let mut systolic: Option<usize> = None;
        crests.retain(|&crest| {
            let dicrotic = systolic.is_some_and(|last| {
                ((crest - last) as f64) < DICROTIC_SECONDS * self.rate_hz
                    && wave[crest] < DICROTIC_HEIGHT * wave[last]
            });
            if !dicrotic {
                systolic = Some(crest);
            }
            !dicrotic
        });
    }

    /// Reads the rate off the crests of a window of `samples` samples, given each crest's similarity to the template and
    /// which samples were not measured (empty: all were).
    pub(crate) fn read(
        &mut self,
        samples: usize,
        crests: &[usize],
        similarity: &[f64],
        missing: &[bool],
    ) -> Reading {
        self.intervals.clear();
        for (ends, alike) in crests.windows(2).zip(similarity.windows(2)) {
            let (first, last) = (ends[0], ends[1]);
            let seconds = (last - first) as f64 / self.rate_hz;
            let measured = self.is_measured(missing, first, last);
            let trust = ((alike[0].min(alike[1]) - TRUST.0) / (TRUST.1 - TRUST.0)).clamp(LEAST_TRUST, 1.0);
            let before_end = (samples as f64 - (first + last) as f64 / 2.0) / self.rate_hz;
            self.intervals.push(Interval { seconds, before_end, weight: if measured { trust } else { 0.0 } });
        }
        if self.intervals.len() < FEWEST {
            return Reading::default();
        }
        let median = self.median_of(|interval| interval.seconds);
        let scatter =
            MAD_TO_DEVIATION * self.median_of(|interval| (interval.seconds - median).abs()) / median;
        let regular = self
            .intervals
            .iter()
            .filter(|interval| (interval.seconds - median).abs() <= REGULAR * median)
            .count();
        Reading { bpm: self.rate(median, scatter), regularity: regular as f64 / self.intervals.len() as f64 }
    }

    /// Whether enough was measured between two crests to know that they follow each other, and where they are.
    fn is_measured(&self, missing: &[bool], first: usize, last: usize) -> bool {
        let Some(between) = missing.get(first..last) else { return true };
        let lost = between.iter().filter(|lost| **lost).count();
        // A hole around a crest counts whole.
        let before = missing[..first].iter().rev().take_while(|lost| **lost).count();
        let behind = missing[last..].iter().take_while(|lost| **lost).count();
        let holes = missing[first - before..last + behind].split(|lost| !lost).map(<[bool]>::len);
        lost as f64 <= MOST_MISSING * (last - first) as f64
            && holes.max().unwrap_or(0) as f64 <= LONGEST_HOLE_SECONDS * self.rate_hz
    }

    fn median_of(&mut self, value: impl Fn(&Interval) -> f64) -> f64 {
        self.sorted.clear();
        self.sorted.extend(self.intervals.iter().map(value));
        crate::shape::median(&mut self.sorted)
    }

    /// Weighted beats over weighted time.
    fn rate(&self, median: f64, scatter: f64) -> Option<f64> {
        let pause = PAUSE.max(1.0 + PAUSE_SCATTER * scatter);
        let (mut beats, mut seconds) = (0.0, 0.0);
        let mut last = 1.0;
        for interval in &self.intervals {
            let length = interval.seconds / median;
            let held = held(length, last, pause);
            last = length;
            if length < LONGEST {
                let weight = interval.weight * (interval.before_end / TAPER_SECONDS).clamp(0.0, 1.0);
                beats += weight * held;
                seconds += weight * interval.seconds;
            }
        }
        let bpm = 60.0 * beats / seconds;
        (seconds > 0.0 && PLAUSIBLE_BPM.contains(&bpm)).then_some(bpm)
    }
}

/// Beats an interval holds, given its length and that of the interval before (in medians) and the length that makes two.
fn held(length: f64, last: f64, pause: f64) -> f64 {
    if length < SHORTEST {
        return 0.0;
    }
    // A pause that only makes up for the premature beat before it has no hidden beat.
    let owed = (1.0 - last).clamp(0.0, 0.5);
    (length - owed + 2.0 - pause).floor().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads crests given by their times in seconds, at 1 kHz.
    fn read(times: &[f64]) -> Reading {
        let crests: Vec<usize> = times.iter().map(|time| (time * 1000.0).round() as usize).collect();
        Rhythm::new(1000.0, 100).read(30_000, &crests, &vec![1.0; crests.len()], &[])
    }

    #[test]
    fn a_regular_rhythm_has_its_rate() {
        let reading = read(&(1..36).map(|beat| f64::from(beat) * 0.8).collect::<Vec<_>>());
        assert!((reading.bpm.unwrap() - 75.0).abs() < 1e-9);
        assert!((reading.regularity - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_hidden_premature_beat_is_counted() {
        let times: Vec<f64> =
            (1..36).filter(|beat| beat % 7 != 0).map(|beat| f64::from(beat) * 0.8).collect();
        assert!((read(&times).bpm.unwrap() - 75.0).abs() < 1e-9);
    }

    #[test]
    fn a_visible_premature_beat_is_counted_once() {
        let shift = |beat: i32| if beat % 7 == 0 { -0.28 } else { 0.0 };
        let times: Vec<f64> = (1..36).map(|beat| f64::from(beat) * 0.8 + shift(beat)).collect();
        assert!((read(&times).bpm.unwrap() - 75.0).abs() < 1.0);
    }

    #[test]
    fn a_dicrotic_wave_is_no_beat() {
        let mut wave = vec![0.0; 3_000];
        let mut crests = Vec::new();
        for beat in 0..3 {
            for (delay, height) in [(0, 1.0), (350, 0.3)] {
                wave[beat * 900 + delay] = height;
                crests.push(beat * 900 + delay);
            }
        }
        Rhythm::new(1000.0, 10).drop_dicrotic(&wave, &mut crests);
        assert_eq!(crests, [0, 900, 1_800]);
    }

    #[test]
    fn an_irregular_rhythm_is_not_filled_up() {
        // Intervals of atrial fibrillation: scattered about 0.7 s, one in seven longer than 1.55 medians.
        let intervals = [0.52, 0.95, 0.61, 0.78, 1.09, 0.55, 0.7];
        let mut time = 0.5;
        let times: Vec<f64> = std::iter::once(time)
            .chain((0..35).map(|beat| {
                time += intervals[beat % 7];
                time
            }))
            .collect();
        assert!((read(&times).bpm.unwrap() - 60.0 / (intervals.iter().sum::<f64>() / 7.0)).abs() < 1.5);
    }

    #[test]
    fn intervals_that_were_not_measured_do_not_count() {
        let times: Vec<f64> =
            (1..36).map(|beat| f64::from(beat) * 0.8 + if beat > 10 { 0.4 } else { 0.0 }).collect();
        let crests: Vec<usize> = times.iter().map(|time| (time * 1000.0).round() as usize).collect();
        let mut missing = vec![false; 30_000];
        missing[8_100..9_100].fill(true);
        let reading = Rhythm::new(1000.0, 100).read(30_000, &crests, &vec![1.0; crests.len()], &missing);
        assert!((reading.bpm.unwrap() - 75.0).abs() < 1e-9);
    }

    /// Reads crests at 1 kHz of which some samples were not measured.
    fn read_with(times: &[f64], missing: &[bool]) -> f64 {
        let crests: Vec<usize> = times.iter().map(|time| (time * 1000.0).round() as usize).collect();
        let reading = Rhythm::new(1000.0, 100).read(30_000, &crests, &vec![1.0; crests.len()], missing);
        reading.bpm.unwrap()
    }

    #[test]
    fn intervals_with_short_holes_count() {
        // The slower half has holes of 40 ms, two fifths of it.
        let times: Vec<f64> = (1..31)
            .map(|beat| if beat < 16 { f64::from(beat) } else { 3.0 + 0.8 * f64::from(beat) })
            .collect();
        let missing: Vec<bool> = (0..30_000).map(|sample| sample < 15_000 && sample % 100 < 40).collect();
        assert_eq!(read_with(&times, &missing).to_bits(), read_with(&times, &[]).to_bits());
    }

    #[test]
    fn a_hole_around_a_crest_counts_whole() {
        let steady: Vec<f64> = (1..31).map(f64::from).collect();
        let mut moved = steady.clone();
        moved[9] += 0.4;
        let mut missing = vec![false; 30_000];
        // Less than 0.25 s on either side.
        missing[10_200..10_600].fill(true);
        assert!((read_with(&moved, &missing) - read_with(&steady, &[])).abs() < 1e-9);
    }
}
