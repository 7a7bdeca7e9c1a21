//! Every kernel against its counterpart in numpy, scipy and `PyWavelets`: the same numbers, in the same run, on one thread.
//!
//! Both sides read the same inputs and take turns, kernel by kernel and round by round, so that a busy machine slows both; of
//! each the fastest batch counts. What a program does once is done before the clock starts on either side: a design, a plan,
//! a taper. Calculating and writing the result is timed, and with Python the call: on long recordings, as most cases have,
//! that is nothing; on a window (`welch_30s`, `features`, `hrv`, `theil_sen`), one design or one row, it is part of what
//! an answer costs there. Ratios are times of theirs over ours, above one where ours is faster.
//!
//! Python is `--python`, `$MANPASIK_PYTHON`, the cached environment of the project or `python3`; without the libraries only our
//! times are given.
//!
//! # Invariants
//! - One thread on either side.
//! - A number is only given for right results: ours must be the reference's within the tolerance of the case. Without a
//!   reference nothing but the beats of an electrocardiogram is checked, which is said on standard error.

mod case;
mod cases;
mod reference;
mod signals;

use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::stopwatch::seconds_per_call;
use case::Right;
use reference::Reference;
use signals::Signals;

/// Turns of either side.
const ROUNDS: usize = 7;
/// Batches in a turn, as in `reference.py`.
const BATCHES: usize = 5;

/// What the benchmark of the kernels can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Python with numpy, scipy and `PyWavelets` to compare with.
    #[arg(long, env = "MANPASIK_PYTHON")]
    pub python: Option<PathBuf>,
}

/// Nanoseconds per sample of every kernel, and how many times longer the reference takes.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let signals = Signals::new()?;
    let directory = tempfile::tempdir()?;
    signals.write(directory.path())?;
    let python = args.python.clone().unwrap_or_else(python);
    let mut reference = Reference::start(&python, directory.path())?;
    match &reference {
        Some(reference) => eprintln!("compared with {}", reference.versions),
        None => eprintln!(
            "{} has no numpy, scipy and pywt: nothing is compared, results are not checked",
            python.display()
        ),
    }
    let mut cases = cases::all(&signals)?;
    let mut best = vec![[f64::INFINITY; 2]; cases.len()];
    for round in 0..ROUNDS {
        for (case, best) in cases.iter_mut().zip(&mut best) {
            let ours = seconds_per_call(BATCHES, || (case.work)(&mut case.result))[0];
            best[0] = best[0].min(ours);
            if let (Right::Reference(_), Some(reference)) = (&case.right, &mut reference) {
                best[1] = best[1].min(reference.seconds(case.name)?);
            }
            if round == 0 {
                case.check(reference.as_ref())?;
            }
        }
    }
    let mut metrics = Map::new();
    for (case, [ours, theirs]) in cases.iter().zip(best) {
        let (count, unit) = case.per;
        metrics.insert(format!("{}_ns_per_{unit}", case.name), (ours * 1e9 / count as f64).into());
        if let Right::Reference(_) = case.right {
            let ratio = theirs.is_finite().then(|| theirs / ours);
            metrics.insert(format!("{}_ratio_vs_scipy", case.name), ratio.into());
        }
    }
    Ok(Value::Object(metrics))
}

/// The cached environment of the project, or whatever Python there is.
fn python() -> PathBuf {
    std::env::home_dir()
        .map(|home| home.join(".cache/manpasik/python/bin/python"))
        .filter(|python| python.exists())
        .unwrap_or_else(|| "python3".into())
}
