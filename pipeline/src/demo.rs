//! Replays recordings as devices would send them, shows what the pipeline makes of them, and proves it.
//!
//! # Layout
//! [`replayer`] writes the recordings to the log, [`screen`] shows progress and alerts, [`audit`]
//! reads every result back, [`accuracy`] compares with monitors and people, [`report`] adds up.

mod accuracy;
mod audit;
mod replayer;
mod report;
mod screen;

use crate::{Error, config::Config, service::Service};
use replayer::Replayer;
use sources::replay::Recordings;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How the demo runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// Event time that passes per second of wall time; `None` is as fast as it goes.
    pub speed: Option<f64>,
    /// End when the recordings end; otherwise keep serving.
    pub exit: bool,
    /// Print the report as one JSON line instead of text, and nothing else on standard output.
    pub json: bool,
    /// Folder of recordings.
    pub recordings: PathBuf,
    /// Replay a few records that cannot be used among the good ones.
    pub spoil: bool,
    /// How many patients are replayed beside the recordings.
    pub patients: u32,
}

/// Looks at the screen and at the stop flag so often.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs the demo until the recordings end (with `exit`) or `stop` is set.
pub fn run(config: &Config, options: &Options, stop: &Arc<AtomicBool>) -> Result<(), Error> {
    let recordings = Recordings::open(&options.recordings)?.with_patients(options.patients);
    let begun = Instant::now();
    let service = Service::start(config)?;
    let address = service.address();
    let mut screen = screen::Screen::open(&service, options, &recordings);
    let replayer = Replayer::start(service.shared(), config, options, &recordings, stop)?;
    let mut finished = false;
    while !stop.load(Ordering::Relaxed) && !service.is_finished() {
        // Asked in this order: what a replay has written stands when it is done.
        let (is_done, progress) = (replayer.is_done(), replayer.progress());
        screen.refresh(progress)?;
        if is_done && progress.written < progress.total {
            // It failed; `join` says why.
            break;
        }
        if !finished && is_done && service.shared().account.counts().records >= progress.total {
            finished = true;
            screen.replayed(address);
            if options.exit {
                break;
            }
        }
        std::thread::sleep(GLANCE);
    }
    stop.store(true, Ordering::Relaxed);
    replayer.join()?;
    let drained = service.drain()?;
    screen.close();
    let audit = audit::read(&drained.shared.log)?;
    let report = report::compile(config, &drained.shared, &recordings, &audit, begun.elapsed());
    drained.close();
    let report = match report {
        // What was committed is safe; a replay that was stopped owes no report.
        Err(error) if !finished => {
            tracing::warn!(%error, "stopped at a committed epoch, without a report");
            return Ok(());
        }
        report => report?,
    };
    if options.json {
        screen::say(&report.json());
    } else {
        screen::say(&report.text());
    }
    Ok(())
}
