//! Finds the systolic crests of a band-passed pulse wave.
//!
//! Elgendi, Norton, Brearley, Abbott, Schuurmans, "Systolic peak detection in acceleration photoplethysmograms measured from
//! emergency responders in tropical conditions", `PLoS ONE` 8(10), 2013: where the moving average over a systole of the
//! squared positive wave exceeds the one over a beat, there is a block of interest; its highest sample is the crest. The
//! spans (0.111 s, 0.667 s), the offset (2 % of the mean square) and the least distance (0.3 s) are those of the paper and of
//! neurokit2 0.2.13.
//!
//! # Invariants
//! Crests come in rising order. Nothing is allocated by [`Detector::detect`].

/// Span of a systole, in seconds; also the shortest block that counts.
const SYSTOLE_SECONDS: f64 = 0.111;
/// Span of a beat, in seconds.
const BEAT_SECONDS: f64 = 0.667;
/// Share of the mean square that a block must rise above the beat average.
const OFFSET: f64 = 0.02;
/// Least distance between two crests, in seconds.
const APART_SECONDS: f64 = 0.3;

/// The same for the complexes of an electrocardiogram from 8 to 20 Hz: Elgendi, "Fast QRS detection with an optimized
/// knowledge-based method: evaluation on 11 standard ECG databases", `PLoS ONE` 8(9), 2013.
const COMPLEX_SECONDS: f64 = 0.097;
const COMPLEX_BEAT_SECONDS: f64 = 0.611;
const COMPLEX_OFFSET: f64 = 0.08;

/// A planned detector.
#[derive(Debug, Clone)]
pub struct Detector {
    offset: f64,
    systole: usize,
    beat: usize,
    apart: usize,
    /// Running sums of the squared positive wave, with room for half a beat before and after it, where the wave counts as
    /// zero: entry `half a beat + i` is the sum of the first `i` squares.
    sums: Vec<f64>,
    crests: Vec<usize>,
}

impl Detector {
    /// Plans a detector for windows of up to `samples` samples.
    pub fn new(rate_hz: f64, samples: usize) -> Self {
        Self::planned(rate_hz, samples, SYSTOLE_SECONDS, BEAT_SECONDS, OFFSET)
    }

    /// Plans a detector of complexes in the absolute value of an electrocardiogram filtered to 8 to 20 Hz.
    pub(crate) fn of_complexes(rate_hz: f64, samples: usize) -> Self {
        Self::planned(rate_hz, samples, COMPLEX_SECONDS, COMPLEX_BEAT_SECONDS, COMPLEX_OFFSET)
    }

    fn planned(rate_hz: f64, samples: usize, systole_seconds: f64, beat_seconds: f64, offset: f64) -> Self {
        let span = |seconds: f64| ((seconds * rate_hz).round() as usize).max(1);
        let mut detector = Self {
            offset,
            systole: span(systole_seconds),
            beat: span(beat_seconds),
            apart: span(APART_SECONDS),
            sums: Vec::with_capacity(samples + span(beat_seconds) + 1),
            crests: Vec::new(),
        };
        detector.crests.reserve_exact(detector.most_crests(samples));
        detector
    }

    /// The most crests a window of `samples` samples can have.
    pub fn most_crests(&self, samples: usize) -> usize {
        samples / (self.apart + 1) + 1
    }

    /// Positions of the crests of `wave`, band-passed and finite.
    pub fn detect(&mut self, wave: &[f64]) -> &[usize] {
        self.crests.clear();
        let total = self.sum(wave);
        let offset = self.offset * total / wave.len().max(1) as f64;
        let (systole_share, beat_share) = (1.0 / self.systole as f64, 1.0 / self.beat as f64);

        // 1. A moving average is the difference of two running sums; the spans are centred on the sample.
        let half = self.beat / 2;
        let sums = std::mem::take(&mut self.sums);
        let from = |start: usize| sums[start..].iter();
        let systoles = from(half - self.systole / 2).zip(from(half - self.systole / 2 + self.systole));
        let beats = from(0).zip(from(self.beat));
        let inside = systoles.zip(beats).map(|((systole_from, systole_to), (beat_from, beat_to))| {
            (systole_to - systole_from) * systole_share > (beat_to - beat_from) * beat_share + offset
        });

        // 2. Blocks of interest are runs of samples inside.
        let mut start = None;
        for (index, inside) in inside.take(wave.len()).chain(std::iter::once(false)).enumerate() {
            match (inside, start) {
                (true, None) => start = Some(index),
                (false, Some(first)) => {
                    self.close(wave, first, index);
                    start = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        self.sums = sums;
        &self.crests
    }

    /// Fills the running sums and returns the last one.
    fn sum(&mut self, wave: &[f64]) -> f64 {
        let half = self.beat / 2;
        self.sums.clear();
        self.sums.resize(half + 1, 0.0);
        let mut total = 0.0;
        self.sums.extend(wave.iter().map(|value| {
            let positive = value.max(0.0);
            total += positive * positive;
            total
        }));
        self.sums.resize(wave.len() + self.beat + 1, total);
        total
    }

    /// Takes the crest of the block `first..end` unless the block is too short or too near to the last crest.
    fn close(&mut self, wave: &[f64], first: usize, end: usize) {
        if end - first < self.systole {
            return;
        }
        let crest = (first..end).max_by(|left, right| wave[*left].total_cmp(&wave[*right])).unwrap_or(first);
        if self.crests.last().is_none_or(|last| crest - last > self.apart) {
            self.crests.push(crest);
        }
    }
}
