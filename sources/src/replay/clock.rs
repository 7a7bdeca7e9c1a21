//! The even time base of a track: of a stated rate, or recovered from a time column that was printed with few
//! digits.
//!
//! BIDMC prints five significant digits, so from 100 s on several samples share one printed time. The
//! period therefore comes from the whole column, and a period that is a whole number of microseconds
//! within what the printing hides is taken as exactly that.

use model::Micros;

/// Evenly spaced samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// A sample period is so many `parts` of a microsecond.
    period: u64,
    parts: u64,
}

/// Parts of a period that is known in nanoseconds.
const NANOS: u64 = 1_000;

/// Significant digits of a printed time.
const DIGITS: i32 = 5;
/// More than any recording lasts, s: a century. Keeps every stamp inside what the decoder accepts.
pub(super) const LONGEST: f64 = 100.0 * 365.25 * 86_400.0;

/// Times that are no even time base: the index of the first bad one, and what to do.
pub(super) type Uneven = (usize, &'static str);

impl Clock {
    /// The clock of samples taken at `seconds`.
    pub(super) fn of(seconds: &[f64]) -> Result<Self, Uneven> {
        let [first, .., last] = *seconds else {
            return Err((seconds.len(), "it has fewer than two samples, record for longer"));
        };
        // Written so that it also holds for differences that are no number.
        if !(last - first > 0.0 && last - first < LONGEST) {
            return Err((
                seconds.len() - 1,
                "times must grow and span less than a century, check column and unit",
            ));
        }
        let steps = (seconds.len() - 1) as f64;
        let period = (last - first) / steps;
        // Half a unit in the last printed digit of the largest time.
        let hidden = 0.5 * 10_f64.powi(first.abs().max(last.abs()).log10().floor() as i32 - (DIGITS - 1));
        let whole_us = (period * 1e6).round();
        let is_whole = (whole_us * 1e-6 - period).abs() * steps <= hidden;
        let period_ns = if is_whole { whole_us * 1e3 } else { (period * 1e9).round() };
        if !(1e3..=f64::from(u32::MAX) * 1e3).contains(&period_ns) {
            return Err((
                seconds.len() - 1,
                "a sample period must be between 1 µs and 71 minutes, check the unit",
            ));
        }
        let period = period_ns * 1e-9;
        let slack = 2.0 * hidden + period / 2.0;
        let is_off = |(k, at): (usize, &f64)| (at - (first + k as f64 * period)).abs() > slack;
        match seconds.iter().enumerate().position(is_off) {
            None => Ok(Self { period: period_ns as u64, parts: NANOS }),
            Some(k) => Err((k, "samples are not evenly spaced, resample them or split the recording there")),
        }
    }

    /// The clock of `hertz` samples per second, exact to a thousandth; none if the rate is out of reach.
    pub(super) fn of_rate(hertz: f64) -> Option<Self> {
        let millihertz = (hertz * 1e3).round();
        // From a sample in 71 minutes to one in a microsecond, as for printed times.
        let is_usable = (1e9 / f64::from(u32::MAX)..=1e9).contains(&millihertz);
        is_usable.then_some(Self { period: 1_000_000_000, parts: millihertz as u64 })
    }

    /// Time between two samples in whole microseconds, as an envelope states it.
    pub(super) fn period_us(self) -> u32 {
        ((self.period + self.parts / 2) / self.parts) as u32
    }

    /// Samples per second.
    pub(super) fn rate_hz(self) -> f64 {
        1e6 * self.parts as f64 / self.period as f64
    }

    /// When sample `k` was taken, after the first, microseconds.
    pub(super) fn stamp_us(self, k: usize) -> Micros {
        (u128::from(self.period) * k as u128 / u128::from(self.parts)) as Micros
    }

    /// Samples per packet: as many as fit in 40 ms, at least one.
    ///
    /// Packets of devices last 10 to 50 ms; this gives 20 to 50 ms wherever the rate allows it.
    pub(super) fn samples_per_packet(self) -> usize {
        (40_000 * self.parts / self.period).clamp(1, 4_096) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `value` as printed with five significant digits.
    fn printed(value: f64) -> f64 {
        format!("{value:.4e}").parse().unwrap()
    }

    #[test]
    fn printed_times_give_the_exact_period() {
        for samples in [2, 10, 12_501, 12_600, 59_999, 60_000, 60_001, 200_000] {
            let times: Vec<_> = (0..samples).map(|k| printed(f64::from(k) / 125.0)).collect();
            let clock = Clock::of(&times).unwrap();
            assert_eq!(clock, Clock { period: 8_000_000, parts: NANOS }, "{samples} samples");
            assert_eq!(clock.stamp_us(60_000), 480_000_000);
        }
    }

    #[test]
    fn a_period_that_is_no_whole_number_stays_close() {
        let times: Vec<_> = (0..100_000).map(|k| printed(f64::from(k) / 360.0)).collect();
        let clock = Clock::of(&times).unwrap();
        assert_eq!(clock.period_us(), 2_778);
        let drift_us = clock.stamp_us(100_000) - 277_777_778;
        assert!(drift_us.abs() <= 10_000, "the last printed digit is 10 ms, drift is {drift_us} µs");
    }

    #[test]
    fn packets_last_20_to_50_ms_at_any_usual_rate() {
        for rate in [21, 25, 30, 40, 50, 60, 64, 100, 125, 128, 200, 250, 256, 360, 500, 1_000] {
            let clocks =
                [Clock { period: 1_000_000_000 / rate, parts: NANOS }, Clock::of_rate(rate as f64).unwrap()];
            for clock in clocks {
                let millis = 1e3 / rate as f64 * clock.samples_per_packet() as f64;
                assert!((20.0..=50.0).contains(&millis), "{rate} Hz: {millis} ms");
            }
        }
        assert_eq!(Clock { period: 8_000_000, parts: NANOS }.samples_per_packet(), 5);
        assert_eq!(Clock { period: 1_000_000_000, parts: NANOS }.samples_per_packet(), 1);
    }

    #[test]
    fn a_stated_rate_never_drifts() {
        let clock = Clock::of_rate(360.0).unwrap();
        assert_eq!((clock.period_us(), clock.samples_per_packet()), (2_778, 14));
        assert_eq!(
            [9, 650_000, 360 * 86_400].map(|k| clock.stamp_us(k)),
            [25_000, 1_805_555_555, 86_400_000_000]
        );
        assert_eq!(Clock::of_rate(62.5).unwrap().period_us(), 16_000);
        for hertz in [0.0, -1.0, 1e-9, 1e7, f64::NAN, f64::INFINITY] {
            assert_eq!(Clock::of_rate(hertz), None, "{hertz}");
        }
    }

    #[test]
    fn times_that_are_not_even_are_refused_where_they_break() {
        let mut times: Vec<_> = (0..1_000).map(|k| f64::from(k) / 100.0).collect();
        times[400..].iter_mut().for_each(|at| *at += 3.0);
        assert!(Clock::of(&times).is_err());
        assert_eq!(Clock::of(&[]).unwrap_err().0, 0);
        assert_eq!(Clock::of(&[1.0]).unwrap_err().0, 1);
        assert!(Clock::of(&[1.0, 1.0]).is_err());
        assert!(Clock::of(&[0.0, 0.0]).is_err());
        assert!(Clock::of(&[2.0, 1.0]).is_err());
        assert!(Clock::of(&[0.0, 1e300]).is_err());
        assert!(Clock::of(&[-f64::MAX, f64::MAX]).is_err());
        assert!(Clock::of(&[0.0, 1e-9]).is_err());
        assert!(Clock::of(&[0.0, 1e5]).is_err());
    }
}
