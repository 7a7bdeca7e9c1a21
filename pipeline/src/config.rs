//! The configuration: every room's options, loaded once and passed by reference.
//!
//! Defaults live in `default.toml` and nowhere else. A file, the environment and the command line
//! override them; [`Loaded`] remembers where each value came from.

mod layers;

pub use layers::{Error, Layers, Source};

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
    /// Order and windows of pulse sessions.
    pub pulse: operators::pulse::Options,
    /// Rules.
    pub risk: operators::risk::Options,
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

/// Puts the layers together.
///
/// # Errors
/// Names file and line, key and the nearest valid key.
pub fn load(layers: Layers) -> Result<Loaded, Error> {
    let config: Config = layers.assemble()?;
    if config.workers.count == 0 {
        return Err(layers.refuse("workers.count", "must be at least 1"));
    }
    if config.log.partitions == 0 {
        return Err(layers.refuse("log.partitions", "must be at least 1"));
    }
    if config.epoch.max_records == 0 || config.epoch.max_bytes == 0 {
        return Err(layers.refuse("epoch.max_records", "must be at least 1, and so must epoch.max_bytes"));
    }
    Ok(Loaded { config, layers })
}
