//! Reads the heart rate's line and its clarity off a power spectrum.

/// Where a heart rate is looked for, in Hz (30 to 222 beats per minute).
const RATES_HZ: (f64, f64) = (0.5, 3.7);
/// The band of the pulse filter, in Hz.
const BAND_HZ: (f64, f64) = (0.5, 8.0);
/// Half width of a line, in Hz.
const LINE_HZ: f64 = 0.12;
/// Lines of the wave: the heart rate and two harmonics.
const LINES: u32 = 3;
/// Bound of the ratio, in dB, where the rest or the lines hold nothing.
pub(crate) const MOST_DB: f64 = 60.0;

/// Bins from `low_hz` to `high_hz`.
fn bins(density: &[f64], step_hz: f64, (low_hz, high_hz): (f64, f64)) -> std::ops::Range<usize> {
    let end = ((high_hz / step_hz).floor() as usize + 1).min(density.len());
    ((low_hz / step_hz).ceil() as usize).min(end)..end
}

/// Frequency of the highest line among heart rates, in Hz, refined by a parabola through the three bins around it.
pub(crate) fn strongest(density: &[f64], step_hz: f64) -> Option<f64> {
    strongest_within(density, step_hz, RATES_HZ)
}

/// Frequency of the highest line of a band that begins above zero, in Hz, refined likewise.
pub(crate) fn strongest_within(density: &[f64], step_hz: f64, band_hz: (f64, f64)) -> Option<f64> {
    let peak =
        bins(density, step_hz, band_hz).max_by(|left, right| density[*left].total_cmp(&density[*right]))?;
    if density[peak] <= 0.0 {
        return None;
    }
    let (before, after) = (density[peak - 1], *density.get(peak + 1)?);
    let bend = before - 2.0 * density[peak] + after;
    // At the edge of the band the highest bin need not be a crest.
    let shift = if bend < 0.0 { ((before - after) / (2.0 * bend)).clamp(-0.5, 0.5) } else { 0.0 };
    Some((peak as f64 + shift) * step_hz)
}

/// Power at `rate_hz` and its first two harmonics over the rest of the band, in dB, within ±60.
pub(crate) fn clarity(density: &[f64], step_hz: f64, rate_hz: f64) -> f64 {
    let power = |band| density[bins(density, step_hz, band)].iter().sum::<f64>();
    let all = power(BAND_HZ);
    // Lines are farther apart than they are wide, because no rate is below 0.41 Hz; above the band nothing counts.
    let line = |number: u32| {
        let centre = f64::from(number) * rate_hz;
        power(((centre - LINE_HZ).max(BAND_HZ.0), (centre + LINE_HZ).min(BAND_HZ.1)))
    };
    let lines: f64 = (1..=LINES).map(line).sum();
    let rest = (all - lines).max(0.0);
    match (lines > 0.0, rest > 0.0) {
        (true, true) => (10.0 * (lines / rest).log10()).clamp(-MOST_DB, MOST_DB),
        (true, false) => MOST_DB,
        (false, _) => -MOST_DB,
    }
}
