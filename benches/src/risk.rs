//! How fast rules follow people: vital signs in, changes of alerts out, on one worker.
//!
//! 100,000 people with a profile send all eight vital signs, and every rule that ships judges them. `updates` are values of
//! parameters: an observation brings eight. At full speed an epoch is one observation of everybody; then 100,000 updates
//! a second come in epochs of 100 ms, and only what an epoch takes to compute is timed. Last a limit changes that everybody
//! is judged by: `reevaluate_100k_s` is until all were judged by it.
//!
//! # Invariants
//! - Only feeding and computing are timed; observations are made before.
//! - A number is only given for right results: whoever is ill is alerted, by every rule that has to, and nobody else; by
//!   the changed limit everybody who is well is.

use anyhow::{Result, ensure};
use differential_dataflow::AsCollection;
use model::{
    AlertChange, ChangeKind, Consciousness, Date, DomainEvent, EventId, Input, Measurement, Micros, Number,
    Origin, Profile, ProfileUpdated, PulseWindow, RulesPublished, Sex, Tick, UserId, Vitals, time::SECOND,
};
use operators::{
    risk::{self, edition, said, set::Rulebook},
    state::{Memory, States},
};
use pipeline::{config, recover};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::{Duration, Instant},
};
use timely::dataflow::operators::{
    Inspect,
    probe::{Handle, Probe},
    vec::Input as _,
};

const PEOPLE: u32 = 100_000;
/// Values of parameters in an observation.
const VALUES: u32 = 8;
/// Observations of everybody at full speed, and how many are not counted: nothing is known before the first.
const ROUNDS: u32 = 8;
const FIRST: u32 = 2;
/// Epochs at 100,000 updates a second, and the event time of each.
const EPOCHS: u32 = 300;
const EPOCH_US: Micros = SECOND / 10;
const UPDATES: u32 = 100_000 / 10;
/// 2026-01-01T00:00:00Z.
const START: Micros = 1_767_225_600 * SECOND;
/// One of so many people is ill.
const ILL: u32 = 100;

type Change = (AlertChange, Micros);

/// Updates per second and core, and what epochs take.
pub(crate) fn run() -> Result<BTreeMap<String, f64>> {
    let options = recover::graph(&config::load(config::Layers::defaults())?.config);
    timely::execute_directly(move |worker| {
        let probe = Handle::new();
        let changes = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::clone(&changes);
        let (mut vitals, mut profiles, mut ticks) = worker.dataflow::<u64, _, _>(|scope| {
            let (vitals, vitals_stream) = scope.new_input::<(Vitals, u64, i64)>();
            let (profiles, profile_stream) = scope.new_input::<(DomainEvent, u64, i64)>();
            let (_results, results) = scope.new_input::<(Measurement, u64, i64)>();
            let (_windows, windows) = scope.new_input::<((PulseWindow, Micros), u64, i64)>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let horizon = Micros::from(options.horizon_s) * SECOND;
            let memory = Memory { ticks: tick_stream, horizon, states: States::default() };
            let (vitals_stream, events) = (vitals_stream.as_collection(), profile_stream.as_collection());
            let said = said::said(vitals_stream.clone(), results.as_collection(), events.clone());
            let rules = edition::published(events);
            let found =
                risk::detect(vitals_stream, windows.as_collection(), said, rules, &options.risk, &memory);
            let found =
                found.inner.inspect(move |(change, _, diff)| told.borrow_mut().push((change.clone(), *diff)));
            found.probe_with(&probe);
            (vitals, profiles, ticks)
        });
        let mut epoch = 0;
        let mut compute = |at: Micros, people: Vec<DomainEvent>, seen: Vec<Vitals>| {
            let mut seen: Vec<_> = seen.into_iter().map(|vitals| (vitals, epoch, 1)).collect();
            let mut people: Vec<_> = people.into_iter().map(|profile| (profile, epoch, 1)).collect();
            let begun = Instant::now();
            vitals.send_batch(&mut seen);
            profiles.send_batch(&mut people);
            ticks.send(Tick { now: at, watermark: at });
            epoch += 1;
            vitals.advance_to(epoch);
            profiles.advance_to(epoch);
            ticks.advance_to(epoch);
            worker.step_while(|| probe.less_than(&epoch));
            begun.elapsed()
        };
        compute(START, (0..PEOPLE).map(profile).collect(), Vec::new());
        let mut busy = Duration::ZERO;
        for round in 0..ROUNDS {
            let at = START + Micros::from(round + 1) * 30 * SECOND;
            let took =
                compute(at, Vec::new(), (0..PEOPLE).map(|person| observed(person, round, at)).collect());
            busy += if round < FIRST { Duration::ZERO } else { took };
        }
        let from = START + Micros::from(ROUNDS + 1) * 30 * SECOND;
        let some = UPDATES / VALUES;
        let epochs: Vec<_> = (0..EPOCHS)
            .map(|number| {
                let at = from + Micros::from(number) * EPOCH_US;
                let people = (0..some).map(|place| (number * some + place) % PEOPLE);
                compute(at, Vec::new(), people.map(|person| observed(person, ROUNDS + number, at)).collect())
            })
            .collect();
        let told = changes.take();
        let at = from + Micros::from(EPOCHS) * EPOCH_US;
        let reevaluated = compute(at, vec![rules(at)], Vec::new());
        // A pressure must hold its level for 60 s, which began when the limit changed.
        let (at, round) = (at + 60 * SECOND, ROUNDS + EPOCHS);
        compute(at, Vec::new(), (0..PEOPLE).map(|person| observed(person, round, at)).collect());
        Took { busy, epochs, reevaluated }.report(&told, &changes.take())
    })
}

/// How long it took.
struct Took {
    /// Rounds at full speed.
    busy: Duration,
    epochs: Vec<Duration>,
    /// A limit that changed.
    reevaluated: Duration,
}

impl Took {
    fn report(mut self, told: &[(Change, i64)], changed: &[(Change, i64)]) -> Result<BTreeMap<String, f64>> {
        check(told)?;
        check_changed(changed)?;
        let epochs = &mut self.epochs;
        epochs.sort_unstable();
        let updates = f64::from(PEOPLE * VALUES * (ROUNDS - FIRST)) / self.busy.as_secs_f64();
        let p99 = epochs[epochs.len() * 99 / 100].as_secs_f64() * 1e3;
        Ok([
            ("updates_per_s", updates),
            ("observations_per_s", updates / f64::from(VALUES)),
            ("p50_epoch_ms", epochs[epochs.len() / 2].as_secs_f64() * 1e3),
            ("p99_epoch_ms", p99),
            ("reevaluate_100k_s", self.reevaluated.as_secs_f64()),
            ("changes", told.len() as f64),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into())
    }
}

/// Everybody who is ill has an alert of the score and of the blood pressure, and nobody else has any.
fn check(changes: &[(Change, i64)]) -> Result<()> {
    let mut raised = BTreeMap::<&str, u32>::new();
    let ill: BTreeSet<UserId> = (0..PEOPLE / ILL).map(|number| user(number * ILL)).collect();
    for ((change, _), diff) in changes {
        ensure!(*diff == 1, "nothing was taken back");
        ensure!(ill.contains(&change.user), "somebody who is well was alerted by {}", change.rule.id());
        if change.kind == ChangeKind::Raised {
            *raised.entry(change.rule.id()).or_default() += 1;
        }
    }
    let all = PEOPLE / ILL;
    for rule in ["news2.lower_bound", "blood_pressure.kr"] {
        ensure!(raised.get(rule) == Some(&all), "{rule} did not raise an alert for all of {all}: {raised:?}");
    }
    Ok(())
}

/// Everybody who is well was found by the changed limit, from when it changed on.
fn check_changed(changes: &[(Change, i64)]) -> Result<()> {
    let is_found = |change: &AlertChange| {
        (change.kind, change.rule.id(), change.rule.version())
            == (ChangeKind::Raised, "blood_pressure.kr", CHANGED)
            && change.evidence.spans.iter().any(|span| span.input == Input::Rules)
    };
    let found = changes.iter().filter(|((change, _), diff)| *diff == 1 && is_found(change)).count();
    let well = PEOPLE - PEOPLE / ILL;
    ensure!(found == well as usize, "the changed limit was found for {found} of {well}");
    Ok(())
}

/// Version of the changed set.
const CHANGED: &str = "bench";

/// Blood pressure with 110 mmHg instead of 130 as the limit of prehypertension.
fn rules(at: Micros) -> DomainEvent {
    let shipped = Rulebook::text("blood_pressure").expect("it ships");
    let changed = shipped
        .replacen("below = 120", "below = 105", 1)
        .replacen("at_least = 120, below = 130", "at_least = 105, below = 110", 1)
        .replacen("at_least = 130", "at_least = 110", 1);
    let text = changed.replace("version = \"1.0\"", &format!("version = \"{CHANGED}\""));
    DomainEvent::Rules(RulesPublished {
        at,
        event: EventId::derive(&["rules"]),
        set: "blood_pressure".to_owned(),
        text: text.replace("effective = 2026-11-21", "effective = 2026-01-01"),
        origin: Origin { input: Input::Rules, partition: 0, offset: 0 },
    })
}

fn user(person: u32) -> UserId {
    UserId::derive(&["bench", &person.to_string()])
}

fn profile(person: u32) -> DomainEvent {
    let profile = Profile {
        birth_date: Date::of(START - Micros::from(20 + person % 60) * 366 * 86_400 * SECOND),
        sex: Some(if person.is_multiple_of(2) { Sex::Female } else { Sex::Male }),
        pregnant: Some(false),
        ..Profile::default()
    };
    DomainEvent::Profile(ProfileUpdated {
        at: START,
        event: EventId::derive(&["profile", &person.to_string()]),
        user: user(person),
        profile,
        origin: Origin { input: Input::Profiles, partition: 0, offset: u64::from(person) },
    })
}

/// Eight vital signs, a little different each time.
fn observed(person: u32, round: u32, at: Micros) -> Vitals {
    let ill = person.is_multiple_of(ILL);
    let number = |well: f64, ill_value: f64| {
        Number::finite(if ill { ill_value } else { well } + f64::from((person + round) % 4))
    };
    Vitals {
        user: user(person),
        at,
        event: EventId::derive(&["vitals", &person.to_string(), &round.to_string()]),
        hr: None,
        pulse: number(70.0, 120.0),
        resp: number(14.0, 26.0),
        spo2: number(96.0, 92.0),
        systolic: number(112.0, 170.0),
        diastolic: number(70.0, 105.0),
        temperature: Number::finite(36.6),
        consciousness: Some(Consciousness::Alert),
        oxygen: Some(false),
        origin: Origin { input: Input::Vitals, partition: 0, offset: u64::from(round * PEOPLE + person) },
    }
}
