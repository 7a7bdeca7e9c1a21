//! Tells how the energy of a transient is spread over scales: the discrete wavelet transform with Daubechies' "db4".
//!
//! Daubechies, "Orthonormal bases of compactly supported wavelets", Comm. Pure Appl. Math. 41, 1988; filter as printed by
//! `PyWavelets` 1.8.0. The coefficients are those of `pywt.wavedec(x, 'db4', mode='periodization', level=5)`: the signal
//! repeats itself beyond its ends, and at every level where an odd number of samples is left, the last one is
//! doubled. Any length of at least one sample is decomposed, as in `PyWavelets`; below 32 samples the coarse levels see the
//! signal several times over. With a length that 32 divides the energies add up to that of the signal.
//!
//! # Invariants
//! Planned once; nothing is allocated by [`Wavelet::energies`].

use crate::{lanes, range};

/// Levels of the decomposition.
pub const LEVELS: usize = 5;

/// The low-pass decomposition filter `pywt.Wavelet('db4').dec_lo`.
const LOW: [f64; 8] = [
    -0.010_597_401_785_069_032,
    0.032_883_011_666_885_2,
    0.030_841_381_835_560_764,
    -0.187_034_811_719_093_09,
    -0.027_983_769_416_859_854,
    0.630_880_767_929_858_9,
    0.714_846_570_552_915_7,
    0.230_377_813_308_896_5,
];

/// Its quadrature mirror `pywt.Wavelet('db4').dec_hi`: reversed, every other sign turned.
const HIGH: [f64; 8] = [-LOW[7], LOW[6], -LOW[5], LOW[4], -LOW[3], LOW[2], -LOW[1], LOW[0]];

/// Repetitions of the signal beyond either end that the filter reaches, in pairs of samples.
const REACH: usize = 2;

/// Scratch for decomposing windows.
#[derive(Debug)]
pub struct Wavelet {
    /// What the next level decomposes.
    rest: Vec<f64>,
    /// Its samples at even places, with their repetitions beyond the ends.
    even: Vec<f64>,
    /// Its samples at odd places, likewise.
    odd: Vec<f64>,
    detail: Vec<f64>,
}

impl Wavelet {
    /// Makes room for windows of up to `most_samples`.
    pub fn new(most_samples: usize) -> Self {
        let pairs = most_samples.div_ceil(2);
        let repeated = vec![0.0; pairs + 2 * REACH];
        Self {
            rest: vec![0.0; most_samples],
            even: repeated.clone(),
            odd: repeated,
            detail: vec![0.0; pairs],
        }
    }

    /// Energies (sums of squares, squared units of the signal) of the approximation and of the details from coarse to
    /// fine: `cA5, cD5, cD4, cD3, cD2, cD1`.
    ///
    /// Of a signal longer than was planned only the end is read. All zeros for no samples, and if a sample is not finite or
    /// larger than 1e60.
    ///
    /// # Examples
    /// ```
    /// let mut wavelet = dsp::wavelet::Wavelet::new(64);
    /// let energies = wavelet.energies(&[1.0; 64]);
    /// // A constant has no details.
    /// assert!((energies[0] - 64.0).abs() < 1e-9 && energies[1..].iter().all(|energy| *energy < 1e-18));
    /// ```
    pub fn energies(&mut self, signal: &[f64]) -> [f64; LEVELS + 1] {
        let mut energies = [0.0; LEVELS + 1];
        let signal = &signal[signal.len().saturating_sub(self.rest.len())..];
        if signal.is_empty() || !range::all_usable(signal) {
            return energies;
        }
        self.rest[..signal.len()].copy_from_slice(signal);
        let mut count = signal.len();
        for level in (1..=LEVELS).rev() {
            self.split(count);
            count = count.div_ceil(2);
            filter(&LOW, &self.even, &self.odd, &mut self.rest[..count]);
            filter(&HIGH, &self.even, &self.odd, &mut self.detail[..count]);
            energies[level] = energy(&self.detail[..count]);
        }
        energies[0] = energy(&self.rest[..count]);
        energies
    }

    /// Deals the first `count` samples of the rest into even and odd places and repeats them beyond the ends.
    fn split(&mut self, count: usize) {
        let (pairs, single) = self.rest[..count].as_chunks::<2>();
        for (number, pair) in pairs.iter().enumerate() {
            self.even[REACH + number] = pair[0];
            self.odd[REACH + number] = pair[1];
        }
        if let [last] = single {
            self.even[REACH + pairs.len()] = *last;
            self.odd[REACH + pairs.len()] = *last;
        }
        let count = pairs.len() + single.len();
        for places in [&mut self.even, &mut self.odd] {
            for step in 0..REACH {
                places[REACH + count + step] = places[REACH + step % count];
            }
            for step in 1..=REACH {
                places[REACH - step] = places[REACH + count - 1 - (step - 1) % count];
            }
        }
    }
}

/// Coefficient `i` is the sum of `filter[j] · x[2i + 4 - j]`, as in `PyWavelets`.
fn filter(filter: &[f64; 8], even: &[f64], odd: &[f64], output: &mut [f64]) {
    let count = output.len();
    // Cut once to their lengths, the taps need no checks in the loop.
    let even: [&[f64]; 4] = std::array::from_fn(|tap| &even[REACH + 2 - tap..][..count]);
    let odd: [&[f64]; 4] = std::array::from_fn(|tap| &odd[REACH + 1 - tap..][..count]);
    for (index, value) in output.iter_mut().enumerate() {
        let evens = (filter[0] * even[0][index] + filter[2] * even[1][index])
            + (filter[4] * even[2][index] + filter[6] * even[3][index]);
        let odds = (filter[1] * odd[0][index] + filter[3] * odd[1][index])
            + (filter[5] * odd[2][index] + filter[7] * odd[3][index]);
        *value = evens + odds;
    }
}

fn energy(values: &[f64]) -> f64 {
    lanes::sum(values, |value| value * value)
}
