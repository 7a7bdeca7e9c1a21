//! Compares the beats of a window with each other.
//!
//! A pulse wave repeats itself, an artefact does not: each beat is correlated with the mean beat of the window (template
//! matching: Orphanidou et al., "Signal-quality indices for the electrocardiogram and photoplethysmogram: derivation and
//! applications to wireless monitoring", IEEE J. Biomed. Health Inform. 19(3), 2015), and crest heights are held
//! against their median.
//!
//! # Invariants
//! Nothing is allocated after `new`; every number is finite.

/// Reach of the template to both sides of a crest, in seconds: the systolic wave alone, because what lies around it
/// changes with the length of the cycle.
const REACH_SECONDS: f64 = 0.25;
/// A crest between half and double the median height is even.
const EVEN: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// Fewest whole beats a template is learnt from.
const FEWEST: usize = 3;

/// A planned comparison.
#[derive(Debug)]
pub(crate) struct Shape {
    reach: usize,
    /// Surroundings of the crests, with zero mean and unit length, one after the other.
    beats: Vec<f64>,
    template: Vec<f64>,
    correlations: Vec<f64>,
    similarity: Vec<f64>,
    sorted: Vec<f64>,
}

impl Shape {
    pub(crate) fn new(rate_hz: f64, most_crests: usize) -> Self {
        let reach = ((REACH_SECONDS * rate_hz).round() as usize).max(2);
        Self {
            reach,
            beats: Vec::with_capacity(2 * reach * most_crests),
            template: vec![0.0; 2 * reach],
            correlations: Vec::with_capacity(most_crests),
            similarity: Vec::with_capacity(most_crests),
            sorted: Vec::with_capacity(most_crests),
        }
    }

    /// Correlation of each crest's surroundings with the template, -1 to 1. Crests too near to an edge get the median
    /// of the others; without a template everything is 0.
    pub(crate) fn compare(&mut self, wave: &[f64], crests: &[usize]) -> &[f64] {
        let reach = self.reach;
        let is_whole = |crest: usize| crest >= reach && crest + reach <= wave.len();
        self.beats.clear();
        for &crest in crests.iter().filter(|crest| is_whole(**crest)) {
            let start = self.beats.len();
            self.beats.extend_from_slice(&wave[crest - reach..crest + reach]);
            normalise(&mut self.beats[start..]);
        }
        self.similarity.clear();
        if self.beats.len() < FEWEST * 2 * reach {
            self.similarity.resize(crests.len(), 0.0);
            return &self.similarity;
        }
        self.correlations.clear();
        self.correlations.resize(self.beats.len() / (2 * reach), 1.0);
        let typical = self.correlate(1.0);
        // Once more with the better half only, so that artefacts leave no trace in the template.
        let typical = self.correlate(typical);
        let mut whole = self.correlations.iter();
        let of_crest =
            |crest: &usize| if is_whole(*crest) { whole.next().copied().unwrap_or(typical) } else { typical };
        self.similarity.extend(crests.iter().map(of_crest));
        &self.similarity
    }

    /// Makes the template of the beats that correlated at least `bound`, correlates all beats with it, and returns the
    /// median correlation.
    fn correlate(&mut self, bound: f64) -> f64 {
        self.template.fill(0.0);
        for (beat, correlation) in self.beats.chunks_exact(2 * self.reach).zip(&self.correlations) {
            if *correlation >= bound {
                self.template.iter_mut().zip(beat).for_each(|(sum, value)| *sum += value);
            }
        }
        normalise(&mut self.template);
        for (beat, correlation) in self.beats.chunks_exact(2 * self.reach).zip(&mut self.correlations) {
            *correlation = self.template.iter().zip(beat).map(|(left, right)| left * right).sum();
        }
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.correlations);
        median(&mut self.sorted)
    }

    /// Share of the crests between half and double the median height.
    pub(crate) fn evenness(&mut self, wave: &[f64], crests: &[usize]) -> f64 {
        self.sorted.clear();
        self.sorted.extend(crests.iter().map(|crest| wave[*crest]));
        let typical = median(&mut self.sorted);
        let even = self.sorted.iter().filter(|height| EVEN.contains(&(**height / typical))).count();
        even as f64 / crests.len().max(1) as f64
    }
}

/// Takes the mean off and makes the length one; a constant becomes zero.
fn normalise(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let length = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>().sqrt();
    let scale = if length > f64::MIN_POSITIVE { 1.0 / length } else { 0.0 };
    for value in values {
        *value = (*value - mean) * scale;
    }
}

/// Thins a window to the means of `thinning` samples each, in `wave`, and whether most of them were not measured, in `missing`;
/// counts the measured samples. Samples that are not finite count as not measured.
pub(crate) fn thin(
    samples: &[f64],
    imputed: &[bool],
    thinning: usize,
    wave: &mut Vec<f64>,
    missing: &mut Vec<bool>,
) -> usize {
    // Scaled before they are summed: the sum of huge values would not be finite.
    let share = 1.0 / thinning as f64;
    let mut unread = imputed;
    let mut measured = 0;
    wave.clear();
    missing.clear();
    for values in samples.chunks_exact(thinning) {
        let (flags, rest) = unread.split_at(thinning.min(unread.len()));
        unread = rest;
        let mut lost = flags.iter().filter(|flag| **flag).count();
        let mut mean: f64 = values.iter().map(|value| value * share).sum();
        if !mean.is_finite() {
            mean = values.iter().filter(|value| value.is_finite()).map(|value| value * share).sum();
            lost = values.len();
        }
        wave.push(mean);
        missing.push(2 * lost > values.len());
        measured += values.len() - lost;
    }
    measured
}

/// Median of the values, the mean of the two middle ones if their number is even; reorders them. 0 for none.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let count = values.len();
    let (lower, middle, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    if count % 2 == 1 {
        *middle
    } else {
        f64::midpoint(lower.iter().copied().fold(f64::NEG_INFINITY, f64::max), *middle)
    }
}

/// Skewness `m3 / m2^1.5` (population moments) of a signal; 0 for a constant.
///
/// The best single index of a pulse wave's quality among eight: Elgendi, "Optimal signal quality index for
/// photoplethysmogram signals", Bioengineering 3(4):21, 2016.
pub(crate) fn skewness(signal: &[f64]) -> f64 {
    let count = signal.len().max(1) as f64;
    let mean = signal.iter().sum::<f64>() / count;
    let (second, third) = signal.iter().fold((0.0, 0.0), |(second, third), value| {
        let square = (value - mean) * (value - mean);
        (second + square, third + square * (value - mean))
    });
    let variance = second / count;
    if variance > f64::MIN_POSITIVE { third / count / variance.powf(1.5) } else { 0.0 }
}
