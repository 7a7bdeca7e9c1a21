//! The graph of all stateful steps, run in stretches: at the end of each the states leave, and the next
//! begins with them on another number of workers.

use differential_dataflow::VecCollection;
use model::{Datum, Epoch, Input, Micros, Tick, state::Export};
use operators::{
    Stream, arrival, calibration, coaching, daily, glucose, laboratory, letters, notify, record,
    risk::{self, analysis, bound, detected, edition, person, said, watch},
    sequence::Tally,
    session, signals,
    state::{Memory, States},
    supply, vitals,
};
use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    Concat,
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::{Map, input::Input as _},
};

pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const HORIZON: Micros = 40 * SECOND;
/// How long a session that fell silent is remembered where its packets are read.
const FORGET: Micros = 40 * SECOND;

/// One epoch: its tick, and its data by the order in which they were read.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) tick: Tick,
    pub(crate) data: Vec<Datum>,
}

/// What came out: how often each row, by epoch.
pub(crate) type Out = BTreeMap<(Epoch, String), i64>;
/// What was exported: how often each step, key and value.
pub(crate) type State = BTreeMap<(String, Vec<u8>, Vec<u8>), usize>;

pub(crate) fn signal_options() -> signals::Options {
    let mut options = signals::Options::specified();
    options.pulse.window_s = 15;
    options.pulse.sequence.reorder_ms = 1_500;
    options.pulse.sequence.silence_s = 20;
    options.pulse.sequence.forget_s = (FORGET / SECOND) as u32;
    options.respiration.window_s = 30;
    options.respiration.hop_s = 5;
    options.ecg.window_s = 20;
    options.ecg.hop_s = 5;
    options.cartridge.features.hop_s = 3;
    options
}

fn risk_options() -> risk::Options {
    let watch = |raise_after_seconds, raise_after_observations| watch::Options {
        raise_after_seconds,
        raise_after_observations,
        clear_after_seconds: 8,
    };
    risk::Options {
        news2: bound::Options { max_age_minutes: 1, watch: watch(5, u32::MAX) },
        pulse: watch(u32::MAX, 2),
        rules: person::Options { max_age_minutes: 1, repeat_after_seconds: 5, watch: watch(5, u32::MAX) },
    }
}

/// Builds the graph, whose steps forget after `remembered`; what comes out is rows as text with their differences.
fn build<'scope>(
    data: Stream<'scope, Datum>,
    ticks: Stream<'scope, Tick>,
    remembered: Micros,
    states: &States,
) -> Stream<'scope, (String, i64)> {
    let memory = Memory { ticks, horizon: HORIZON, states: states.clone() };
    let arrived = arrival::in_time(data, &memory);
    let memory = Memory { horizon: remembered, ..memory };
    let events = vitals::facts(vitals::unique(arrived.events, &memory));
    let found = signals::read(arrived.packets, &signal_options(), &memory);
    let vitals = vitals::vitals(events.clone());
    let rules = edition::published(events.clone());
    let calibrations = calibration::calibrations(events.clone(), &memory);
    let cartridges = supply::cartridges(events.clone(), &memory);
    let readings = glucose::readings(events.clone());
    let worn = glucose::windows(readings.clone(), &memory);
    let turns = laboratory::turns(events.clone(), &memory);
    let said = said::said(vitals.clone(), found.measurements.clone(), events.clone())
        .concat(said::worn(readings.clone(), worn.clone()))
        .concat(said::examined(turns.clone()));
    let analyses = analysis::analyses(found.measurements.clone(), events.clone(), rules.clone(), &memory);
    let coachings = coaching::coachings(analyses.clone(), &memory);
    let records = record::records(found.measurements.clone(), analyses.clone(), &memory);
    let sessions = session::sessions(events.clone(), found.streamed.clone(), FORGET, &memory);
    let beginnings = session::beginnings(found.streamed.clone());
    let ends = session::ends(found.streamed);
    let changes =
        risk::detect(vitals.clone(), found.windows.clone(), said, rules.clone(), &risk_options(), &memory);
    let alerts = risk::alerts(changes.clone(), &memory);
    let detected = detected::detected(changes.clone(), events.clone(), rules, &memory);
    // Those of a session that was silent for long begin anew, and days would count that.
    let lasting = changes.clone().filter(|(change, _)| change.rule != model::Rule::PulseBand);
    let days = daily::days(events.clone(), analyses.clone(), lasting, &memory);
    let causes = notify::Causes {
        risks: detected.clone(),
        coachings: coachings.clone(),
        summaries: days.summaries.clone(),
        goals: days.goals.clone(),
    };
    // Long enough for some, too short for what comes late.
    let notified = notify::notify(events, causes, notify::Options { max_age_s: 15 }, &memory);
    text(vitals)
        .concat(text(sessions))
        .concat(text(beginnings))
        .concat(text(ends))
        .concat(text(calibrations))
        .concat(text(cartridges))
        .concat(text(alerts))
        .concat(text(changes))
        .concat(text(analyses))
        .concat(text(coachings))
        .concat(text(days.summaries))
        .concat(text(days.goals))
        .concat(text(notified.sent))
        .concat(text(notified.listed))
        .concat(text(notified.unread))
        .concat(text(records))
        .concat(text(glucose::episodes(readings, &memory)))
        .concat(text(worn))
        .concat(text(laboratory::results(turns)))
        .concat(text(detected))
        .concat(text(found.windows))
        .concat(text(found.breathings))
        .concat(text(found.beats))
        .concat(text(found.rhythms))
        .concat(text(found.measurements))
        .concat(text(found.fingerprints))
        .concat(text(found.features))
        .concat(text(letters::standing(arrived.faults.concat(found.faults), arrived.again, &memory)))
        // A tally is of a worker; added up, it is of the epoch.
        .concat(found.tallies.flat_map(counts))
}

fn text<R: Debug + Clone + 'static>(rows: VecCollection<'_, Epoch, R, i64>) -> Stream<'_, (String, i64)> {
    rows.inner.map(|(row, _epoch, diff)| (format!("{row:?}"), diff))
}

fn counts(tally: Tally) -> impl Iterator<Item = (String, i64)> {
    let text = format!("{tally:?}");
    let fields: Vec<_> = text.trim_start_matches("Tally { ").trim_end_matches(" }").split(", ").collect();
    let count = |field: &str| {
        let (name, count) = field.split_once(": ").unwrap();
        (format!("tally {name}"), count.parse().unwrap())
    };
    fields.into_iter().map(count).collect::<Vec<_>>().into_iter()
}

/// The worker that reads a lane.
fn home(datum: &Datum, workers: usize) -> usize {
    let origin = datum.origin();
    origin.input.lane(origin.partition) as usize % workers
}

/// What a stretch led to.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    pub(crate) out: Out,
    /// The states after each of the epochs that were asked for.
    pub(crate) states: BTreeMap<usize, Vec<Export>>,
    /// Entries that all workers together remembered after each epoch.
    pub(crate) entries: Vec<usize>,
}

/// Runs `feeds` from number `first` on `workers` workers that begin with `states`; exports after the epochs in `cuts`.
pub(crate) fn run(
    feeds: &[Feed],
    first: usize,
    workers: usize,
    states: &[Export],
    cuts: &[usize],
) -> Stretch {
    remembering(HORIZON, feeds, first, workers, states, cuts)
}

/// As [`run`], with steps that forget after `remembered` behind an arrival that refuses what is older than the horizon.
pub(crate) fn remembering(
    remembered: Micros,
    feeds: &[Feed],
    first: usize,
    workers: usize,
    states: &[Export],
    cuts: &[usize],
) -> Stretch {
    let (feeds, states, cuts) = (Arc::new(feeds.to_vec()), Arc::new(states.to_vec()), cuts.to_vec());
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (own, probe) = (States::default(), Handle::new());
        let (mut data, mut ticks, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (data, data_stream) = scope.new_input();
            let (ticks, tick_stream) = scope.new_input();
            let out = build(data_stream, tick_stream, remembered, &own);
            (data, ticks, out.probe_with(&probe).capture())
        });
        let (index, peers) = (worker.index(), worker.peers());
        for export in states.iter() {
            own.import(export, index, peers).unwrap();
        }
        data.advance_to(first as Epoch);
        ticks.advance_to(first as Epoch);
        let (mut exports, mut entries) = (BTreeMap::new(), Vec::new());
        for (number, feed) in (first..).zip(feeds.iter()) {
            let mine = feed.data.iter().filter(|datum| home(datum, peers) == index);
            for datum in mine.cloned() {
                data.send(datum);
            }
            ticks.send(feed.tick);
            data.advance_to(number as Epoch + 1);
            ticks.advance_to(number as Epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(number as Epoch + 1)));
            entries.push(own.len());
            if cuts.contains(&number) {
                own.begin();
                let mut export = Vec::new();
                while !own.export(5, &mut export) {}
                exports.insert(number, export);
            }
        }
        drop((data, ticks));
        while worker.step() {}
        sender.send((captured, exports, entries)).unwrap();
    });
    drop(guards.unwrap());
    let mut stretch = Stretch::default();
    for (captured, exports, entries) in receiver {
        for (epoch, rows) in captured.extract() {
            for (row, diff) in rows {
                *stretch.out.entry((epoch, row)).or_default() += diff;
            }
        }
        for (cut, export) in exports {
            stretch.states.entry(cut).or_default().extend(export);
        }
        stretch.entries.resize(entries.len(), 0);
        for (all, own) in stretch.entries.iter_mut().zip(entries) {
            *all += own;
        }
    }
    stretch.out.retain(|_, count| *count != 0);
    stretch
}

/// Exports by content, whoever made them.
pub(crate) fn content(exports: &[Export]) -> State {
    let mut state = State::new();
    for export in exports {
        for (key, value) in export.pieces.iter() {
            *state.entry((export.of.step.clone(), key.to_vec(), value.to_vec())).or_default() += 1;
        }
    }
    state
}

/// Gives each epoch its tick: the watermark is the least of the lanes that had a record in the last four epochs, as it
/// was before the epoch.
pub(crate) fn ticked(epochs: Vec<(Micros, Vec<Datum>)>) -> Vec<Feed> {
    let mut lanes = BTreeMap::<(Input, u32), (usize, Micros)>::new();
    let (mut feeds, mut watermark, mut latest) = (Vec::new(), Micros::MIN, Micros::MIN);
    for (number, (now, data)) in epochs.into_iter().enumerate() {
        let busy = lanes.values().filter(|(last, _)| last + 4 >= number);
        watermark = watermark.max(busy.map(|(_, newest)| *newest).min().unwrap_or(watermark));
        for datum in &data {
            let origin = datum.origin();
            let lane = lanes.entry((origin.input, origin.partition)).or_insert((0, Micros::MIN));
            *lane = (number, lane.1.max(datum.recorded_at()));
        }
        latest = latest.max(now);
        feeds.push(Feed { tick: Tick { now: latest, watermark }, data });
    }
    feeds
}
