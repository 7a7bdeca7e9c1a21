//! The whole graph on one screen: one line per step, in the order a datum meets them.
//!
//! This file names steps and does nothing else. Above `Understand` everything is an append-only
//! stream; below it everything is a collection of facts that may be revised.

use eventlog::Record;
use model::{Alert, AlertChange, Fault, Micros, PulseWindow, Session, Vitals};
use operators::{Stream, pulse, risk, sequence::Tally, session, vitals};
use sinks::{Captured, Output, capture};
use timely::dataflow::operators::{Concat, probe::Handle as Probe};

/// What the graph is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Order and windows of pulse sessions.
    pub pulse: pulse::Options,
    /// Rules.
    pub risk: risk::Options,
}

/// Builds the graph over the records of each epoch and the epoch's one clock reading.
pub fn build<'scope>(
    records: Stream<'scope, Record>,
    now: Stream<'scope, Micros>,
    options: &Options,
    probe: &Probe<model::Epoch>,
) -> Results {
    // Arrive.
    let arrived = sources::stream::decode(records);
    let events = vitals::facts(vitals::unique(arrived.events));

    // Understand.
    let pulse = pulse::windows(arrived.packets, now, &options.pulse);
    let vitals = vitals::vitals(events.clone());
    let sessions = session::sessions(events);
    let changes = risk::detect(vitals.clone(), pulse.windows.clone(), &options.risk);
    let alerts = risk::alerts(changes.clone());
    let faults = vitals::facts(arrived.faults.concat(pulse.faults));

    // Keep.
    Results {
        windows: capture(pulse.windows, probe),
        vitals: capture(vitals, probe),
        sessions: capture(sessions, probe),
        alerts: capture(alerts, probe),
        changes: capture(changes, probe),
        faults: capture(faults, probe),
        tallies: capture(vitals::facts(pulse.tallies), probe),
    }
}

/// What comes out of the graph on one worker, until the epoch loop takes it.
#[derive(Debug)]
pub struct Results {
    windows: Captured<PulseWindow>,
    vitals: Captured<Vitals>,
    sessions: Captured<Session>,
    alerts: Captured<Alert>,
    changes: Captured<AlertChange>,
    faults: Captured<Fault>,
    tallies: Captured<Tally>,
}

impl Results {
    /// Takes everything up to and including `epoch`, once the probe has passed it.
    pub fn take(&self, epoch: model::Epoch) -> (Output, Tally) {
        let output = Output {
            windows: self.windows.take(epoch),
            vitals: self.vitals.take(epoch),
            sessions: self.sessions.take(epoch),
            alerts: self.alerts.take(epoch),
            changes: self.changes.take(epoch),
            faults: self.faults.take(epoch),
        };
        let mut tally = Tally::default();
        for (part, _) in self.tallies.take(epoch) {
            tally += part;
        }
        (output, tally)
    }
}
