//! How fast the keyed sliding window is: single events, windows of two seconds, an alarm on each device's
//! mean.
//!
//! 1,000 devices send one value every 20 ms of event time, each at its own instant, through `slide` and
//! `cross` in a timely dataflow of one worker, in epochs of 100 ms of event time as they would come live.
//! Values are a slow wave and noise of each device's own, so that every alarm is raised and cleared again
//! and again.
//!
//! # Invariants
//! - Only feeding and computing are timed. A chunk of events is made before its clock starts.
//! - A number is only given for right results: for some devices every alarm, with its value to the last
//!   bit, is computed again from the events alone, and every run of a case must give the same alarms for
//!   all devices.

use anyhow::{Context, Result, ensure};
use model::Micros;
use operators::window::{Cross, Crossing, Direction, Event, Limits, Mean, Options, Shape, Slide};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};
use timely::dataflow::operators::{Input, Inspect, Probe};

const DEVICES: u32 = 1_000;
/// 50 Hz.
const PERIOD: Micros = 20_000;
/// Ticks of all devices in one run: 200 s of event time, ten million events.
const TICKS: i64 = 10_000;
/// Ticks in one epoch.
const EPOCH: i64 = 5;
/// Ticks made at a time: 3.2 MB of events, in the cache as if they had just been decoded.
const CHUNK: i64 = 200;
/// Events in one container: timely's own 8 KiB.
const CONTAINER: usize = 8_192 / size_of::<Event<f32>>();
/// Runs of each case; the median counts.
const RUNS: usize = 7;
const LENGTH: Micros = 2_000_000;
const RAISE: f64 = 110.0;
const CLEAR: f64 = 100.0;
/// How far an event is moved back in the shuffled cases, below their lateness.
const LATENESS: Micros = 250_000;

/// One way to run the same events.
#[derive(Clone, Copy)]
struct Case {
    metric: &'static str,
    slide: Micros,
    shuffled: bool,
}

const CASES: [Case; 4] = [
    Case { metric: "events_per_s_500ms", slide: 500_000, shuffled: false },
    Case { metric: "events_per_s_20ms", slide: 20_000, shuffled: false },
    Case { metric: "events_per_s_500ms_shuffled", slide: 500_000, shuffled: true },
    Case { metric: "events_per_s_20ms_shuffled", slide: 20_000, shuffled: true },
];

impl Case {
    fn lateness(self) -> Micros {
        if self.shuffled { LATENESS } else { 0 }
    }

    fn shape(self) -> Result<Shape> {
        let [length, slide, lateness] =
            [LENGTH, self.slide, self.lateness()].map(|span| Duration::from_micros(span as u64));
        Ok(Options { length, slide, lateness, keys: DEVICES }.shape()?)
    }
}

/// Measures all cases: events per second by metric, the median of the runs, and their lowest and highest.
pub(crate) fn run() -> Result<BTreeMap<String, f64>> {
    let mut metrics = BTreeMap::new();
    for case in CASES {
        let mut rates = Vec::new();
        let mut first: Option<Vec<Crossing>> = None;
        for _ in 0..RUNS {
            let (crossings, busy) = measure(case)?;
            rates.push((TICKS * i64::from(DEVICES)) as f64 / busy.as_secs_f64());
            let expected = first.get_or_insert_with(|| crossings.clone());
            ensure!(*expected == crossings, "two runs of {} gave different alarms", case.metric);
        }
        check(case, &first.context("no run")?)?;
        rates.sort_by(f64::total_cmp);
        metrics.insert(case.metric.to_owned(), rates[RUNS / 2]);
        metrics.insert(format!("{}_lowest", case.metric), rates[0]);
        metrics.insert(format!("{}_highest", case.metric), rates[RUNS - 1]);
    }
    Ok(metrics)
}

/// Runs the events through the dataflow once: all alarms in the order they came, and the time it took.
fn measure(case: Case) -> Result<(Vec<Crossing>, Duration)> {
    let shape = case.shape()?;
    let limits = Limits::new(Direction::Above, RAISE, CLEAR)?;
    let (crossings, refused, busy) = timely::execute_directly(move |worker| {
        let crossings = Rc::new(RefCell::new(Vec::new()));
        let refused = Rc::new(RefCell::new(0_u64));
        let (ledger, count) = (Rc::clone(&crossings), Rc::clone(&refused));
        let (mut input, probe) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, events) = scope.new_input::<Vec<Event<f32>>>();
            let (windows, refused) = events.slide::<Mean>(shape);
            refused.inspect(move |_refused| *count.borrow_mut() += 1);
            let alarms = windows
                .cross(limits, Mean::mean)
                .inspect(move |crossing| ledger.borrow_mut().push(*crossing));
            (input, alarms.probe().0)
        });
        let mut busy = Duration::ZERO;
        for first in (0..TICKS).step_by(CHUNK as usize) {
            let mut epochs = chunk(first, case.shuffled);
            let start = Instant::now();
            for containers in &mut epochs {
                for container in containers {
                    input.send_batch(container);
                }
                input.advance_to(input.time() + 1);
                worker.step_while(|| probe.less_than(input.time()));
            }
            busy += start.elapsed();
        }
        (crossings.take(), refused.take(), busy)
    });
    ensure!(refused == 0, "{refused} events were refused in {}", case.metric);
    Ok((crossings, busy))
}

/// The events of the ticks from `first` on, as epochs of containers.
fn chunk(first: i64, shuffled: bool) -> Vec<Vec<Vec<Event<f32>>>> {
    let ticks = first..first + CHUNK;
    let mut events: Vec<_> =
        ticks.flat_map(|tick| (0..DEVICES).map(move |device| event(device, tick))).collect();
    if shuffled {
        let delay = |event: &Event<f32>| (random(event.key, event.at) % LATENESS as u64) as i64;
        events.sort_by_cached_key(|event| event.at + delay(event));
    }
    let epochs = events.chunks((EPOCH * i64::from(DEVICES)) as usize);
    epochs.map(|epoch| epoch.chunks(CONTAINER).map(<[_]>::to_vec).collect()).collect()
}

/// What `device` sends at `tick`: a triangle wave of 20 to 57 s between 60 and 140, and noise of ±15.
fn event(device: u32, tick: i64) -> Event<f32> {
    let at = tick * PERIOD + i64::from(device) * 19;
    let period = i64::from(1_000 + device % 37 * 50);
    let phase = (tick + i64::from(device) * 7).rem_euclid(period) as f32 / period as f32;
    let noise = (random(device, at) >> 40) as f32 / (1_u64 << 24) as f32;
    let value = 60.0 + 160.0 * (phase - 0.5).abs() + 30.0 * (noise - 0.5);
    Event { key: device, at, value }
}

/// A number that looks random and is always the same: the finaliser of `SplitMix64` (Steele, Lea, Flood
/// 2014).
fn random(device: u32, at: Micros) -> u64 {
    let mut z = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (u64::from(device) << 32);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Compares the alarms of every 37th device with its events, window by window from scratch.
fn check(case: Case, crossings: &[Crossing]) -> Result<()> {
    for device in (5..DEVICES).step_by(37) {
        let found: Vec<_> = crossings.iter().filter(|crossing| crossing.key == device).copied().collect();
        let expected = naive(case, device);
        ensure!(expected.len() > 4, "device {device} has too few alarms to tell anything");
        ensure!(
            found == expected,
            "alarms of device {device} in {} are not those of its events",
            case.metric
        );
    }
    Ok(())
}

/// The alarms of one device by the definition: the mean over each window, summed anew in `f64` (exact for
/// these values).
fn naive(case: Case, device: u32) -> Vec<Crossing> {
    let events: Vec<_> = (0..TICKS).map(|tick| event(device, tick)).collect();
    let last = events.last().map_or(0, |event| event.at) - case.lateness();
    let mut raised = false;
    let ends = (1..).map(|number| number * case.slide).take_while(|end| *end <= last);
    let crossed = ends.filter_map(|end| {
        let from = events.partition_point(|event| event.at < end - LENGTH);
        let values =
            events[from..].iter().take_while(|event| event.at < end).map(|event| f64::from(event.value));
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        let mean = sum / count;
        let before = raised;
        raised = if raised { mean >= CLEAR } else { mean >= RAISE };
        let value = model::Number::finite(mean)?;
        (before != raised).then_some(Crossing { key: device, at: end, raised, value })
    });
    crossed.collect()
}
