//! How fast the optical pulse path is: records of the log in, windows and alerts out, in one process on one worker.
//!
//! 64 devices stream a pulse wave of their own at 125 Hz, five samples per packet, as version 2 frames in the
//! gateway's envelope. Each run sends the records through the product's whole graph: decoded, ordered, filtered, every
//! 30 s window estimated, alerts folded from the windows, everything captured as for a commit. Epochs are one second of
//! event time.
//!
//! # Invariants
//! - Only feeding and computing are timed. The records of an epoch are made before its clock starts.
//! - A number is only given for right results: every window of every session must be there, with all its
//!   samples, its heart rate must be the one its wave was made with, and an alert must stand for every session whose
//!   rate is in the rule's band, and for no other.

use anyhow::{Result, ensure};
use eventlog::Record;
use model::{Environment, Input, Micros, SessionId, Tick, UserId};
use operators::state::States;
use pipeline::{config, dataflow, recover};
use prost::Message;
use sinks::Output;
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};
use timely::dataflow::operators::{probe::Handle, vec::Input as _};

const SESSIONS: u32 = 64;
/// Event time of one run.
const SECONDS: u32 = 180;
const RATE_HZ: u32 = 125;
const SAMPLES: u16 = 5;
const PACKETS_PER_SECOND: u32 = RATE_HZ / SAMPLES as u32;
/// 2026-01-01T00:00:00Z, in microseconds.
const START: Micros = 1_767_225_600_000_000;
/// Runs; the median counts.
const RUNS: usize = 5;
/// Windows of 30 s that begin every 5 s.
const WINDOWS: u32 = SESSIONS * ((SECONDS - 30) / 5 + 1);

/// Measures samples per second: the median of the runs, and their lowest and highest.
pub(crate) fn run() -> Result<BTreeMap<String, f64>> {
    let config = config::load(config::Layers::defaults())?.config;
    let options = recover::graph(&config);
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let (output, busy) = measure(&options);
        check(&output)?;
        rates.push(f64::from(SESSIONS * SECONDS * RATE_HZ) / busy.as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let named =
        [("samples_per_s", RUNS / 2), ("samples_per_s_lowest", 0), ("samples_per_s_highest", RUNS - 1)];
    Ok(named.map(|(name, rank)| (name.to_owned(), rates[rank])).into())
}

/// Sends all records through the graph once: what came out, and the time it took.
fn measure(options: &dataflow::Options) -> (Output, Duration) {
    let (waves, options) = ((0..SESSIONS).map(Wave::new).collect::<Vec<_>>(), options.clone());
    timely::execute_directly(move |worker| {
        let probe = Handle::new();
        let (mut records, mut ticks, results) = worker.dataflow::<u64, _, _>(|scope| {
            let (records, record_stream) = scope.new_input::<Record>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let states = States::default();
            (records, ticks, dataflow::build(record_stream, tick_stream, &options, &states, &probe))
        });
        let (mut busy, mut outputs) = (Duration::ZERO, Vec::new());
        for second in 0..SECONDS {
            let mut batch = epoch(&waves, second);
            let start = Instant::now();
            records.send_batch(&mut batch);
            let now = START + Micros::from(second) * 1_000_000;
            ticks.send(Tick { now, watermark: now });
            records.advance_to(u64::from(second) + 1);
            ticks.advance_to(u64::from(second) + 1);
            worker.step_while(|| probe.less_than(records.time()));
            outputs.push(Output::merge([results.take(u64::from(second)).0]));
            busy += start.elapsed();
        }
        (Output::merge(outputs), busy)
    })
}

fn check(output: &Output) -> Result<()> {
    let windows = &output.windows;
    ensure!(windows.len() == WINDOWS as usize, "{} windows instead of {WINDOWS}", windows.len());
    let waves: Vec<Wave> = (0..SESSIONS).map(Wave::new).collect();
    let bpm: BTreeMap<SessionId, f64> = waves.iter().map(|wave| (wave.session, wave.bpm)).collect();
    for (window, diff) in windows {
        ensure!(*diff == 1 && window.n_real == window.n_expected, "a window lacks samples");
        let found = window.hr_bpm.map_or(0.0, model::Number::get);
        let made = bpm[&window.session];
        ensure!((found - made).abs() < 1.0, "a wave of {made} beats a minute was read as {found}");
    }
    // 131/min is where the band begins; a rate nearer than the estimate's error could fall either side.
    let alerted: BTreeSet<_> = output.alerts.iter().filter_map(|(alert, _)| alert.last.session).collect();
    for wave in waves.iter().filter(|wave| (wave.bpm - 130.5).abs() > 1.0) {
        let expected = wave.bpm > 130.5;
        ensure!(alerted.contains(&wave.session) == expected, "{} bpm: alert is {}", wave.bpm, !expected);
    }
    Ok(())
}

/// One device and its wave.
struct Wave {
    session: SessionId,
    user: UserId,
    device: String,
    number: u32,
    bpm: f64,
}

impl Wave {
    fn new(number: u32) -> Self {
        let name = number.to_string();
        Self {
            session: SessionId::derive(&["bench", &name]),
            user: UserId::derive(&["bench", &name]),
            device: format!("bench-{number}"),
            number,
            bpm: 50.0 + f64::from(number * 37 % 100),
        }
    }

    /// A crest a beat, a dicrotic wave, breathing, and a little noise that differs in every sample.
    fn value(&self, sample: u32) -> f32 {
        let seconds = f64::from(sample) / f64::from(RATE_HZ);
        let phase = std::f64::consts::TAU * (seconds * self.bpm / 60.0 + f64::from(self.number) / 64.0);
        let noise =
            f64::from(sample.wrapping_mul(2_654_435_761).wrapping_add(self.number * 40_503) >> 16) / 65_536.0;
        (phase.cos().exp() + 0.15 * (2.0 * phase + 1.0).cos() + 0.2 * (1.3 * seconds).sin() + 0.02 * noise)
            as f32
    }

    fn record(&self, topic: &Arc<str>, number: u32) -> Record {
        let stamp_us = START + Micros::from(number) * 40_000;
        let first = number * u32::from(SAMPLES);
        let frame = Frame {
            version: Version::Two,
            sequence: number,
            stamp_us,
            channels: 1,
            samples: SAMPLES,
            det: (first..first + u32::from(SAMPLES)).map(|sample| self.value(sample)).collect(),
            reference: Vec::new(),
            environment: Environment::default(),
        };
        let packet = MeasurementPacket {
            session_id: self.session.to_string(),
            device_id: self.device.clone(),
            user_id: self.user.to_string(),
            raw_packet: frame.encode(),
            sequence_no: number,
            timestamp_ms: (stamp_us / 1_000) as u64,
            signal: WireSignal::Pulse as i32,
            sample_period_us: 1_000_000 / RATE_HZ,
            end_of_session: false,
            ..MeasurementPacket::default()
        };
        Record {
            topic: Arc::clone(topic),
            partition: self.number % 8,
            offset: u64::from(number * SESSIONS + self.number),
            timestamp_ms: stamp_us / 1_000,
            key: Some(packet.session_id.clone().into_bytes()),
            value: packet.encode_to_vec(),
            headers: Vec::new(),
        }
    }
}

/// The records of one second of event time, as they would stand on the log.
fn epoch(waves: &[Wave], second: u32) -> Vec<Record> {
    let topic: Arc<str> = Input::Packets.topic().into();
    let numbers = second * PACKETS_PER_SECOND..(second + 1) * PACKETS_PER_SECOND;
    numbers
        .flat_map(|number| waves.iter().map(move |wave| (number, wave)))
        .map(|(number, wave)| wave.record(&topic, number))
        .collect()
}
