//! Watches how far the reference channels do what they are there for.

/// Bound of a suppression, in dB: `20·log10(2^24)`, all that the 24 significant bits of a sample on the wire can show.
pub const MOST_DB: f64 = 144.494_397_918_710_97;
/// Bound of a standardised deviation.
pub const MOST_Z: f64 = 1e6;

/// Least difference between the coupling found and `α` that is worth a warning.
const DIFFERS: f64 = 0.1;
/// Least share of the detection channel that the reference must explain before the coupling says anything.
const EXPLAINS: f64 = 0.5;

/// How a detection channel follows its reference channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coupling {
    /// Slope of the detection on the reference channel, by least squares.
    pub alpha: f64,
    /// Share of the detection channel's variance that the reference channel explains, 0 to 1.
    pub r_squared: f64,
}

impl Coupling {
    /// Whether the coupling is plain and far from the `α` in use (more than 0.1): the calibration has to be looked at.
    pub fn contradicts(&self, alpha: f64) -> bool {
        self.r_squared > EXPLAINS && (self.alpha - alpha).abs() > DIFFERS
    }
}

/// Finds the coupling in samples from before the exposure, where both channels see nothing but the matrix.
///
/// `α̂ = Σ(d - d̄)(r - r̄) / Σ(r - r̄)²`. `None` if there are less than 3 samples, either channel does not move, or
/// the sums are not finite.
///
/// # Panics
/// If the channels are not equally long.
///
/// # Examples
/// ```
/// use dsp::differential::coupling;
///
/// let found = coupling(&[1.8, 3.6, 5.4], &[1.0, 2.0, 3.0]).expect("both channels move");
/// assert!((found.alpha - 1.8).abs() < 1e-12 && found.contradicts(0.95));
/// ```
pub fn coupling(detection: &[f64], reference: &[f64]) -> Option<Coupling> {
    assert_eq!(detection.len(), reference.len(), "the channels are equally long");
    let moments = Moments::of(reference, detection)?;
    let alpha = moments.both / moments.abscissa;
    let r_squared = (alpha / moments.ordinate * moments.both).clamp(0.0, 1.0);
    (detection.len() >= 3 && alpha.is_finite() && !r_squared.is_nan())
        .then_some(Coupling { alpha, r_squared })
}

/// Suppression of what both channels see, in dB, within ±[`MOST_DB`]: `20·log10(γ / |γ - α|)`, where the detection
/// channel sees `coupling` (γ) times what the reference channel sees. With γ = 1 and α = 0.95 it is 26.02 dB.
///
/// 0 dB if either number is not finite or both are zero.
pub fn common_mode_db(coupling: f64, alpha: f64) -> f64 {
    let (before, behind) = (coupling.abs(), (coupling - alpha).abs());
    if !behind.is_finite() || before + behind == 0.0 {
        return 0.0;
    }
    (20.0 * (before / behind).log10()).clamp(-MOST_DB, MOST_DB)
}

/// The reference channel farthest from its mean, and by how many standard deviations of the cartridge's statistics,
/// within ±[`MOST_Z`]; beyond ±3 the measurement fails. The first of several that are equally far; `None` without
/// channels.
///
/// A sample that is not finite counts as infinitely far, as does one off a mean without deviation.
///
/// # Panics
/// If there is not one mean and one deviation per channel.
///
/// # Examples
/// ```
/// use dsp::differential::strangest;
///
/// assert_eq!(strangest(&[1.0, 4.0], &[1.5, 1.0], &[1.0, 2.0]), Some((1, 1.5)));
/// ```
pub fn strangest(reference: &[f64], means: &[f64], deviations: &[f64]) -> Option<(usize, f64)> {
    assert_eq!(
        [means.len(), deviations.len()],
        [reference.len(); 2],
        "there is one mean and deviation per channel"
    );
    let z = |channel: usize| {
        let distance = reference[channel] - means[channel];
        let z = if distance == 0.0 { 0.0 } else { distance / deviations[channel].max(0.0) };
        if z.is_nan() { MOST_Z } else { z.clamp(-MOST_Z, MOST_Z) }
    };
    let farther = |most: Option<(usize, f64)>, channel| match most {
        Some((_, most_z)) if z(channel).abs() <= most_z.abs() => most,
        _ => Some((channel, z(channel))),
    };
    (0..reference.len()).fold(None, farther)
}

/// Means of two variables, and sums of products of the deviations from them.
pub(super) struct Moments {
    pub(super) abscissa_mean: f64,
    pub(super) ordinate_mean: f64,
    pub(super) abscissa: f64,
    pub(super) ordinate: f64,
    pub(super) both: f64,
}

impl Moments {
    /// `None` if a variable does not move by more than the arithmetic can tell, or a sum is not finite.
    pub(super) fn of(abscissa: &[f64], ordinate: &[f64]) -> Option<Self> {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (abscissa_mean, ordinate_mean) = (mean(abscissa), mean(ordinate));
        let product = |left: &[f64], left_mean: f64, right: &[f64], right_mean: f64| -> f64 {
            left.iter().zip(right).map(|(left, right)| (left - left_mean) * (right - right_mean)).sum()
        };
        let moments = Self {
            abscissa_mean,
            ordinate_mean,
            abscissa: product(abscissa, abscissa_mean, abscissa, abscissa_mean),
            ordinate: product(ordinate, ordinate_mean, ordinate, ordinate_mean),
            both: product(abscissa, abscissa_mean, ordinate, ordinate_mean),
        };
        // A constant such as 0.1 differs from its own mean by rounding.
        let still = |sum: f64, mean: f64| sum <= abscissa.len() as f64 * (4.0 * f64::EPSILON * mean).powi(2);
        let sums = [moments.abscissa, moments.ordinate, moments.both];
        let moves = !still(moments.abscissa, abscissa_mean) && !still(moments.ordinate, ordinate_mean);
        (moves && sums.iter().all(|sum| sum.is_finite())).then_some(moments)
    }
}
