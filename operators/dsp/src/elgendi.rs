//! Finds the systolic crests of a band-passed pulse wave.
//!
//! Elgendi, Norton, Brearley, Abbott, Schuurmans, "Systolic peak detection in acceleration photoplethysmograms measured from
//! emergency responders in tropical conditions", PLoS ONE 8(10), 2013: where the moving average over a systole of the
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

/// A planned detector.
#[derive(Debug, Clone)]
pub struct Detector {
    systole: usize,
    beat: usize,
    apart: usize,
    squares: Vec<f64>,
    systole_mean: Vec<f64>,
    beat_mean: Vec<f64>,
    crests: Vec<usize>,
}

impl Detector {
    /// Plans a detector for windows of up to `samples` samples.
    pub fn new(rate_hz: f64, samples: usize) -> Self {
        let span = |seconds: f64| ((seconds * rate_hz).round() as usize).max(1);
        Self {
            systole: span(SYSTOLE_SECONDS),
            beat: span(BEAT_SECONDS),
            apart: span(APART_SECONDS),
            squares: Vec::with_capacity(samples),
            systole_mean: Vec::with_capacity(samples),
            beat_mean: Vec::with_capacity(samples),
            crests: Vec::with_capacity(samples / (span(APART_SECONDS) + 1) + 1),
        }
    }

    /// The most crests a window of `samples` samples can have.
    pub fn most_crests(&self, samples: usize) -> usize {
        samples / (self.apart + 1) + 1
    }

    /// Positions of the crests of `wave`, band-passed and finite.
    pub fn detect(&mut self, wave: &[f64]) -> &[usize] {
        self.crests.clear();
        self.squares.clear();
        self.squares.extend(wave.iter().map(|value| value.max(0.0) * value.max(0.0)));
        moving_average(&self.squares, self.systole, &mut self.systole_mean);
        moving_average(&self.squares, self.beat, &mut self.beat_mean);
        let offset = OFFSET * self.squares.iter().sum::<f64>() / self.squares.len().max(1) as f64;

        let mut start = None;
        for index in 0..=wave.len() {
            let inside = index < wave.len() && self.systole_mean[index] > self.beat_mean[index] + offset;
            match (inside, start) {
                (true, None) => start = Some(index),
                (false, Some(first)) => {
                    self.close(wave, first, index);
                    start = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
        }
        &self.crests
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

/// Centred moving average; at the edges, zeros stand for what lies outside.
fn moving_average(values: &[f64], span: usize, out: &mut Vec<f64>) {
    out.clear();
    let (before, after) = (span / 2, span - span / 2);
    let mut sum: f64 = values.iter().take(after.saturating_sub(1)).sum();
    for index in 0..values.len() {
        sum += values.get(index + after - 1).copied().unwrap_or(0.0);
        out.push(sum / span as f64);
        if index >= before {
            sum -= values[index - before];
        }
    }
}
