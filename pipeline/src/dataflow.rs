//! The whole graph on one screen: one line per step, in the order a datum meets them.
//!
//! This file names steps and does nothing else. Above `Understand` everything is an append-only
//! stream; below it everything is a collection of facts that may be revised.

pub use crate::results::Results;

use eventlog::Record;
use model::time::SECOND;
use operators::{
    Stream, arrival, calibration, coaching, daily, glucose, laboratory, letters, notify, record,
    risk::{self, analysis, detected, edition, published, said},
    session, signals,
    state::{Memory, States},
    supply, vitals,
};
use sinks::capture;
use timely::dataflow::operators::{Concat, probe::Handle as Probe};

/// What the graph is told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Order and windows of the sessions of devices.
    pub signals: signals::Options,
    /// Rules.
    pub risk: risk::Options,
    /// What people are told.
    pub notify: notify::Options,
    /// What is older than the newest data by more than this comes too late, seconds.
    pub horizon_s: u32,
}

/// Builds the graph over the records of each epoch and its one tick, which every worker is given.
pub fn build<'scope>(
    records: Stream<'scope, Record>,
    ticks: Stream<'scope, model::Tick>,
    options: &Options,
    states: &States,
    probe: &Probe<model::Epoch>,
) -> Results {
    // Arrive.
    let memory = Memory { ticks, horizon: i64::from(options.horizon_s) * SECOND, states: states.clone() };
    let arrived = arrival::in_time(published::checked(sources::stream::decode(records)), &memory);
    let events = vitals::facts(vitals::unique(arrived.events, &memory));

    // Understand.
    let signals = signals::read(arrived.packets, &options.signals, &memory);
    let vitals = vitals::vitals(events.clone());
    let rules = edition::published(events.clone());
    let calibrations = calibration::calibrations(events.clone(), &memory);
    let cartridges = supply::cartridges(events.clone(), &memory);
    let forget = i64::from(options.signals.pulse.sequence.forget_s) * SECOND;
    let readings = glucose::readings(events.clone());
    let worn = glucose::windows(readings.clone(), &memory);
    let episodes = glucose::episodes(readings.clone(), &memory);
    let turns = laboratory::turns(events.clone(), &memory);
    let said = said::said(vitals.clone(), signals.measurements.clone(), events.clone())
        .concat(said::worn(readings.clone(), worn.clone()))
        .concat(said::examined(turns.clone()));
    let analyses = analysis::analyses(signals.measurements.clone(), events.clone(), rules.clone(), &memory);
    let coachings = coaching::coachings(analyses.clone(), &memory);
    let records = record::records(signals.measurements.clone(), analyses.clone(), &memory);
    let sessions = session::sessions(events.clone(), signals.streamed.clone(), forget, &memory);
    let beginnings = session::beginnings(signals.streamed.clone());
    let ends = session::ends(signals.streamed);
    let changes =
        risk::detect(vitals.clone(), signals.windows.clone(), said, rules.clone(), &options.risk, &memory);
    let alerts = risk::alerts(changes.clone(), &memory);
    let detected = detected::detected(changes.clone(), events.clone(), rules, &memory);
    let days = daily::days(events.clone(), analyses.clone(), changes.clone(), &memory);
    let (risks, summaries, goals) = (detected.clone(), days.summaries.clone(), days.goals.clone());
    let causes = notify::Causes { risks, coachings: coachings.clone(), summaries, goals };
    let notified = notify::notify(events, causes, options.notify, &memory);
    let faults = letters::standing(arrived.faults.concat(signals.faults), arrived.again, &memory);

    // Keep.
    Results {
        windows: capture(signals.windows.map(|(window, _heard)| window), probe),
        vitals: capture(vitals, probe),
        sessions: capture(sessions, probe),
        alerts: capture(alerts, probe),
        changes: capture(changes.map(|(change, _heard)| change), probe),
        faults: capture(faults, probe),
        breathings: capture(signals.breathings, probe),
        beats: capture(signals.beats, probe),
        rhythms: capture(signals.rhythms, probe),
        measurements: capture(signals.measurements, probe),
        fingerprints: capture(signals.fingerprints, probe),
        calibrations: capture(calibrations, probe),
        cartridges: capture(cartridges, probe),
        features: capture(signals.features, probe),
        beginnings: capture(beginnings, probe),
        ends: capture(ends, probe),
        analyses: capture(analyses, probe),
        coachings: capture(coachings, probe),
        summaries: capture(days.summaries, probe),
        goals: capture(days.goals, probe),
        sent: capture(notified.sent, probe),
        notifications: capture(notified.listed, probe),
        unread: capture(notified.unread, probe),
        records: capture(records, probe),
        glucose: capture(readings, probe),
        worn: capture(worn, probe),
        episodes: capture(episodes, probe),
        laboratory: capture(laboratory::results(turns), probe),
        detected: capture(detected, probe),
        tallies: capture(vitals::facts(signals.tallies), probe),
    }
}
