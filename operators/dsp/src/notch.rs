//! Designs notch filters, and decides where the mains can be taken out of a sampled signal at all.
//!
//! The section is that of `scipy.signal.iirnotch` 1.17.1 (Orfanidis, "Introduction to Signal Processing", 1996).
//! What was sampled at no more than twice the frequency of the mains holds them folded: at `|mains -
//! rate * round(mains / rate)|`. There the notch has to be, and where that is nearly nothing there is no notch.
//!
//! # Invariants
//! A section that is returned is stable and lets a constant through unchanged.

use std::fmt;

use crate::{Error, butterworth::Section};

/// Least frequency of folded mains that a notch may take out, in Hz: below lies the signal of every cartridge.
pub const LEAST_ALIAS_HZ: f64 = 1.0;
/// Packet periods a cartridge may choose from, in milliseconds.
const PERIODS_MS: std::ops::Range<u32> = 10..51;

/// Designs the notch at `notch_hz` whose quality factor is `q`: between the corners, where the gain is 1/√2, lie
/// `notch_hz / q` Hz.
///
/// A notch at exactly half the rate is the limit that scipy refuses: a section of first order with its zero there.
///
/// # Errors
/// [`Error::Corner`] if the frequency is not above 0 and at most half the rate, [`Error::Outside`] if `q` is not from
/// 0.1 to 10,000 or leaves no room between 0 and half the rate.
///
/// # Examples
/// ```
/// use dsp::{cascade::Cascade, notch};
///
/// let mut filter = Cascade::new([notch::design(60.0, 250.0, 30.0)?]);
/// let mains = |sample: u32| (std::f64::consts::TAU * 60.0 * f64::from(sample) / 250.0).sin();
/// let last = (0..1_000).map(|sample| filter.step(mains(sample))).last();
/// assert!(last.expect("there are samples").abs() < 1e-3);
/// # Ok::<(), dsp::Error>(())
/// ```
pub fn design(notch_hz: f64, rate_hz: f64, q: f64) -> Result<Section, Error> {
    if !(notch_hz > 0.0 && notch_hz <= rate_hz / 2.0 && rate_hz.is_finite()) {
        return Err(Error::Corner { corner_hz: notch_hz, rate_hz });
    }
    // Half the rate is the unit frequency, as in scipy.
    let share = 2.0 * notch_hz / rate_hz;
    let width = share / q;
    // Beyond half the rate the tangent would turn negative, and the section unstable.
    if !(0.1..=10_000.0).contains(&q) || width >= 1.0 {
        return Err(Error::Outside {
            what: "quality factor of a notch",
            value: q,
            least: share.max(0.1),
            most: 1e4,
        });
    }
    let beta = (width * std::f64::consts::PI / 2.0).tan();
    let gain = 1.0 / (1.0 + beta);
    if share >= 1.0 {
        // Both zeros and one of the poles would lie on -1; one zero and that pole cancel.
        return Ok(Section { b: [gain, gain, 0.0], a: [2.0 * gain - 1.0, 0.0] });
    }
    let cosine = (share * std::f64::consts::PI).cos();
    Ok(Section { b: [gain, -2.0 * cosine * gain, gain], a: [-2.0 * gain * cosine, 2.0 * gain - 1.0] })
}

/// Where the mains are found after sampling, in Hz, from 0 to half the rate.
///
/// Not a number if a frequency is not finite or the rate is not above zero.
pub fn alias_hz(mains_hz: f64, rate_hz: f64) -> f64 {
    if !(rate_hz > 0.0 && rate_hz.is_finite()) {
        return f64::NAN;
    }
    (mains_hz - rate_hz * (mains_hz / rate_hz).round()).abs()
}

/// Designs the notch that takes the mains out of a signal sampled at `rate_hz`: at the mains themselves if the rate
/// is more than twice their frequency, else where they are folded to.
///
/// The mains wander by a tenth of a Hz or two, folded or not, and the notch is its frequency over `q` wide: where
/// they are folded to a low frequency, `q` should be no more than twice that frequency in Hz. Where they are folded
/// to within 1 Hz of half the rate, but not onto it, the notch takes long to settle.
///
/// # Errors
/// [`Error::Alias`] if the mains fold onto less than [`LEAST_ALIAS_HZ`]: the front end has to integrate over whole
/// periods of the mains, or the cartridge has to choose another packet period. Otherwise as [`design`].
///
/// # Examples
/// ```
/// use dsp::notch;
///
/// assert!(notch::mains(60.0, 50.0, 30.0).is_ok(), "60 Hz are found at 10 Hz");
/// let refused = notch::mains(60.0, 20.0, 30.0).expect_err("60 Hz are found at 0 Hz");
/// assert!(refused.to_string().ends_with("choose a packet period of 10 to 32 or 34 to 49 ms"));
/// ```
pub fn mains(mains_hz: f64, rate_hz: f64, q: f64) -> Result<Section, Error> {
    design(place(mains_hz, rate_hz)?, rate_hz, q)
}

/// Frequency at which the mains are to be taken out, in Hz.
fn place(mains_hz: f64, rate_hz: f64) -> Result<f64, Error> {
    if rate_hz > 2.0 * mains_hz {
        return Ok(mains_hz);
    }
    let alias_hz = alias_hz(mains_hz, rate_hz);
    if alias_hz < LEAST_ALIAS_HZ { Err(Error::Alias { mains_hz, rate_hz }) } else { Ok(alias_hz) }
}

/// Writes the whole milliseconds from 10 to 50 at which [`mains`] takes these mains, as "10 to 32 or 34 to 49 ms".
pub(crate) fn write_legal_periods(formatter: &mut fmt::Formatter<'_>, mains_hz: f64) -> fmt::Result {
    let legal =
        |period: u32| PERIODS_MS.contains(&period) && place(mains_hz, 1e3 / f64::from(period)).is_ok();
    let mut separator = "";
    for first in PERIODS_MS.filter(|period| legal(*period) && !legal(period - 1)) {
        let last = (first..PERIODS_MS.end).take_while(|period| legal(*period)).last().unwrap_or(first);
        write!(formatter, "{separator}{first}")?;
        if last > first {
            write!(formatter, " to {last}")?;
        }
        separator = " or ";
    }
    formatter.write_str(if separator.is_empty() {
        "another length: none from 10 to 50 ms is legal"
    } else {
        " ms"
    })
}
