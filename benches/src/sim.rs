//! The whole pipeline in a world that goes wrong: log, disk, power, workers and time come from one seed.
//!
//! A run is one or more lives of the pipeline. Each begins with a real recovery and ends when its power or its
//! process does, at any operation; the last one ends when everything that was sent is committed. Then everything
//! that is left is compared with a run in which nothing went wrong ([`check`]); in some runs the log then loses records
//! it had promised to keep, and they are published again ([`tear`]).
//!
//! ```text
//! benches sim --seeds 2000 --json        seeds 1 to 2000
//! benches sim --first 17 --seeds 1       seed 17 again, with what went wrong
//! benches sim --plan '{…}'               a plan that was printed, as it is
//! benches sim --bug SkipSync             a bug planted on purpose: how many seeds until it is seen
//! ```
//!
//! # Invariants
//! - A seed decides everything: the same seed is the same run, to the byte.
//! - A failing seed prints how to run it again, and a smaller plan that fails too.

mod check;
mod dice;
mod life;
mod plan;
mod question;
mod shrink;
mod tear;
mod traffic;
mod world;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use life::Ended;
use model::planted::{self, Bug};
use plan::Plan;
use serde_json::{Value, json};
use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use world::{Failure, World};

/// Failures that are shrunk and printed; more are only counted.
const SHOWN: usize = 3;

/// Lives at the end: what was under way when the faults ended may still end the first.
const LAST: u32 = 4;

/// Where the last panic was.
static PLACE: Mutex<String> = Mutex::new(String::new());

/// What to simulate.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Args {
    /// Number of seeds
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Run this plan instead
    #[arg(long, value_name = "JSON")]
    plan: Option<String>,
    /// Plant a bug and say which seed sees it first; `all` does so for every bug there is
    #[arg(long, value_name = "NAME|all")]
    bug: Option<String>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Runs what `args` asks for.
pub(crate) fn run(args: &Args) -> Result<Value> {
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }));
    if let Some(text) = &args.plan {
        let plan: Plan = serde_json::from_str(text).context("this is no plan")?;
        return match simulate(&plan) {
            Ok(()) => Ok(json!({ "seeds": 1, "failures": 0 })),
            Err(failure) => bail!("{}", failure.what),
        };
    }
    match args.bug.as_deref() {
        Some("all") => hunt(args, &Bug::ALL),
        Some(name) => {
            let bug = Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == name);
            let names = Bug::ALL.map(|bug| format!("{bug:?}")).join(", ");
            hunt(args, &[bug.with_context(|| format!("no bug is called {name}; there are {names}"))?])
        }
        None => sweep(args),
    }
}

/// Runs every seed.
fn sweep(args: &Args) -> Result<Value> {
    let begun = Instant::now();
    let failed = try_seeds(args, usize::MAX);
    for (seed, failure) in failed.iter().take(SHOWN) {
        tell(*seed, failure)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let result = json!({
        "seeds": args.seeds,
        "failures": failed.len(),
        "failed": failed.iter().take(20).map(|(seed, _)| *seed).collect::<Vec<_>>(),
        "seeds_per_s": args.seeds as f64 / seconds,
    });
    if failed.is_empty() {
        return Ok(result);
    }
    bail!("{result}")
}

/// How many seeds it takes to see each of `bugs`, which is in the whole process but for the runs that show what is
/// right: one seed after the other.
fn hunt(args: &Args, bugs: &[Bug]) -> Result<Value> {
    let (one_by_one, mut found) = (Args { threads: 1, ..args.clone() }, serde_json::Map::new());
    for bug in bugs {
        planted::plant(Some(*bug));
        let failed = try_seeds(&one_by_one, 1);
        planted::plant(None);
        let (seed, why) = failed.first().map_or((Value::Null, None), |(seed, failure)| {
            (Value::from(*seed), Some(failure.what.chars().take(160).collect::<String>()))
        });
        writeln!(std::io::stderr().lock(), "{bug:?}: seed {seed} {}", why.clone().unwrap_or_default())?;
        found.insert(format!("{bug:?}"), json!({ "seed": seed, "seen_as": why }));
    }
    let unseen = found.values().filter(|seen| seen["seed"].is_null()).count();
    Ok(json!({ "bugs": bugs.len(), "unseen": unseen, "found": found }))
}

/// The seeds that fail, in order; stops soon after `enough` of them.
fn try_seeds(args: &Args, enough: usize) -> Vec<(u64, Failure)> {
    let (next, failed) = (AtomicU64::new(args.first), Mutex::new(Vec::new()));
    let end = args.first + args.seeds;
    std::thread::scope(|scope| {
        for _ in 0..args.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let has = failed.lock().unwrap_or_else(PoisonError::into_inner).len();
                    if seed >= end || has >= enough {
                        return;
                    }
                    if let Err(failure) = simulate(&Plan::of(seed)) {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).push((seed, failure));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|(seed, _)| *seed);
    failed
}

fn tell(seed: u64, failure: &Failure) -> Result<()> {
    let small = shrink::shrink(&Plan::of(seed));
    let mut err = std::io::stderr().lock();
    writeln!(err, "seed {seed}: {}", failure.what)?;
    writeln!(err, "  again:   benches sim --first {seed} --seeds 1")?;
    if let Some((plan, failure)) = small {
        writeln!(err, "  smaller: benches sim --plan '{}'", serde_json::to_string(&plan)?)?;
        writeln!(err, "           {}", failure.what)?;
    }
    Ok(())
}

/// Runs one plan.
fn simulate(plan: &Plan) -> Result<(), Failure> {
    let run = AssertUnwindSafe(|| -> Result<(), Failure> {
        let mut world = World::new(plan);
        for life in &plan.lives {
            if let Ended::Done(_) = life::live(&mut world, life)? {
                return Err(Failure::new("a life that was to end early went on to the end"));
            }
        }
        for _ in 0..LAST {
            world.rest();
            if let Ended::Done(rest) = life::live(&mut world, &plan.last)? {
                check::check(&world, &rest, check::Order::Published)?;
                return if plan.torn > 0 { tear::tear(&mut world, *rest) } else { Ok(()) };
            }
        }
        let said = world.said.unwrap_or_default();
        Err(Failure::new(format!("the last life ended early although nothing went wrong: {said}")))
    });
    catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Failure::new(format!("panicked{place}: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use super::{Plan, simulate};

    /// A handful; the sweep of thousands is `benches sim`.
    #[test]
    fn a_few_seeds_leave_what_no_fault_leaves() {
        for seed in 1..=8 {
            simulate(&Plan::of(seed)).unwrap_or_else(|failure| panic!("seed {seed}: {}", failure.what));
        }
    }
}
