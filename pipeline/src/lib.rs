//! Composition only: it names the rooms, wires them, and runs the epoch loop.
//!
//! # Layout
//! In the order of the river: [`dataflow`] is the whole graph on one screen, `results` what comes out of it; [`epoch`] cuts input
//! into epochs, [`workers`] compute them, [`engine`] drives both and commits; [`recover`] finds out where
//! it stood, [`snapshots`] make that quick, [`repair`] publishes again what a log lost, [`watchdog`] ends what hangs; [`account`] counts.
//! [`config`] holds what the program can be told, [`demo`] replays recordings and proves the result,
//! [`dlq`] shows dead letters and sends them again, [`explain`] derives alerts again from just their inputs,
//! [`calibrate`] makes a calibration from known samples, [`rules`] publishes rule sets, [`waveforms`] reads signals from
//! the log for the door.
//!
//! # Invariants
//! - Only this room reads the environment, and only `config` does.
//! - An epoch is visible after its commit and never before.

pub mod account;
pub mod calibrate;
pub mod clock;
pub mod config;
pub mod dataflow;
pub mod demo;
pub mod dlq;
pub mod engine;
pub mod epoch;
mod error;
pub mod explain;
pub mod recover;
pub mod repair;
mod results;
pub mod rules;
pub mod service;
pub mod snapshots;
pub mod watchdog;
pub mod waveforms;
pub mod workers;

pub use error::Error;

/// Version of the code, and the commit it was built from where that is known.
pub const VERSION: &str = env!("MANPASIK_VERSION");
