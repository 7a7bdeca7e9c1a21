//! What all sessions of one sample period share: lengths in samples, coefficients, scratch by number of channels.

use super::{Options, normaliser::Normalisers};
use dsp::{
    bank::Bank,
    butterworth::{self, Band, Section},
    confidence::Noise,
    ema::Ema,
    features::{self, Features},
    hampel, notch,
    theil_sen::TheilSen,
    welch::Welch,
    zero_phase::ZeroPhase,
};
use model::{Micros, time::SECOND};
use std::collections::BTreeMap;

/// Sections of the low-pass: order 4 (signals.md §4.4).
pub(super) const SECTIONS: usize = 2;
const ORDER: usize = 4;
/// The low-pass is never above this share of the rate (signals.md §4.4).
const MOST_SHARE: f64 = 0.2;
/// Rates, Hz, that a cartridge's packets may come at: the documents name 10 to 100 (signals.md §1.9).
const RATES_HZ: std::ops::RangeInclusive<f64> = 4.0..=250.0;
/// Share by which a device's clock may run fast without a late packet being lost.
const CLOCK_MARGIN: f64 = 1.1;
/// Length of windows that are described, seconds (signals.md §4.5).
const WINDOW_S: f64 = 10.0;
/// The plateau, seconds (signals.md §4.8).
const STEADY_S: f64 = 2.0;
/// Rows that enter the course at a time, a part of a second: less would copy more, more would keep more.
const BLOCKS_PER_SECOND: f64 = 5.0;
/// Points of the low-passed course that are kept per second: its corner is at 2 Hz.
const POINTS_HZ: f64 = 5.0;
/// Up to this rate, Hz, segments of spectra have 256 samples, above 1,024 (signals.md §4.6).
const SLOW_HZ: f64 = 50.0;
/// Where the power of a window is described, Hz, and the share of the rate that it never exceeds (signals.md §4.8, b9).
const BAND_HZ: (f64, f64, f64) = (0.1, 10.0, 0.45);
/// Quality factor of the notch that is asked for to learn where the mains are folded to (signals.md §4.4).
const NOTCH_Q: f64 = 30.0;
/// The low-pass of order 4 lets a tenth of the amplitude through at so many times its corner: (10² − 1)^(1/8).
const TENTH: f64 = 1.776;
/// Numbers of channels planned for at the same time; there are four legal ones (signals.md §1.3).
const MOST_SHAPES: usize = 8;

/// Everything that depends on the options and the sample period alone.
#[derive(Debug)]
pub struct Plan {
    pub(super) lengths: Lengths,
    pub(super) tools: Tools,
    hampel: hampel::Options,
    sections: [Section; SECTIONS],
    shapes: BTreeMap<usize, Shape>,
}

/// Lengths in samples, and switches.
#[derive(Clone, Debug)]
pub(super) struct Lengths {
    pub(super) rate_hz: f64,
    /// Rows that a late packet may still change.
    pub(super) keep: usize,
    /// Rows that enter the course at a time.
    pub(super) block: usize,
    /// Longest hole that is interpolated.
    pub(super) short: usize,
    pub(super) baseline: i64,
    pub(super) steady: i64,
    pub(super) window: usize,
    /// Distance between two windows that are described; none if none are.
    pub(super) hop: Option<i64>,
    pub(super) segment: usize,
    /// Rows of the ring: a window or a segment.
    pub(super) ring: usize,
    /// Distance between two points of the course.
    pub(super) point: i64,
    /// Whether the mains are folded to where the low-pass lets a tenth of them and more through.
    pub(super) mains_folded: bool,
    /// Whether devices average them away before.
    pub(super) mains_averaged: bool,
    pub(super) period: Micros,
    pub(super) side: usize,
}

/// Scratch for one channel at a time.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) ema: Ema,
    pub(super) features: Features,
    pub(super) welch: Welch,
    pub(super) noise: Noise,
    pub(super) zero_phase: ZeroPhase<SECTIONS>,
    pub(super) slopes: TheilSen,
    pub(super) bytes: Vec<u8>,
    pub(super) normalisers: Normalisers,
}

/// Scratch for all channels at a time.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) detection: hampel::Bank<f32>,
    pub(super) reference: hampel::Bank<f32>,
    pub(super) low_pass: Bank<SECTIONS>,
    /// Rows whose outliers were replaced.
    pub(super) detection_rows: Vec<f64>,
    pub(super) reference_rows: Vec<f64>,
    pub(super) corrected: Vec<f64>,
    pub(super) smooth: Vec<f64>,
    /// Channels of the ring, one after the other.
    pub(super) columns: Vec<f64>,
}

impl Plan {
    /// Plans for sessions sampled every `period_us` microseconds.
    ///
    /// # Errors
    /// [`dsp::Error`] if the rate is not from 4 to 250 Hz, or an option does not fit it; [`dsp::Error::Alias`], which names
    /// the legal periods, if the mains fold onto less than 1 Hz and devices do not average them away.
    pub fn new(options: &Options, period_us: u32) -> Result<Self, dsp::Error> {
        let rate_hz = SECOND as f64 / f64::from(period_us);
        if !RATES_HZ.contains(&rate_hz) {
            return Err(dsp::Error::Rate { rate_hz });
        }
        let mains = notch::mains(options.mains_hz, rate_hz, NOTCH_Q).err();
        if let Some(alias @ dsp::Error::Alias { .. }) = mains
            && !options.mains_averaged
        {
            return Err(alias);
        }
        let corner_hz = options.corner_hz.min(MOST_SHARE * rate_hz);
        let mains_folded = mains.is_some() || notch::alias_hz(options.mains_hz, rate_hz) < TENTH * corner_hz;
        let slots = |seconds: f64| (seconds * rate_hz).round().max(1.0);
        let seconds = |micros: Micros| micros as f64 / SECOND as f64;
        let short = slots(seconds(options.sequence.short_gap()));
        let late = CLOCK_MARGIN * (slots(seconds(options.sequence.lateness())) + short);
        let window = slots(WINDOW_S) as usize;
        let segment = if rate_hz <= SLOW_HZ { 256 } else { 1_024 };
        let lengths = Lengths {
            rate_hz,
            keep: late.ceil() as usize + 1,
            block: slots(1.0 / BLOCKS_PER_SECOND) as usize,
            short: short as usize,
            baseline: slots(options.baseline_s) as i64,
            steady: slots(STEADY_S) as i64,
            window,
            hop: (options.features.hop_s > 0).then(|| slots(f64::from(options.features.hop_s)) as i64),
            segment,
            ring: window.max(segment),
            point: slots(1.0 / POINTS_HZ) as i64,
            mains_folded,
            mains_averaged: options.mains_averaged,
            period: Micros::from(period_us),
            side: options.outlier_side as usize,
        };
        let sections = butterworth::design(ORDER, Band::Low { corner_hz }, rate_hz)?;
        let band = features::Band { low_hz: BAND_HZ.0, high_hz: BAND_HZ.1.min(BAND_HZ.2 * rate_hz) };
        let tools = Tools {
            ema: Ema::new(rate_hz)?,
            features: Features::new(rate_hz, window, band)?,
            welch: Welch::new(rate_hz, segment, segment)?,
            noise: Noise::new(lengths.ring),
            zero_phase: ZeroPhase::new(sections),
            slopes: TheilSen::new(super::trend::MOST_POINTS),
            bytes: Vec::new(),
            normalisers: Normalisers::new(&options.normalisers).ok_or(dsp::Error::Length { samples: 0 })?,
        };
        let hampel = hampel::Options {
            side: lengths.side,
            threshold: options.outlier_threshold,
            floor: 2.0 * options.step,
        };
        // What every number of channels would be refused for is refused here.
        hampel::Bank::<f32>::new(hampel, 1)?;
        Ok(Self { lengths, tools, hampel, sections, shapes: BTreeMap::new() })
    }

    /// Lengths, and scratch for `channels` channels.
    pub(super) fn parts(&mut self, channels: usize) -> (&Lengths, &mut Tools, &mut Shape) {
        if self.shapes.len() >= MOST_SHAPES && !self.shapes.contains_key(&channels) {
            self.shapes.clear();
        }
        let (hampel, sections) = (self.hampel, self.sections);
        let bank = || hampel::Bank::new(hampel, channels).expect("the options were checked by `new`");
        let shape = self.shapes.entry(channels).or_insert_with(|| Shape {
            detection: bank(),
            reference: bank(),
            low_pass: Bank::new(sections, channels),
            detection_rows: Vec::new(),
            reference_rows: Vec::new(),
            corrected: Vec::new(),
            smooth: Vec::new(),
            columns: Vec::new(),
        });
        (&self.lengths, &mut self.tools, shape)
    }
}
