//! What detectors and references read before exposure: levels, and how they move together.
//!
//! # Invariants
//! Sums are about each channel's first value, so that a large level costs no digits.

use super::ring::Ring;
use dsp::differential::Coupling;
use serde::{Deserialize, Serialize};

/// Sums over the window before exposure; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Baseline {
    /// The level of each corrected channel, once the window is over; empty if it held no sample.
    levels: Option<Vec<f64>>,
    rows: u32,
    /// Per channel: first detection, first reference, then the sums d, r, dd, rr, dr of what differs from them.
    sums: Vec<[f64; 7]>,
}

impl Baseline {
    pub(super) fn new(channels: usize) -> Self {
        Self { levels: None, rows: 0, sums: vec![[0.0; 7]; channels] }
    }

    pub(super) fn is_open(&self) -> bool {
        self.levels.is_none()
    }

    pub(super) fn has_rows(&self) -> bool {
        self.rows > 0
    }

    /// Takes a row of the window, after outliers were replaced.
    pub(super) fn take(&mut self, detection: &[f64], reference: &[f64]) {
        for ((sums, detection), reference) in self.sums.iter_mut().zip(detection).zip(reference) {
            if self.rows == 0 {
                (sums[0], sums[1]) = (*detection, *reference);
            }
            let (d, r) = (detection - sums[0], reference - sums[1]);
            for (sum, term) in sums[2..].iter_mut().zip([d, r, d * d, r * r, d * r]) {
                *sum += term;
            }
        }
        self.rows += 1;
    }

    /// The window is over; it is what the ring holds.
    pub(super) fn close(&mut self, ring: &Ring, columns: &mut Vec<f64>) {
        let rows = ring.columns(ring.len(), columns);
        let levels =
            if rows == 0 { Vec::new() } else { columns.chunks_exact_mut(rows).map(median).collect() };
        self.levels = Some(levels);
    }

    /// Level of a corrected channel.
    pub(super) fn level(&self, channel: usize) -> Option<f64> {
        self.levels.as_ref()?.get(channel).copied()
    }

    /// Mean of each reference channel.
    pub(super) fn references(&self) -> Vec<f64> {
        let rows = f64::from(self.rows.max(1));
        self.sums.iter().map(|sums| sums[1] + sums[3] / rows).collect()
    }

    /// How all detectors follow their references, each about its own mean; `None` if either does not move.
    pub(super) fn coupling(&self) -> Option<Coupling> {
        let rows = f64::from(self.rows);
        let (mut dd, mut rr, mut dr) = (0.0, 0.0, 0.0);
        for [_, _, d, r, squares_d, squares_r, products] in &self.sums {
            dd += (squares_d - d * d / rows).max(0.0);
            rr += (squares_r - r * r / rows).max(0.0);
            dr += products - d * r / rows;
        }
        let (alpha, r_squared) = (dr / rr, dr / dd * (dr / rr));
        let found = self.rows >= 3 && alpha.is_finite() && r_squared.is_finite();
        found.then(|| Coupling { alpha, r_squared: r_squared.clamp(0.0, 1.0) })
    }
}

/// The middle of `values`, of which there is at least one; puts them in order.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::Baseline;

    #[test]
    fn the_coupling_is_that_of_all_channels_about_their_own_means() {
        let mut baseline = Baseline::new(2);
        let (mut detection, mut reference) = (Vec::new(), Vec::new());
        for row in 0..50_i32 {
            let r = [f64::from(row * 7 % 11), f64::from(row * 5 % 13)];
            let d = [1e6 + 0.8 * r[0], 0.8 * r[1] - 40.0 + f64::from(row % 2)];
            baseline.take(&d, &r);
            // Pooled by hand: every channel less its own mean over the 50 rows, stacked.
            detection.push(d);
            reference.push(r);
        }
        let stacked = |rows: &[[f64; 2]]| -> Vec<f64> {
            let mean = |channel: usize| rows.iter().map(|row| row[channel]).sum::<f64>() / 50.0;
            (0..2).flat_map(|channel| rows.iter().map(move |row| row[channel] - mean(channel))).collect()
        };
        let expected = dsp::differential::coupling(&stacked(&detection), &stacked(&reference)).unwrap();
        let found = baseline.coupling().unwrap();
        assert!((found.alpha - expected.alpha).abs() < 1e-9, "{found:?} {expected:?}");
        assert!((found.r_squared - expected.r_squared).abs() < 1e-9);
        assert_eq!(Baseline::new(2).coupling(), None);
    }
}
