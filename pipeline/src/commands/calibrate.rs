//! `manpasik calibrate`: gains and offsets from a file of known samples.

use super::say;
use anyhow::Context;
use clap::Args;
use pipeline::{calibrate::File, config::Config};
use std::path::PathBuf;

/// What `--help` says.
const ABOUT: &str = "\
Reads samples, fits gain and offset of every channel, and prints as JSON what the device carries in its packets
and the event that tells of it.

The file:

{\"calibration_id\": \"field-7\", \"device_id\": \"dev-1\", \"cartridge_category\": 1, \"cartridge_type\": 1,
 \"calibrated_at\": \"2026-11-22T09:00:00+09:00\", \"validity_days\": 30, \"alpha\": 0.95,
 \"samples\": [{\"known\": 80.0, \"detection\": [41.2, …], \"reference\": [1.1, …],
              \"celsius\": 25.0, \"humidity_percent\": 50.0}, …]}

known is in the unit of the cartridge; every other number is as its packets have it, one per channel. Three samples
that differ give gain and offset, one or two the gain. alpha, and per_celsius and per_percent (0 if absent), are those
of the cartridge: a calibration in the field never changes them. With reference_means and reference_deviations,
references more than three deviations off are refused.";

#[derive(Debug, Args)]
#[command(long_about = ABOUT)]
pub(crate) struct Calibrate {
    /// The samples, JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Publish the event, too
    ///
    /// With the embedded log, stop the program first and start it afterwards. With Kafka it need not stop.
    #[arg(long)]
    send: bool,
}

pub(crate) fn run(config: &Config, options: &Calibrate) -> anyhow::Result<()> {
    let name = options.file.display();
    let text = std::fs::read(&options.file)
        .with_context(|| format!("could not read {name}: check that it exists and may be read"))?;
    let calibrated = File::read(&text).and_then(|file| file.calibrate()).with_context(|| name.to_string())?;
    // Printed once it is published: who sees it may rely on it.
    if options.send {
        calibrated.send(config)?;
    }
    say(&calibrated.told());
    Ok(())
}
