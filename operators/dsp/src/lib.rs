//! The calculator: slices in, numbers out.
//!
//! Knows signals and nothing else: no time but sample counts at a rate in Hz, no input or output, no allocation
//! once a value is planned with `new`. Every function is a pure function of its samples and of the state it was
//! given, so the same samples give the same bits however they were batched.
//!
//! # Layout
//! In the order a pulse wave (PPG) meets them: [`butterworth`] designs a filter, [`cascade`] runs it, [`pulse`]
//! reads a heart rate and its quality off a filtered window: [`elgendi`] finds the crests, `shape` compares them,
//! `rhythm` counts them, [`welch`] and `spectrum` give the second opinion, `quality` weighs the evidence.
//!
//! In the order the channels of a cartridge meet them: [`hampel`] replaces outliers, [`differential`] takes the reference off
//! and corrects, [`notch`] and [`bank`] filter all channels at once; at the end of a session [`zero_phase`] filters without
//! delay, and [`savgol`] smooths and differentiates.
//!
//! In the order an electrode's signal meets them: [`features`] describes a window, with [`welch`], [`wavelet`] and
//! [`theil_sen`]; [`ema`] follows the transient; [`fingerprint`] puts the channels of a cartridge into one vector and
//! normalises it, [`similarity`] compares vectors, [`confidence`] says how far a result is to be trusted. [`detrend`] and
//! [`stft`] serve displays. `lanes`, `order` and `range` are what these share: sums, sorting, and the numbers that count.
//!
//! An electrocardiogram goes to [`qrs`], which finds its beats as it streams in, and to [`ecg_quality`], which tells how far to
//! trust it; the beats go on to [`hrv`]. [`respiration`] reads a wave of breathing, [`glucose`] sums up and follows readings
//! that come minutes apart.
//!
//! # Examples
//! ```
//! use dsp::{butterworth::{self, Band}, cascade::Cascade, pulse::Pulse};
//!
//! let rate_hz = 125.0;
//! let mut filter = Cascade::new(butterworth::design::<3>(3, Band::Pass { low_hz: 0.5, high_hz: 8.0 }, rate_hz)?);
//! let mut pulse = Pulse::new(rate_hz, 30.0)?;
//!
//! // 90 beats a minute, as a wave with one sharp crest per beat.
//! let mut window: Vec<f64> = (0..3_750)
//!     .map(|sample| (1.5 * std::f64::consts::TAU * f64::from(sample) / rate_hz).cos().exp())
//!     .collect();
//! filter.settle(window[0]);
//! filter.process(&mut window);
//! let estimate = pulse.estimate(&window, &[]);
//! assert!((estimate.hr_bpm.expect("a clean wave has a rate") - 90.0).abs() < 0.2);
//! assert!(estimate.good);
//! # Ok::<(), dsp::Error>(())
//! ```

pub mod bank;
pub mod butterworth;
pub mod cascade;
pub mod confidence;
pub mod detrend;
pub mod differential;
pub mod ecg_quality;
pub mod elgendi;
pub mod ema;
pub mod features;
pub mod fingerprint;
pub mod glucose;
pub mod hampel;
pub mod hrv;
pub mod notch;
pub mod pulse;
pub mod qrs;
pub mod respiration;
pub mod savgol;
pub mod similarity;
pub mod stft;
pub mod theil_sen;
pub mod wavelet;
pub mod welch;
pub mod zero_phase;

mod error;
mod lanes;
mod order;
mod quality;
mod range;
mod rhythm;
mod segment;
mod shape;
mod spectrum;

pub use error::Error;
