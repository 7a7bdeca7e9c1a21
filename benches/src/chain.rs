//! Cartridge sessions of 88 channels with references at 50 Hz, through order, outliers, correction, filters and features, to
//! windows and the measurement: how many a core keeps up with, and what one takes in memory.

use model::{
    Arrival, Cartridge, CartridgeKind, Environment, Input, Micros, Number, Origin, Packet, Raw, SessionId,
    Signal, Tag, UserId, time::SECOND,
};
use operators::{
    cartridge::{Changes, Options, chain::Chain, features, plan::Plan},
    sequence::{Sequencer, Step},
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const CHANNELS: u16 = 88;
const RATE_HZ: u32 = 50;
const PERIOD_US: u32 = 1_000_000 / RATE_HZ;
const START: Micros = 1_767_225_600 * SECOND;

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Sessions that one core keeps up with in real time, by time on the processor where the system tells it.
    pub(crate) sessions_per_core: f64,
    /// The same by the clock on the wall.
    pub(crate) sessions_per_core_wall: f64,
    /// Bytes of the largest session just before its end.
    pub(crate) bytes_per_session: usize,
}

/// Sessions at the same time: their states together are larger than any cache.
const SESSIONS: usize = 64;
/// Length of a session with many markers, seconds (Specification §1.5).
const SECONDS: u32 = 45;
/// Length of a window that is described, seconds (Specification §4.5).
const WINDOW_S: u32 = 10;

/// The metrics of the benchmark: with a window described every second, every ten, and never.
pub(crate) fn metrics() -> BTreeMap<String, f64> {
    let [whole, tenth, bare] = [1, 10, 0].map(|hop_s| run(SESSIONS, SECONDS, hop_s));
    let metrics = [
        ("sessions_per_core", whole.sessions_per_core),
        ("sessions_per_core_wall", whole.sessions_per_core_wall),
        ("sessions_per_core_features_every_10_s", tenth.sessions_per_core),
        ("sessions_per_core_without_features", bare.sessions_per_core),
        ("bytes_per_session", whole.bytes_per_session as f64),
    ];
    metrics.map(|(name, value)| (name.to_owned(), value)).into()
}

/// Streams `sessions` sessions of `seconds` at the same time, with a window described every `hop_s`; 0: none.
///
/// # Panics
/// If a session does not leave exactly one measurement with a value, and its windows: a number for a wrong result is
/// none.
fn run(sessions: usize, seconds: u32, hop_s: u32) -> Outcome {
    let options = Options { features: features::Options { hop_s }, ..Options::specified() };
    let mut plan = Plan::new(&options, PERIOD_US).expect("the rate is legal");
    let packets: Vec<Packet> = (0..seconds * RATE_HZ).map(packet).collect();
    let mut running: Vec<(Sequencer, Chain)> = (0..sessions)
        .map(|_| (Sequencer::new(&options.sequence, PERIOD_US), Chain::new(&plan, &packets[0])))
        .collect();
    let mut changes = Changes::default();
    let (wall, processor) = (Instant::now(), on_processor());
    for packet in &packets {
        for (sequencer, chain) in &mut running {
            sequencer.take(packet.clone(), &mut |step| follow(step, chain, &mut plan, &mut changes));
        }
    }
    let bytes = running.iter().map(|(_, chain)| chain.bytes()).max().unwrap_or(0);
    for (_, chain) in &mut running {
        chain.finish(&mut plan, &mut changes);
    }
    let wall = wall.elapsed();
    let processor =
        on_processor().zip(processor).map_or(wall, |(after, before)| after.saturating_sub(before));
    assert_eq!(changes.measurements.len(), sessions, "every session leaves one measurement");
    assert!(changes.measurements.iter().all(|(row, diff)| row.value.is_some() && *diff == 1));
    let windows = (seconds - WINDOW_S).checked_div(hop_s).map_or(0, |more| more as usize + 1);
    assert_eq!(changes.features.len(), sessions * windows, "every session leaves its windows");
    let per = |time: Duration| sessions as f64 * f64::from(seconds) / time.as_secs_f64();
    Outcome { sessions_per_core: per(processor), sessions_per_core_wall: per(wall), bytes_per_session: bytes }
}

fn follow(step: Step, chain: &mut Chain, plan: &mut Plan, changes: &mut Changes) {
    match step {
        Step::Next(placed, _) => chain.append(&placed, plan, changes),
        Step::Late(placed, _) => chain.amend(&placed),
        Step::End(_) => chain.finish(plan, changes),
        Step::TooLate(fault) => panic!("nothing comes late here: {fault:?}"),
    }
}

/// Time this thread spent on a processor, as Linux tells it.
fn on_processor() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// A rise towards a plateau on every channel, with noise that both blocks share and noise of their own.
fn packet(number: u32) -> Packet {
    let seconds = f64::from(number) / f64::from(RATE_HZ);
    let rise = if seconds < 2.0 { 0.0 } else { 1.0 - (-(seconds - 2.0) / 3.0).exp() };
    let noise = |channel: u16, kind: u32| {
        let seed = (number * 977 + u32::from(channel)) * 3 + kind;
        f64::from(seed.wrapping_mul(2_654_435_769)) / f64::from(u32::MAX) - 0.5
    };
    let shared = |channel: u16| 0.2 + 0.01 * noise(channel, 0);
    let det =
        |channel: u16| rise * (1.0 + f64::from(channel) / 88.0) + shared(channel) + 0.002 * noise(channel, 1);
    let reference = |channel: u16| shared(channel) + 0.002 * noise(channel, 2);
    Packet {
        session: SessionId::derive(&["chain"]),
        user: UserId::derive(&["chain"]),
        origin: Origin { input: Input::Packets, partition: 0, offset: u64::from(number) },
        signal: Signal::Channels,
        period_us: PERIOD_US,
        sequence: number,
        sequence_bits: 32,
        stamp_us: START + i64::from(number) * i64::from(PERIOD_US),
        device: None,
        cartridge: (number == 0).then(|| Box::new(Cartridge { tag: Some(tag()), calibration: None })),
        arrival: Arrival::Samples {
            channels: CHANNELS,
            samples: 1,
            det: (0..CHANNELS).map(|channel| det(channel) as f32).collect(),
            reference: (0..CHANNELS).map(|channel| reference(channel) as f32).collect(),
            environment: Environment {
                temperature_c: 24.0,
                humidity_percent: 45.0,
                pressure_kpa: 101.0,
                battery_percent: 80,
                self_test: 0,
            },
        },
        raw: Raw::default(),
    }
}

fn tag() -> Tag {
    let number = |value: f64| Number::finite(value).expect("a constant");
    Tag {
        uid: [7; 8],
        kind: Some(CartridgeKind { category: 5, kind: 4 }),
        legacy: 0,
        lot: "BENCH".to_owned(),
        expires_at: Micros::MAX,
        uses_left: 1,
        uses: 1,
        channels: CHANNELS,
        seconds: 45,
        authentic: true,
        needs_calibration: false,
        alpha: number(0.97),
        per_celsius: number(0.001),
        per_percent: number(0.0),
    }
}
