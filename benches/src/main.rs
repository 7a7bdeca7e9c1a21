//! Deterministic workloads behind the numbers the README names: each prints one JSON object.
//!
//! Every benchmark checks its own results, so a wrong answer is never a fast one.

mod chain;
mod devices;
mod differential;
mod eos;
mod fingerprint;
mod kernels;
mod latency;
mod log;
mod pulse;
mod recover;
mod risk;
mod sim;
mod similar;
mod snapshot;
mod soak;
mod stand;
mod stopwatch;
mod window;

use clap::{Parser, Subcommand};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, io::Write};

/// As in the program.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Benchmarks of the pipeline; run them in release on a quiet machine.
#[derive(Debug, Parser)]
struct Cli {
    /// Print one JSON line instead of one metric per line
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Keyed sliding mean with a threshold alert, through the product's window operator
    Window,
    /// The whole optical pulse path: packets to windows to alerts, in process
    Pulse,
    /// The log: append with fsync and read; with brokers, Kafka against a bare client
    Log(log::Args),
    /// The whole pipeline in a world that goes wrong, decided by seeds
    Sim(sim::Args),
    /// Exactly-once: the program with everything on against the same graph that commits nothing
    Eos(eos::Args),
    /// Sessions of 88 channels with a reference at 50 Hz that one core keeps up with, packets to fingerprints
    Chain,
    /// One row of 896 channels less its reference, calibrated
    Differential,
    /// A fingerprint of 896 values, normalised, and the cosine of two
    Fingerprint,
    /// Every kernel against scipy on the same input, in turns
    Kernels(kernels::Args),
    /// The similarity index: 50,000 fingerprints exactly, 200,000 under inserts and deletions
    Similar(similar::Args),
    /// Rules over the vital signs of 100,000 people, to changes of alerts
    Risk,
    /// A start over a million entries of state
    Recover(recover::Args),
    /// The latency of epochs with and without a snapshot under way
    Snapshot(snapshot::Args),
    /// From a packet to what came of it, on the topics and in SQL, at a paced rate
    Latency(latency::Args),
    /// The program under load for minutes: whether its memory grows
    Soak(soak::Args),
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let (name, metrics) = match &cli.bench {
        Bench::Window => ("window", object(window::run()?)),
        Bench::Pulse => ("pulse", object(pulse::run()?)),
        Bench::Log(args) => ("log", log::run(args)?),
        Bench::Sim(args) => ("sim", sim::run(args)?),
        Bench::Eos(args) => ("eos", eos::run(args)?),
        Bench::Chain => ("chain", object(chain::metrics())),
        Bench::Differential => ("differential", object(differential::run()?)),
        Bench::Fingerprint => ("fingerprint", object(fingerprint::run()?)),
        Bench::Kernels(args) => ("kernels", kernels::run(args)?),
        Bench::Similar(args) => ("similar", object(similar::run(args)?)),
        Bench::Risk => ("risk", object(risk::run()?)),
        Bench::Recover(args) => ("recover", recover::run(args)?),
        Bench::Snapshot(args) => ("snapshot", snapshot::run(args)?),
        Bench::Latency(args) => ("latency", latency::run(args)?),
        Bench::Soak(args) => ("soak", soak::run(args)?),
    };
    let peak_rss_mb = api::resident().map(|resident| resident.peak_bytes as f64 / 1e6);
    let mut out = std::io::stdout().lock();
    if cli.json {
        writeln!(out, "{}", json!({ "name": name, "metrics": metrics, "peak_rss_mb": peak_rss_mb }))?;
    } else {
        for (metric, value) in metrics.as_object().into_iter().flatten() {
            writeln!(out, "{name} {metric} {value}")?;
        }
    }
    Ok(())
}

fn object(metrics: BTreeMap<String, f64>) -> Value {
    Value::Object(metrics.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
}
