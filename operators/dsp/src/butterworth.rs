//! Designs Butterworth filters as second-order sections.
//!
//! # Invariants
//! The sections, their order and the pairing of poles with zeros are those of
//! `scipy.signal.butter(..., output='sos')` 1.17.1: analogue prototype, frequency transform, bilinear transform with
//! pre-warped corners, `zpk2sos` with "nearest" pairing. Coefficients agree to 1e-12 relative.

use rustfft::num_complex::Complex64;

use crate::Error;

/// One second-order section `(b0 + b1/z + b2/z²) / (1 + a1/z + a2/z²)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Section {
    /// Numerator `b0, b1, b2`.
    pub b: [f64; 3],
    /// Denominator `a1, a2`; `a0` is one.
    pub a: [f64; 2],
}

/// What a filter lets through. Corners are where the gain has fallen to 1/√2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// Everything below the corner.
    Low {
        /// Corner, in Hz.
        corner_hz: f64,
    },
    /// Everything above the corner.
    High {
        /// Corner, in Hz.
        corner_hz: f64,
    },
    /// Everything between the corners; the filter has twice the order of its prototype.
    Pass {
        /// Lower corner, in Hz.
        low_hz: f64,
        /// Upper corner, in Hz.
        high_hz: f64,
    },
}

/// Zeros, poles and gain of a transfer function. The zeros of a Butterworth filter are all real.
struct Roots {
    zeros: Vec<f64>,
    poles: Vec<Complex64>,
    gain: f64,
}

/// Designs the filter of prototype order `order` as `N` sections.
///
/// A band-pass needs `order` sections, a low- or high-pass `order / 2` rounded up.
///
/// # Errors
/// [`Error::Corner`] if a corner does not lie strictly between 0 and `rate_hz / 2` or the corners do not rise,
/// [`Error::Sections`] if the order (at least 1) does not make `N` sections.
pub fn design<const N: usize>(order: usize, band: Band, rate_hz: f64) -> Result<[Section; N], Error> {
    let needed = match band {
        Band::Low { .. } | Band::High { .. } => order.div_ceil(2),
        Band::Pass { .. } => order,
    };
    if needed != N || order == 0 {
        return Err(Error::Sections { needed, given: N });
    }
    let analogue = match band {
        Band::Low { corner_hz } => low_pass(order, warp(corner_hz, rate_hz)?),
        Band::High { corner_hz } => high_pass(order, warp(corner_hz, rate_hz)?),
        Band::Pass { low_hz, high_hz } => {
            let (low, high) = (warp(low_hz, rate_hz)?, warp(high_hz, rate_hz)?);
            if low >= high {
                return Err(Error::Corner { corner_hz: high_hz, rate_hz });
            }
            band_pass(order, low, high)
        }
    };
    Ok(pair(bilinear(&analogue)))
}

/// The bilinear transform is done at a rate of 2, where half the rate is the unit frequency, as scipy does.
const TRANSFORM_RATE: f64 = 2.0;

/// Pre-warps a corner so that the bilinear transform puts it back where it was asked for.
fn warp(corner_hz: f64, rate_hz: f64) -> Result<f64, Error> {
    let fits = corner_hz > 0.0 && corner_hz < rate_hz / 2.0 && rate_hz.is_finite();
    let share = 2.0 * corner_hz / rate_hz;
    if fits {
        Ok(2.0 * TRANSFORM_RATE * (std::f64::consts::PI * share / TRANSFORM_RATE).tan())
    } else {
        Err(Error::Corner { corner_hz, rate_hz })
    }
}

/// Poles of the analogue prototype with corner 1 rad/s: on the unit circle, left half plane (`buttap`).
fn prototype(order: usize) -> impl Iterator<Item = Complex64> {
    (0..order).map(move |index| {
        let step = 2.0 * index as f64 + 1.0 - order as f64;
        // The middle pole of an odd order is exactly -1; a stray imaginary part would unpair it.
        if step == 0.0 {
            Complex64::new(-1.0, 0.0)
        } else {
            -Complex64::from_polar(1.0, std::f64::consts::PI * step / (2.0 * order as f64))
        }
    })
}

fn low_pass(order: usize, corner: f64) -> Roots {
    Roots {
        zeros: Vec::new(),
        poles: prototype(order).map(|pole| pole * corner).collect(),
        gain: corner.powi(order as i32),
    }
}

fn high_pass(order: usize, corner: f64) -> Roots {
    // The product of the negated prototype poles is one, so the gain stays one (`lp2hp_zpk`).
    Roots { zeros: vec![0.0; order], poles: prototype(order).map(|pole| corner / pole).collect(), gain: 1.0 }
}

fn band_pass(order: usize, low: f64, high: f64) -> Roots {
    let (width, centre_squared) = (high - low, low * high);
    let split = |pole: Complex64| {
        let half = pole * (width / 2.0);
        let root = (half * half - centre_squared).sqrt();
        [half + root, half - root]
    };
    Roots {
        zeros: vec![0.0; order],
        poles: prototype(order).flat_map(split).collect(),
        gain: width.powi(order as i32),
    }
}

fn bilinear(analogue: &Roots) -> Roots {
    let double_rate = 2.0 * TRANSFORM_RATE;
    let top: f64 = analogue.zeros.iter().map(|zero| double_rate - zero).product();
    let bottom: Complex64 = analogue.poles.iter().map(|pole| double_rate - pole).product();
    let mut zeros: Vec<f64> =
        analogue.zeros.iter().map(|zero| (double_rate + zero) / (double_rate - zero)).collect();
    // Zeros at infinity land on -1, half the rate.
    zeros.resize(analogue.poles.len(), -1.0);
    let poles = analogue.poles.iter().map(|pole| (double_rate + pole) / (double_rate - pole)).collect();
    Roots { zeros, poles, gain: analogue.gain * (Complex64::from(top) / bottom).re }
}

/// Pairs poles with their nearest zeros, from the pole nearest to the unit circle (last section) to the farthest
/// (first section, which carries the gain): `zpk2sos(pairing='nearest')`.
fn pair<const N: usize>(mut roots: Roots) -> [Section; N] {
    if roots.poles.len() % 2 == 1 {
        roots.poles.push(Complex64::ZERO);
        roots.zeros.push(0.0);
    }
    // Of each conjugate pair only the upper pole is kept; what counts as real is scipy's `_cplxreal`: within
    // 100 machine epsilons.
    let is_real = |pole: &Complex64| pole.im.abs() <= 100.0 * f64::EPSILON * pole.norm();
    let mut poles: Vec<Complex64> =
        roots.poles.iter().filter(|pole| is_real(pole) || pole.im > 0.0).copied().collect();
    let mut sections = [Section { b: [1.0, 0.0, 0.0], a: [0.0, 0.0] }; N];
    for section in sections.iter_mut().rev() {
        let first = take_nearest_to_circle(&mut poles, |_| true);
        let second = if is_real(&first) { take_nearest_to_circle(&mut poles, is_real) } else { first.conj() };
        let zeros = [take_nearest(&mut roots.zeros, first), take_nearest(&mut roots.zeros, first)];
        *section = Section {
            b: [1.0, -(zeros[0] + zeros[1]), zeros[0] * zeros[1]],
            a: [-(first + second).re, (first * second).re],
        };
    }
    for coefficient in &mut sections[0].b {
        *coefficient *= roots.gain;
    }
    sections
}

fn take_nearest_to_circle(poles: &mut Vec<Complex64>, fits: impl Fn(&Complex64) -> bool) -> Complex64 {
    let distance = |index: &usize| (1.0 - poles[*index].norm()).abs();
    let nearest = (0..poles.len())
        .filter(|index| fits(&poles[*index]))
        .min_by(|left, right| distance(left).total_cmp(&distance(right)))
        .expect("poles were made an even number, so a real pole has a real partner");
    poles.remove(nearest)
}

fn take_nearest(zeros: &mut Vec<f64>, pole: Complex64) -> f64 {
    let distance = |index: &usize| (pole - zeros[*index]).norm();
    let nearest = (0..zeros.len())
        .min_by(|left, right| distance(left).total_cmp(&distance(right)))
        .expect("there are as many zeros as poles");
    zeros.remove(nearest)
}
