//! The `manpasik` command line: parses, loads the configuration, and calls what does the work.

mod commands;

use anyhow::Context;
use clap::Parser;
use commands::{Cli, Command};
use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

/// Threads allocate what other threads free: the system's allocator keeps much of that.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    commands::start_logging(&cli);
    abort_on_panic();
    #[cfg(feature = "planted")]
    arm();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let loaded = commands::load(cli)?;
    let stop = Arc::new(AtomicBool::new(false));
    match &cli.command {
        Command::Config => commands::show_config(&loaded),
        Command::Sql(options) => commands::sql(&loaded.config, options)?,
        Command::Dlq(dlq) => commands::dlq::run(&loaded.config, dlq)?,
        Command::Explain(options) => commands::explain::run(&loaded.config, options)?,
        Command::Calibrate(options) => commands::calibrate::run(&loaded.config, options)?,
        Command::Rules(what) => commands::rules::run(&loaded.config, what)?,
        Command::Status => commands::status(&loaded.config)?,
        Command::Audit { repair: false } => commands::audit(&*pipeline::service::open_log(&loaded.config)?)?,
        Command::Audit { repair: true } => commands::repair(&loaded.config)?,
        Command::Lake(commands::Lake::Verify) => commands::verify_lake(&loaded.config)?,
        Command::Run => {
            stop_on_signals(&stop)?;
            commands::run(&loaded.config, &stop)?;
        }
        Command::Demo(options) => {
            stop_on_signals(&stop)?;
            if options.reset {
                commands::reset(&loaded.config)?;
            }
            pipeline::demo::run(&loaded.config, &options.into(), &stop)?;
        }
    }
    Ok(())
}

/// Ends the process where the test wants it: `PLANTED_STOP=Step:passes`.
#[cfg(feature = "planted")]
fn arm() {
    let Ok(place) = std::env::var("PLANTED_STOP") else { return };
    let (step, passes) = place.split_once(':').expect("PLANTED_STOP is Step:passes");
    let step = model::planted::Step::named(step).expect("PLANTED_STOP names a step");
    model::planted::stop_at(step, passes.parse().expect("passes are a number"));
}

/// The first Ctrl-C or SIGTERM drains to a committed epoch; the second ends at once, which is safe too.
fn stop_on_signals(stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(stop)))
            .context("could not listen for signals")?;
    }
    Ok(())
}

/// A pipeline thread that panics must not leave the others waiting: the whole process ends, and recovery
/// does the rest. A panic while a question is answered ends that answer only.
fn abort_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        if !std::thread::current().name().is_some_and(|name| api::THREADS.contains(&name)) {
            std::process::abort();
        }
    }));
}
