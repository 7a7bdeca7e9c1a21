//! Puts what the channels of a cartridge say into one vector, the fingerprint, and makes vectors comparable.
//!
//! Layout 1 nests: the first 88 numbers are a fingerprint, the first 448 are, and all 896 are. Ten features of each of 88
//! channels, eight gas sensors (e-nose) and eight ion sensors (e-tongue) fill it exactly. Features 0 to 7 of a channel are
//! the eight of Vergara et al., Sens. Actuators B 166–167, 2012. Cartridges that stream 448 or 896 channels have a layout
//! of their own, "raw", of steady states only. Layouts are never compared with each other.
//!
//! # Invariants
//! A number of a fingerprint is finite, or it is missing: then it is 0 and its bit in the mask is set. Nothing is allocated
//! but by [`Fingerprint::new`], [`Channel::new`] and [`Normaliser::new`].

use std::ops::Range;

use crate::range;

mod channel;
mod normalise;

pub use channel::{Channel, LEAST_BASELINE, LEAST_POWER, Response, power_db, relative};
pub use normalise::{Normaliser, Refused, unit};

/// Channels of layout 1.
pub const CHANNELS: usize = 88;
/// Gas sensors, and as many ion sensors.
pub const SENSORS: usize = 8;
/// Numbers of the longest fingerprint.
pub const MOST: usize = 896;

/// Steady state (feature 0): in units of the signal, or a share for gas sensors.
pub const STEADY: Range<usize> = 0..88;
/// Steady state over the baseline (feature 1).
pub const RELATIVE: Range<usize> = 88..176;
/// Maxima of the averaged increments, fast, middle and slow (features 2 to 4).
pub const RISES: [Range<usize>; 3] = [176..264, 264..352, 352..440];
/// Gas sensors: change of resistance over resistance in clean air.
pub const NOSE: Range<usize> = 440..448;
/// Minima of the averaged increments, fast, middle and slow (features 5 to 7).
pub const FALLS: [Range<usize>; 3] = [448..536, 536..624, 624..712];
/// Slope of the last third (feature 8), in units of the signal per second.
pub const SLOPE: Range<usize> = 712..800;
/// Power from 1 to 10 Hz (feature 9), in dB of squared units of the signal.
pub const POWER: Range<usize> = 800..888;
/// Ion sensors: change of potential, in mV.
pub const TONGUE: Range<usize> = 888..896;

/// What the numbers of a fingerprint mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layout {
    /// Layout 1, 88 numbers: steady states.
    Basic,
    /// Layout 1, 448 numbers: with relative steady states, rises and gas sensors.
    Enhanced,
    /// Layout 1, all 896 numbers.
    Full,
    /// Steady states of 448 channels.
    Raw448,
    /// Steady states of 896 channels.
    Raw896,
}

impl Layout {
    /// Name under which fingerprints are stored; with [`Layout::dimensions`] it is unique.
    pub fn id(self) -> &'static str {
        match self {
            Self::Basic => "v1-88",
            Self::Enhanced => "v1-448",
            Self::Full => "v1-896",
            Self::Raw448 | Self::Raw896 => "raw",
        }
    }

    /// Numbers of a fingerprint.
    pub fn dimensions(self) -> usize {
        match self {
            Self::Basic => STEADY.end,
            Self::Enhanced | Self::Raw448 => NOSE.end,
            Self::Full | Self::Raw896 => MOST,
        }
    }

    /// Channels that a fingerprint is made of.
    pub fn channels(self) -> usize {
        match self {
            Self::Basic | Self::Enhanced | Self::Full => CHANNELS,
            Self::Raw448 | Self::Raw896 => self.dimensions(),
        }
    }
}

/// Which numbers of a fingerprint are missing, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mask([u64; MOST / 64]);

impl Mask {
    /// Whether the number is missing. `false` beyond the longest fingerprint.
    pub fn is_missing(&self, index: usize) -> bool {
        self.0.get(index / 64).is_some_and(|word| (word >> (index % 64)) & 1 == 1)
    }

    /// How many numbers are missing.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The bits as they are stored: number `i` is bit `i mod 8`, from the lowest, of byte `i / 8`.
    pub fn to_bytes(&self) -> [u8; MOST / 8] {
        let mut bytes = [0; MOST / 8];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(&self.0) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn set(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }
}

/// What one channel contributes. Whatever is `None` or not finite is missing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Part {
    /// Steady state, in units of the signal (a share for gas sensors).
    pub steady: Option<f64>,
    /// Steady state over the baseline ([`relative`]).
    pub relative: Option<f64>,
    /// Maxima of [`crate::ema`], fast to slow, in units of the signal per sample.
    pub rises: [Option<f64>; 3],
    /// Minima of [`crate::ema`], fast to slow, in units of the signal per sample.
    pub falls: [Option<f64>; 3],
    /// Slope of the last third, in units of the signal per second.
    pub slope: Option<f64>,
    /// Power from 1 to 10 Hz, in dB ([`power_db`]).
    pub power_db: Option<f64>,
}

/// The numbers of a measurement before they are made comparable.
#[derive(Debug, Clone, PartialEq)]
pub struct Fingerprint {
    layout: Layout,
    values: Vec<f64>,
    mask: Mask,
}

impl Fingerprint {
    /// A fingerprint of which everything is missing.
    pub fn new(layout: Layout) -> Self {
        let mut fingerprint = Self { layout, values: vec![0.0; layout.dimensions()], mask: Mask::default() };
        fingerprint.fill(&[], &[], &[]);
        fingerprint
    }

    /// What the numbers mean.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The numbers; 0 where missing.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Which of them are missing.
    pub fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Takes the parts of the channels, gas sensors and ion sensors of a measurement, in their order. Those that the layout
    /// has no place for are left out, places without one are missing.
    ///
    /// # Examples
    /// ```
    /// use dsp::fingerprint::{Fingerprint, Layout, Part};
    ///
    /// let mut fingerprint = Fingerprint::new(Layout::Enhanced);
    /// fingerprint.fill(&[Part { steady: Some(1.5), ..Part::default() }], &[None, Some(0.2)], &[]);
    /// assert_eq!((fingerprint.values()[0], fingerprint.values()[441]), (1.5, 0.2));
    /// assert_eq!(fingerprint.mask().count(), 446);
    /// ```
    pub fn fill(&mut self, parts: &[Part], nose: &[Option<f64>], tongue: &[Option<f64>]) {
        self.values.fill(0.0);
        self.mask = Mask::default();
        let raw = matches!(self.layout, Layout::Raw448 | Layout::Raw896);
        if raw {
            self.place(0..self.values.len(), |channel| parts.get(channel)?.steady);
            return;
        }
        self.place(STEADY, |channel| parts.get(channel)?.steady);
        self.place(RELATIVE, |channel| parts.get(channel)?.relative);
        for number in 0..RISES.len() {
            self.place(RISES[number].clone(), |channel| parts.get(channel)?.rises[number]);
            self.place(FALLS[number].clone(), |channel| parts.get(channel)?.falls[number]);
        }
        self.place(NOSE, |sensor| *nose.get(sensor)?);
        self.place(SLOPE, |channel| parts.get(channel)?.slope);
        self.place(POWER, |channel| parts.get(channel)?.power_db);
        self.place(TONGUE, |sensor| *tongue.get(sensor)?);
    }

    /// Fills the places that the layout has.
    fn place(&mut self, places: Range<usize>, value: impl Fn(usize) -> Option<f64>) {
        if places.end > self.values.len() {
            return;
        }
        for (number, place) in places.enumerate() {
            match value(number).filter(|value| range::usable(*value)) {
                Some(value) => self.values[place] = value,
                None => self.mask.set(place),
            }
        }
    }
}
