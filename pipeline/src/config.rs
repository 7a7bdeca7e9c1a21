//! The configuration: every room's options, loaded once and passed by reference.
//!
//! Defaults live in `default.toml` and nowhere else. A file, the environment and the command line
//! override them; [`Loaded`] remembers where each value came from.

mod error;
mod layers;

pub use error::{Error, Source};
pub use layers::Layers;

use operators::cartridge::normaliser::Normalisers;
use serde::Deserialize;
use std::path::PathBuf;

/// The defaults, as shipped.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// Everything the program can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where log, lake and state live.
    pub data_dir: PathBuf,
    /// The log.
    pub log: Log,
    /// How input is cut into epochs.
    pub epoch: crate::epoch::Options,
    /// Worker threads.
    pub workers: crate::workers::Options,
    /// The commit.
    pub commit: sinks::Options,
    /// Snapshots of the state.
    pub snapshot: sinks::snapshot::Options,
    /// How often what is published is looked at.
    pub audit: crate::engine::AuditOptions,
    /// What is done when the disk fills up.
    pub disk: crate::engine::DiskOptions,
    /// Order and windows of pulse sessions.
    pub pulse: operators::pulse::Options,
    /// Windows of breathing.
    pub respiration: operators::respiration::Options,
    /// Windows of heart rate variability.
    pub ecg: operators::ecg::Options,
    /// Measurements of cartridges.
    pub cartridge: operators::cartridge::Options,
    /// Rules.
    pub risk: operators::risk::Options,
    /// What people are told.
    pub notify: operators::notify::Options,
    /// The door.
    pub door: api::Options,
}

/// Which log, and how to reach it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Which of the two.
    pub kind: LogKind,
    /// Partitions of each topic this program creates.
    pub partitions: u32,
    /// The embedded log.
    pub embedded: eventlog::embedded::Options,
    /// Apache Kafka.
    pub kafka: eventlog::kafka::Options,
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// Durable on local disk.
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// A configuration and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Each key with its value and its source.
    pub layers: Layers,
}

/// Worker threads at most: each has a channel to every other.
const MOST_WORKERS: usize = 256;

/// Puts the layers together.
///
/// # Errors
/// Names file and line, key and the nearest valid key.
pub fn load(layers: Layers) -> Result<Loaded, Error> {
    let config: Config = layers.assemble()?;
    match unusable(&config) {
        Some((key, must)) => Err(layers.refuse(key, must)),
        None => Ok(Loaded { config, layers }),
    }
}

/// The first key whose value has the right type and can still not work, and what it must be.
///
/// What would otherwise fail later, or worse: make dead letters of good packets.
fn unusable(config: &Config) -> Option<(&'static str, &'static str)> {
    const SOME: &str = "must be at least 1";
    let (workers, pulse) = (config.workers.count, &config.pulse);
    let (low, high) = (pulse.low_hz, pulse.high_hz);
    let rules = [
        ("workers.count", SOME, workers >= 1),
        ("workers.count", "must be at most 256", workers <= MOST_WORKERS),
        ("log.partitions", SOME, config.log.partitions >= 1),
        ("epoch.max_records", SOME, config.epoch.max_records >= 1),
        ("epoch.max_bytes", SOME, config.epoch.max_bytes >= 1),
        (
            "epoch.horizon_s",
            "must not be less than pulse.window_s, pulse.hop_s and pulse.sequence.lateness_s together",
            u64::from(config.epoch.horizon_s)
                >= [pulse.window_s, pulse.hop_s, pulse.sequence.lateness_s].map(u64::from).iter().sum(),
        ),
        ("epoch.stall_s", SOME, config.epoch.stall_s >= 1),
        ("respiration.window_s", "must be 30 to 180", (30..=180).contains(&config.respiration.window_s)),
        ("ecg.window_s", "must be 120 to 3600", (120..=3_600).contains(&config.ecg.window_s)),
        (
            "respiration.hop_s",
            "must be at least 1 and not longer than respiration.window_s",
            (1..=config.respiration.window_s).contains(&config.respiration.hop_s),
        ),
        (
            "ecg.hop_s",
            "must be at least 1 and not longer than ecg.window_s",
            (1..=config.ecg.window_s).contains(&config.ecg.hop_s),
        ),
        ("respiration.real_percent", "must be at most 100", config.respiration.real_percent <= 100),
        ("ecg.real_percent", "must be at most 100", config.ecg.real_percent <= 100),
        (
            "pulse.sequence.forget_s",
            "must not be less than epoch.horizon_s",
            pulse.sequence.forget_s >= config.epoch.horizon_s,
        ),
        ("cartridge.features.hop_s", "must be at most 3600", config.cartridge.features.hop_s <= 3_600),
        (
            "cartridge.normalisers",
            "must name a layout and as many medians and quartile_ranges as it has numbers, each kind and layout once",
            Normalisers::new(&config.cartridge.normalisers).is_some(),
        ),
        ("notify.max_age_s", SOME, config.notify.max_age_s >= 1),
        ("snapshot.keep", SOME, config.snapshot.keep >= 1),
        ("snapshot.slice_bytes", SOME, config.snapshot.slice_bytes >= 1),
        ("commit.attempts", SOME, config.commit.attempts >= 1),
        ("commit.window_partitions", SOME, config.commit.window_partitions >= 1),
        ("commit.alert_partitions", SOME, config.commit.alert_partitions >= 1),
        ("pulse.window_s", "must be 10 to 120", (10..=120).contains(&pulse.window_s)),
        ("pulse.hop_s", SOME, pulse.hop_s >= 1),
        ("pulse.hop_s", "must not be longer than pulse.window_s", pulse.hop_s <= pulse.window_s),
        ("pulse.real_percent", "must be at most 100", pulse.real_percent <= 100),
        ("pulse.low_hz", "must be greater than 0", low > 0.0),
        ("pulse.high_hz", "must be a number greater than pulse.low_hz", high.is_finite() && high > low),
    ];
    rules.into_iter().find(|(.., holds)| !holds).map(|(key, must, _)| (key, must))
}
