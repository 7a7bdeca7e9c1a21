//! Why an alert was raised: computed again from just its inputs, by the graph and the configuration that run now.
//!
//! ```text
//! published   the topic of alerts: which changes of each alert stand there, after all that was withdrawn
//! wanted      whose records an alert rests on: those of a person, or of a session
//! lanes       these records, read from the log and cut into the epochs that were bound
//! here        the graph over them, told the time as it was told then, and what it says of these alerts
//! compare     both, byte for byte; or the fields that differ
//! ```
//! What SQL says of an alert, `explain('…')`, is the table function of that name in `api`; [`about`] tells it what this
//! program is.
//!
//! # Invariants
//! - Nothing is written, and the graph sees no record but those an alert rests on.
//! - What comes out is compared as it would be published: key, value, headers and time of each record.
//! - Values are health data: a report names the fields that differ, and holds values for who asks to see them.
//!
//! # What "the same" means
//! Topics cannot take back, so an alert may have been told, withdrawn and told differently. What must come out again is
//! what stands on the topic: every change that was not withdrawn, and no other. A running pipeline goes on meanwhile:
//! what stands must be what came out of some epoch that was committed while the topic was read.

mod compare;
mod describe;
mod lanes;
mod published;
mod wanted;

pub use compare::{Difference, Field};
pub use describe::about;
pub use lanes::Used;

use crate::{Error, config::Config, recover, service::take_log, workers::Workers};
use eventlog::Log;
use lanes::Lanes;
use model::{Epoch, EventId, time::SECOND};
use published::{Alert, Published, Standing};
use sinks::{Binding, History, topics};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use wanted::Wanted;

/// Which alerts are meant.
#[derive(Clone, Copy, Debug)]
pub enum Selection {
    /// This one.
    One(EventId),
    /// All there are, or the first so many in the order of their ids.
    All(Option<usize>),
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The alerts, by id.
    pub alerts: Vec<Rederived>,
    /// Epochs that the graph was told of.
    pub epochs: u64,
    /// Versions of the code that computed these epochs, in their order.
    pub code: Vec<String>,
    /// How long the graph and the reading took.
    pub took: Duration,
}

/// One alert, derived again.
#[derive(Clone, Debug)]
pub struct Rederived {
    /// The alert.
    pub alert: EventId,
    /// Its rule.
    pub rule: String,
    /// Version of the rule, as the newest change has it.
    pub rule_version: String,
    /// Changes that stand on the topic.
    pub standing: usize,
    /// Changes that were withdrawn.
    pub withdrawn: u64,
    /// What was read and used for it.
    pub used: Vec<Used>,
    /// What came out.
    pub verdict: Verdict,
}

/// What came out.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The same bytes.
    Identical,
    /// Something else, and there is nothing that could be missing.
    Differs(Vec<Difference>),
    /// Something else, and input it may need was deleted from the log: from which offset on each partition still is.
    Gone(Vec<Used>),
}

impl Report {
    /// Whether everything came out as it stands.
    pub fn is_identical(&self) -> bool {
        self.alerts.iter().all(|alert| matches!(alert.verdict, Verdict::Identical))
    }
}

/// Derives the selected alerts again.
///
/// # Errors
/// [`Error::Unexplained`] if there is no such alert; [`Error::Held`] while another process holds the embedded log; those
/// of the log.
pub fn replay(config: &Config, selection: Selection) -> Result<Report, Error> {
    let log = take_log(config)?;
    let log = &*log;
    // First, so that every alert on the topic is of an epoch that is known in the end.
    let mut history = History::open(log).map_err(nothing_there)?;
    let before = history.end();
    let published = Published::read(log)?;
    history.extend(log)?;
    let selected = published.select(selection)?;
    let begun = Instant::now();
    let mut here = Here::begin(config, log, &selected)?;
    let mut settled = false;
    while let Some((offset, binding)) = history.next_epoch()? {
        if offset >= before && !settled {
            here.settle(&selected);
            settled = true;
        }
        let touched = here.step(&binding)?;
        if settled {
            here.settle(selected.iter().filter(|alert| touched.contains(&alert.id)));
        }
    }
    if !settled {
        here.settle(&selected);
    }
    let alerts = here.report(&selected, &published);
    let Here { epochs, code, .. } = here;
    Ok(Report { alerts, epochs, code, took: begun.elapsed() })
}

fn nothing_there(error: sinks::Error) -> Error {
    match error {
        sinks::Error::Log(eventlog::Error::UnknownPartition(_)) => Error::Unexplained(
            "nothing was ever committed to this log: name the one that was, with --data-dir or --brokers"
                .into(),
        ),
        error => error.into(),
    }
}

/// The graph over the records of the alerts.
struct Here {
    wanted: Wanted,
    lanes: Lanes,
    workers: Workers,
    /// Of alerts that came out: what stands.
    standing: BTreeMap<EventId, Alert>,
    same: BTreeSet<EventId>,
    epochs: u64,
    code: Vec<String>,
}

impl Here {
    fn begin(config: &Config, log: &dyn Log, selected: &[&Alert]) -> Result<Self, Error> {
        let wanted = Wanted::of(selected);
        let horizon = i64::from(config.epoch.horizon_s) * SECOND;
        Ok(Self {
            lanes: Lanes::open(log, &wanted, horizon)?,
            workers: Workers::start(&config.workers, &recover::graph(config))?,
            wanted,
            standing: BTreeMap::new(),
            same: BTreeSet::new(),
            epochs: 0,
            code: Vec::new(),
        })
    }

    /// Computes an epoch; gives the alerts it changed.
    fn step(&mut self, binding: &Binding) -> Result<BTreeSet<EventId>, Error> {
        let records = self.lanes.take(&self.wanted, binding)?;
        // Before its first record nothing can come of time.
        if self.epochs == 0 && records.iter().all(|(_, records)| records.is_empty()) {
            return Ok(BTreeSet::new());
        }
        self.epochs += 1;
        if self.code.last() != Some(&binding.code_version) {
            self.code.push(binding.code_version.clone());
        }
        let epoch: Epoch = binding.epoch;
        self.workers.feed(epoch, recover::tick(binding), records)?;
        let (output, _) = self.workers.collect(epoch)?;
        let mut touched = BTreeSet::new();
        // Which partition they would go to is not compared: topics may grow.
        for draft in topics::alerts(&output.changes, 1) {
            let told = Standing::told(draft.key, draft.value, draft.headers, draft.timestamp_ms);
            touched.insert(published::take(&mut self.standing, told)?);
        }
        Ok(touched)
    }

    /// Remembers which alerts are now what is published.
    fn settle<'a>(&mut self, alerts: impl IntoIterator<Item = &'a &'a Alert>) {
        for alert in alerts {
            let nothing = Standing::default();
            let here = self.standing.get(&alert.id).map_or(&nothing, |alert| &alert.standing);
            if alert.standing.is_same(here) {
                self.same.insert(alert.id);
            }
        }
    }

    fn report(&self, selected: &[&Alert], published: &Published) -> Vec<Rederived> {
        let rederived = |alert: &&Alert| {
            let nothing = Standing::default();
            let here = self.standing.get(&alert.id).map_or(&nothing, |alert| &alert.standing);
            let need = wanted::need(alert);
            let verdict = if self.same.contains(&alert.id) {
                Verdict::Identical
            } else {
                match self.lanes.gone(&need) {
                    gone if gone.is_empty() => Verdict::Differs(compare::differences(&alert.standing, here)),
                    gone => Verdict::Gone(gone),
                }
            };
            Rederived {
                alert: alert.id,
                rule: alert.rule.clone(),
                rule_version: alert.rule_version.clone(),
                standing: alert.standing.count(),
                withdrawn: alert.standing.withdrawn(),
                used: self.lanes.used(&need),
                verdict,
            }
        };
        let nobody_published = self.standing.values().filter(|here| {
            let of_a_rule_that_is_whole = |alert: &&Alert| {
                alert.rule == here.rule && wanted::need(alert).whose == wanted::need(here).whose
            };
            here.standing.count() > 0
                && !published.has(here.id)
                && selected.iter().any(of_a_rule_that_is_whole)
        });
        let nobody_published = nobody_published.map(|here| Rederived {
            alert: here.id,
            rule: here.rule.clone(),
            rule_version: here.rule_version.clone(),
            standing: 0,
            withdrawn: 0,
            used: self.lanes.used(&wanted::need(here)),
            verdict: Verdict::Differs(compare::differences(&Standing::default(), &here.standing)),
        });
        selected.iter().map(rederived).chain(nobody_published).collect()
    }
}
