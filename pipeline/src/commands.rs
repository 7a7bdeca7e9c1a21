//! The commands: what each flag means, and the few lines each command is.

pub(crate) mod calibrate;
pub(crate) mod dlq;
pub(crate) mod explain;
pub(crate) mod rules;

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use pipeline::{
    config::{self, Config, Layers, Loaded, LogKind, Source},
    demo,
    recover::Step,
    service::Service,
};
use std::{
    io::Write,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Device streams and events in, alerts and SQL out: a stream-processing pipeline in one program.
#[derive(Debug, Parser)]
#[command(name = "manpasik", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Configuration file (TOML); see `manpasik config` for all keys
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where log, lake and state live [key `data_dir`]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Address of the door, to open or to ask [key `door.listen`]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Timely worker threads [key `workers.count`]
    #[arg(long, global = true, value_name = "N")]
    workers: Option<String>,
    /// Use Apache Kafka at these brokers instead of the embedded log [keys `log.kind`, `log.kafka.brokers`]
    #[arg(long, global = true, value_name = "HOST:PORT,…")]
    brokers: Option<String>,
    /// Set any key of the configuration
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How log lines look on standard error
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay real recordings as devices would send them, and prove the result
    Demo(Demo),
    /// Run the pipeline over the configured log until Ctrl-C or SIGTERM
    Run,
    /// Ask a running program a question; without one, what its lake holds
    Sql(Sql),
    /// Look after the lake
    #[command(subcommand)]
    Lake(Lake),
    /// Dead letters: list them, look at one, send them again
    #[command(subcommand)]
    Dlq(dlq::Dlq),
    /// Say what an alert was raised from, or derive it again from just its inputs
    ///
    /// Without --replay, asks the running program (or, without one, what its lake holds): one line per piece of evidence,
    /// from the table function `explain('ALERT_ID')`.
    ///
    /// With --replay, reads just the inputs behind the alert from the log, runs them through the rules as configured
    /// now, and compares what comes out with what stands on the topic of alerts, bit for bit. Nothing is written. It
    /// ends with an error if anything differs, or if inputs were deleted from the log.
    ///
    /// With the embedded log, stop the program first. With Kafka it need not stop.
    Explain(explain::Explain),
    /// Make a field calibration from samples whose content is known
    Calibrate(calibrate::Calibrate),
    /// Rule sets: those that ship, and publishing one in another version
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Compare what stands on the result topics with what every committed epoch published
    Audit {
        /// Publish again what is missing (stop the pipeline first)
        #[arg(long)]
        repair: bool,
    },
    /// Print every key in force, and where it came from
    Config,
    /// Say what a running program is doing
    Status,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Lake {
    /// Check the chain of manifests and every file: length, content, rows, place; nothing is changed
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Event time per wall time: a number, or `max`
    #[arg(long, default_value = "20", value_parser = speed, value_name = "N|max")]
    speed: Speed,
    /// End when the recordings end, instead of serving until Ctrl-C
    #[arg(long)]
    exit: bool,
    /// Print the final report as one JSON line
    #[arg(long, value_enum, value_name = "FORMAT")]
    report: Option<Report>,
    /// Folder of recordings: BIDMC-shaped (`*_Signals.csv`, plain or .gz) or WFDB (`*.hea` with `*.dat`)
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/recordings"))]
    recordings: PathBuf,
    /// Delete log, lake and state of the data directory first
    #[arg(long)]
    pub(crate) reset: bool,
    /// Replay a few records that cannot be used among the good ones
    #[arg(long)]
    spoil: bool,
    /// Replay so many patients beside the recordings: what a monitor showed, made worse, so that alerts rise
    #[arg(long, default_value = "0", value_name = "N", value_parser = clap::value_parser!(u32).range(..=100_000))]
    patients: u32,
}

#[derive(Clone, Copy, Debug)]
struct Speed(Option<f64>);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Report {
    Json,
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed(None));
    }
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(Speed(Some(speed))),
        _ => Err("give a positive number, or max".into()),
    }
}

impl From<&Demo> for demo::Options {
    fn from(demo: &Demo) -> Self {
        Self {
            speed: demo.speed.0,
            exit: demo.exit,
            json: demo.report.is_some(),
            recordings: demo.recordings.clone(),
            spoil: demo.spoil,
            patients: demo.patients,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// The question, read-only SQL
    question: String,
    /// How the answer looks
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Csv,
    Json,
}

impl From<Format> for api::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Csv => Self::Csv,
            Format::Json => Self::Json,
        }
    }
}

/// Defaults, file, environment and flags, in this order.
pub(crate) fn load(cli: &Cli) -> anyhow::Result<Loaded> {
    let mut layers = Layers::defaults();
    if let Some(file) = &cli.config {
        layers.file(file)?;
    }
    layers.environment(std::env::vars_os())?;
    let kafka = cli.brokers.as_ref().map(|_| "kafka".to_owned());
    let flags = [
        ("--data-dir", "data_dir", &cli.data_dir),
        ("--listen", "door.listen", &cli.listen),
        ("--workers", "workers.count", &cli.workers),
        ("--brokers", "log.kind", &kafka),
        ("--brokers", "log.kafka.brokers", &cli.brokers),
    ];
    for (flag, key, value) in flags {
        if let Some(value) = value {
            layers.set_text(key, value, Source::Flag(flag.into()))?;
        }
    }
    for pair in &cli.set {
        let Some((key, value)) = pair.split_once('=') else {
            // Not repeated: it may be a secret.
            bail!("a --set has no \"=\": write it as KEY=VALUE");
        };
        layers.set_text(key.trim(), value.trim(), Source::Flag("--set".into()))?;
    }
    Ok(config::load(layers)?)
}

/// Log lines go to standard error; `RUST_LOG` filters them.
pub(crate) fn start_logging(cli: &Cli) {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

pub(crate) fn complain(error: &anyhow::Error) {
    let mut text = format!("manpasik: {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many messages hold their cause already.
        if !text.contains(&cause) {
            text.extend([": ", &cause]);
        }
    }
    writeln!(std::io::stderr().lock(), "{text}").unwrap_or_default();
}

fn say(text: &str) {
    // A reader that went away (`| head`) is no error.
    writeln!(std::io::stdout().lock(), "{}", text.trim_end()).unwrap_or_default();
}

pub(crate) fn show_config(loaded: &Loaded) {
    let lines: Vec<_> = loaded.layers.effective().collect();
    let width = lines.iter().map(|(key, value, _)| key.len() + value.len() + 3).max().unwrap_or(0).min(60);
    for (key, value, source) in lines {
        say(&format!("{:<width$}  # {source}", format!("{key} = {value}")));
    }
}

pub(crate) fn run(config: &Config, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let service = Service::start(config)?;
    tracing::warn!(door = %service.address(), "started");
    while !stop.load(Ordering::Relaxed) && !service.is_finished() {
        std::thread::sleep(Duration::from_millis(50));
    }
    service.stop().context("the pipeline stopped")
}

/// Asks the program; where nobody runs, the lake alone.
fn ask(config: &Config, question: &str) -> anyhow::Result<api::Answer> {
    let lake = &config.commit.lake.dir;
    if lake.is_dir() && TcpStream::connect(&config.door.listen).is_err() {
        let snapshot =
            sinks::lake::Lake::snapshot(&sinks::disk::Machine, lake, operators::similar::Book::follow())?;
        Ok(api::query_snapshot(&config.door.limits, Arc::new(snapshot), question)?)
    } else {
        Ok(api::query(&config.door.listen, question)?)
    }
}

pub(crate) fn sql(config: &Config, options: &Sql) -> anyhow::Result<()> {
    let answer = ask(config, &options.question)?;
    say(&api::render(&answer.columns, &answer.batches, options.format.into())?);
    if let (Format::Table, Some(epoch)) = (options.format, answer.as_of_epoch) {
        let stale = if answer.stale { ", stale: see `manpasik status`" } else { "" };
        say(&format!("as of epoch {epoch}{stale}"));
    }
    Ok(())
}

/// Checks the whole lake; fails if anything is found.
pub(crate) fn verify_lake(config: &Config) -> anyhow::Result<()> {
    let report = sinks::lake::verify(&sinks::disk::Machine, &config.commit.lake.dir);
    say(&report.to_string());
    if report.ok() { Ok(()) } else { bail!("the lake is not whole: see above, each with its next step") }
}

/// With Kafka it runs beside the pipeline; the embedded log belongs to one process at a time.
pub(crate) fn audit(log: &dyn eventlog::Log) -> anyhow::Result<()> {
    let audit = sinks::audit(log)?;
    say(&audit.to_string());
    if audit.ok() {
        return Ok(());
    }
    bail!(
        "a topic is not as it was committed: tell its consumers to read the tables meanwhile, stop the pipeline, and \
         publish what is missing with `manpasik audit --repair`"
    )
}

/// Publishes again what the topics of results lost.
pub(crate) fn repair(config: &Config) -> anyhow::Result<()> {
    let ground = pipeline::service::ground(config)?;
    let repaired = pipeline::repair::repair(config, &ground, &mut |step| {
        if let Step::Replayed { done: (done, all), .. } = step {
            tracing::info!(done, all, "epochs computed again");
        }
    })?;
    let Some(repaired) = repaired else {
        say("topics: as committed; nothing to repair");
        return Ok(());
    };
    for sinks::Mended { place, published, strange } in repaired.mended {
        say(&format!("{place}: {published} records published again, {strange} that no epoch published left"));
    }
    drop(repaired.standing);
    audit(&*ground.means.log)
}

pub(crate) fn status(config: &Config) -> anyhow::Result<()> {
    let status = api::status(&config.door.listen)?;
    let counts = &status.counts;
    let epoch = status.as_of_epoch.map_or("none yet".into(), |epoch| epoch.to_string());
    say(&format!("{} {}, as of epoch {epoch}", status.state, status.detail.unwrap_or_default()));
    say(&format!(
        "packets in {} · out {} · lost {} · duplicate {} · dead letters {} · windows {} · alert changes {}",
        counts.packets_in,
        counts.packets_out,
        counts.lost,
        counts.duplicates,
        counts.dead_letters,
        counts.windows,
        counts.alerts
    ));
    for input in status.progress {
        let place = format!("{}/{}", input.topic, input.partition);
        say(&format!(
            "{place:<40} next {:>10}  end {:>10}  lag {:>8}",
            input.next_offset, input.end_offset, input.lag
        ));
    }
    Ok(())
}

/// Deletes what this program keeps in the data directory, and nothing else.
pub(crate) fn reset(config: &Config) -> anyhow::Result<()> {
    if config.log.kind == LogKind::Kafka {
        bail!("--reset deletes local data only; to start over on Kafka, delete its topics");
    }
    for dir in [&config.log.embedded.dir, &config.commit.lake.dir, &config.snapshot.dir] {
        remove(dir).with_context(|| format!("could not delete {}", dir.display()))?;
    }
    Ok(())
}

fn remove(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
