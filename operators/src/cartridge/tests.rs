//! Sessions against numbers known beforehand and a second computation, and against themselves: late, shuffled, copied, cut.

mod features;
mod normalised;
mod oracle;
mod order;

use super::{Changes, Options, chain::Chain, plan::Plan};
use crate::sequence::{Sequencer, Step};
use model::{
    Arrival, Calibration, CalibrationSource, CalibrationStatus, Cartridge, CartridgeKind, Environment,
    FeatureWindow, Fingerprint, Input, Measurement, Micros, Number, Origin, Packet, Raw, SessionId, Signal,
    Tag, UserId, time::SECOND,
};
use std::collections::BTreeMap;

const START: Micros = 1_767_225_600 * SECOND;
const DAY: Micros = 86_400 * SECOND;

fn number(value: f64) -> Number {
    Number::finite(value).unwrap()
}

fn tag(category: u8, kind: u8, channels: u16) -> Tag {
    Tag {
        uid: [1; 8],
        kind: Some(CartridgeKind { category, kind }),
        legacy: 0,
        lot: "LOT".into(),
        expires_at: START + 30 * DAY,
        uses_left: 1,
        uses: 1,
        channels,
        seconds: 15,
        authentic: true,
        needs_calibration: false,
        alpha: number(0.5),
        per_celsius: number(0.0),
        per_percent: number(0.0),
    }
}

fn calibration(channels: usize) -> Calibration {
    Calibration {
        id: "cal-1".into(),
        source: CalibrationSource::Factory,
        alpha: Some(number(0.5)),
        offsets: vec![number(0.2); channels],
        gains: vec![number(2.0); channels],
        per_celsius: number(0.01),
        per_percent: number(0.0),
        score: number(1.0),
        calibrated_at: START - DAY,
        valid_until: START + 60 * DAY,
        reference_means: vec![],
        reference_deviations: vec![],
    }
}

/// What is measured: detector and reference of a channel at a sample.
type Wave = fn(usize, i64) -> (f32, f32);

/// A device.
#[derive(Clone)]
struct Device {
    channels: usize,
    period_us: u32,
    wave: Wave,
    environment: Environment,
    cartridge: Cartridge,
}

impl Device {
    fn new(channels: usize, wave: Wave) -> Self {
        let environment = Environment {
            temperature_c: 25.0,
            humidity_percent: 50.0,
            battery_percent: 90,
            ..Environment::default()
        };
        let cartridge =
            Cartridge { tag: Some(tag(4, 1, channels as u16)), calibration: Some(calibration(channels)) };
        Self { channels, period_us: 20_000, wave, environment, cartridge }
    }

    /// Packet `number` of `count` samples per channel.
    fn packet(&self, number: i64, count: i64) -> Packet {
        let samples = (0..self.channels).flat_map(|channel| (0..count).map(move |sample| (channel, sample)));
        let values: Vec<(f32, f32)> =
            samples.map(|(channel, sample)| (self.wave)(channel, number * count + sample)).collect();
        Packet {
            session: SessionId::derive(&["c"]),
            user: UserId::derive(&["u"]),
            origin: Origin { input: Input::Packets, partition: 1, offset: number as u64 },
            signal: Signal::Channels,
            period_us: self.period_us,
            sequence: number as u32,
            sequence_bits: 32,
            stamp_us: START + number * count * i64::from(self.period_us),
            device: Some("reader-1".into()),
            cartridge: (number == 0).then(|| Box::new(self.cartridge.clone())),
            arrival: Arrival::Samples {
                channels: self.channels as u16,
                samples: count as u16,
                det: values.iter().map(|pair| pair.0).collect(),
                reference: values.iter().map(|pair| pair.1).collect(),
                environment: self.environment,
            },
            raw: Raw::default(),
        }
    }

    fn packets(&self, numbers: impl IntoIterator<Item = i64>) -> Vec<Packet> {
        numbers.into_iter().map(|number| self.packet(number, 1)).collect()
    }

    fn end(&self, number: i64) -> Packet {
        Packet { arrival: Arrival::End, cartridge: None, ..self.packet(number, 1) }
    }

    /// The result of `count` packets in order.
    fn measured(&self, count: i64) -> (Measurement, Option<Fingerprint>) {
        let mut bench = Bench::new(self.period_us);
        bench.take([self.packets(0..count), vec![self.end(count)]].concat());
        bench.stands()
    }
}

/// A session with what is around it.
struct Bench {
    plan: Plan,
    sequencer: Sequencer,
    chain: Option<Chain>,
    changes: Changes,
}

impl Bench {
    fn new(period_us: u32) -> Self {
        Self::with(&Options::specified(), period_us)
    }

    fn with(options: &Options, period_us: u32) -> Self {
        Self {
            plan: Plan::new(options, period_us).unwrap(),
            sequencer: Sequencer::new(&options.sequence, period_us),
            chain: None,
            changes: Changes::default(),
        }
    }

    /// Takes an epoch.
    fn take(&mut self, packets: Vec<Packet>) {
        let Self { plan, sequencer, chain, changes } = self;
        for packet in packets {
            let chain = chain.get_or_insert_with(|| Chain::new(plan, &packet));
            sequencer.take(packet, &mut |step| match step {
                Step::Next(placed, _) => chain.append(&placed, plan, changes),
                Step::Late(placed, _) => chain.amend(&placed),
                Step::End(_) => chain.finish(plan, changes),
                Step::TooLate(fault) => panic!("nothing is too late here: {fault:?}"),
            });
        }
        if let Some(chain) = chain {
            chain.settle(plan, changes);
        }
    }

    /// Rows that stand, by how often each was asserted less taken back.
    fn standing(&self) -> (Vec<Measurement>, Vec<Fingerprint>) {
        (consolidate(&self.changes.measurements), consolidate(&self.changes.fingerprints))
    }

    /// The windows that stand.
    fn windows(&self) -> Vec<FeatureWindow> {
        consolidate(&self.changes.features)
    }

    /// The one measurement that stands.
    fn stands(&self) -> (Measurement, Option<Fingerprint>) {
        let (mut measurements, mut fingerprints) = self.standing();
        assert_eq!(measurements.len(), 1);
        assert!(fingerprints.len() <= 1);
        (measurements.remove(0), fingerprints.pop())
    }
}

fn consolidate<Row: Clone + Ord>(changes: &[(Row, i64)]) -> Vec<Row> {
    let mut counts = BTreeMap::<&Row, i64>::new();
    for (row, diff) in changes {
        *counts.entry(row).or_default() += diff;
    }
    assert!(counts.values().all(|count| matches!(count, 0 | 1)), "a row stands once or not at all");
    counts.into_iter().filter(|(_, count)| *count == 1).map(|(row, _)| row.clone()).collect()
}

/// Noise between -1 and 1 that is the same in every run.
fn noise(channel: usize, sample: i64, kind: u32) -> f64 {
    // SplitMix64 of what is unlike any other channel, sample and kind.
    let mut z =
        ((sample as u64) << 20 | (channel as u64) << 4 | u64::from(kind)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// A step of a tenth per channel after two seconds, over a reference that both blocks see.
fn step(channel: usize, sample: i64) -> (f32, f32) {
    (if sample < 100 { 1.0 } else { 1.0 + 0.1 * (channel as f32 + 1.0) }, 0.4)
}

/// A rise with noise that both blocks share, and noise of their own.
fn rise(channel: usize, sample: i64) -> (f32, f32) {
    let seconds = sample as f64 / 50.0;
    let level =
        if seconds < 2.0 { 0.0 } else { (1.0 - (2.0 - seconds).exp()) * (1.0 + channel as f64 / 10.0) };
    let shared = 0.3 + 0.05 * noise(channel, sample, 1);
    let own = |kind| 0.005 * noise(channel, sample, kind);
    ((level + 0.5 * shared + own(2) + 2.0) as f32, (shared + own(3)) as f32)
}

fn close(found: Option<Number>, expected: f64, tolerance: f64) {
    let found = found.expect("there is a number").get();
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

#[test]
fn a_step_gives_its_height() {
    let (measured, print) = Device::new(8, step).measured(750);
    // Mean over the channels of ((1 + 0.1 c) - 0.5 * 0.4 - 0.2) * 2, c from 1 to 8.
    close(measured.value, (1.45 - 0.4) * 2.0, 1e-6);
    assert_eq!((measured.n_expected, measured.n_real, measured.n_imputed), (750, 750, 0));
    assert_eq!((measured.started_at, measured.completed_at), (START, START + 15 * SECOND));
    assert_eq!((measured.alpha, measured.alpha_applied, measured.channels), (number(0.5), true, 8));
    assert_eq!(
        (measured.calibration.as_deref(), measured.calibration_status),
        (Some("cal-1"), CalibrationStatus::Valid)
    );
    assert_eq!((measured.lot.as_deref(), measured.unit.as_str(), measured.revision), (Some("LOT"), "", 0));
    assert_eq!(measured.warnings, Vec::<String>::new());
    assert_eq!((measured.packets.first, measured.packets.last), (0, 749));
    assert_eq!(measured.device.as_deref(), Some("reader-1"));
    assert_eq!(measured.confidence, number(1.0), "no noise, no drift, a calibration that holds");
    // An array of gas sensors: change over baseline, which is (1 - 0.4) * 2, compressed, of length one.
    let print = print.unwrap();
    assert_eq!(
        (print.layout.as_str(), print.normaliser.as_str(), print.mask.len()),
        ("v1-448", "identity-v1", 56)
    );
    assert_eq!(print.mask, [vec![255; 55], vec![0]].concat());
    let scores: Vec<f64> = (1..=8).map(|channel| (0.2 * f64::from(channel) / 1.2).asinh()).collect();
    let length = scores.iter().map(|score| score * score).sum::<f64>().sqrt();
    for (found, score) in print.vector.values()[440..].iter().zip(scores) {
        assert!((f64::from(*found) - score / length).abs() < 1e-6);
    }
    assert!(print.hash.starts_with("sha256:") && print.hash.len() == 71);
    assert_eq!(measured.fingerprint, Some((448, print.hash)));
}

#[test]
fn warmth_is_taken_into_account() {
    let mut device = Device::new(8, step);
    device.environment.temperature_c = 35.0;
    close(device.measured(750).0.value, (1.45 - 0.4) * 2.0 * 1.1, 1e-6);
}

#[test]
fn surroundings_are_means_over_what_arrived() {
    let device = Device::new(8, step);
    let packets = (0..750).filter(|number| !(300..305).contains(number)).map(|number| {
        let mut device = device.clone();
        // Cold in the first half of what arrives; what is filled in between does not count.
        (device.environment.temperature_c, device.environment.humidity_percent) =
            if number < 300 { (20.0, 40.0) } else { (30.0, 50.0) };
        device.environment.pressure_kpa = 101.25;
        device.packet(number, 1)
    });
    let mut bench = Bench::new(20_000);
    bench.take(packets.chain([device.end(750)]).collect());
    let (measured, _) = bench.stands();
    assert_eq!((measured.n_real, measured.n_imputed), (745, 5));
    close(measured.temperature_c, (300.0 * 20.0 + 445.0 * 30.0) / 745.0, 1e-6);
    close(measured.humidity_percent, (300.0 * 40.0 + 445.0 * 50.0) / 745.0, 1e-6);
    close(measured.pressure_kpa, 101.25, 1e-6);
    let (measured, _) = device.measured(750);
    assert_eq!((measured.pressure_kpa, measured.temperature_c), (None, Some(number(25.0))), "no barometer");
}

#[test]
fn holes_are_filled_or_left_out_and_spikes_go() {
    let device = Device::new(8, step);
    let without = |missing: std::ops::Range<i64>| {
        let mut bench = Bench::new(20_000);
        let sent = (0..750).filter(|number| !missing.contains(number));
        bench.take([device.packets(sent), vec![device.end(750)]].concat());
        (bench.chain.as_mut().unwrap().imputed(), bench.stands().0)
    };
    let (imputed, short) = without(300..310);
    assert_eq!((imputed, short.n_imputed, short.n_real, short.n_expected), (10, 10, 740, 750));
    close(short.value, 2.1, 1e-6);
    let (imputed, long) = without(300..311);
    assert_eq!((imputed, long.n_imputed, long.n_real, long.n_expected), (0, 0, 739, 750));
    close(long.value, 2.1, 1e-6);
    let (_, huge) = without(110..700);
    assert_eq!((huge.n_imputed, huge.n_real, huge.n_expected), (0, 160, 750));
    assert_eq!(huge.confidence, number(0.0), "most of it is lost");
    let spiked = |channel, sample| if sample % 97 == 50 { (9.0, 0.4) } else { step(channel, sample) };
    let (spiked, _) = Device::new(8, spiked).measured(750);
    assert_eq!(spiked.outliers, 8 * 8);
    close(spiked.value, 2.1, 1e-6);
}

#[test]
fn what_is_wrong_is_said_beside_the_value() {
    let gate = |code: &str, grave: bool, change: fn(&mut Device)| {
        let mut device = Device::new(8, rise);
        assert!(device.measured(750).0.confidence > number(0.0));
        change(&mut device);
        let (measured, _) = device.measured(750);
        assert!(measured.warnings.iter().any(|warning| warning == code), "{code}: {:?}", measured.warnings);
        assert!(measured.value.is_some(), "{code}");
        assert_eq!(measured.confidence == number(0.0), grave, "{code}");
    };
    gate("battery_low", true, |device| device.environment.battery_percent = 14);
    gate("self_test_failed", true, |device| device.environment.self_test = 1);
    gate("ambient_outside", true, |device| device.environment.temperature_c = 45.5);
    gate("ambient_outside", true, |device| device.environment.temperature_c = 4.5);
    gate("channels_unknown", true, |device| {
        (device.channels, device.cartridge.calibration) = (5, Some(calibration(5)));
    });
    gate("channels_differ", false, |device| device.cartridge.tag.as_mut().unwrap().channels = 88);
    gate("calibration_expired", true, |device| {
        device.cartridge.calibration.as_mut().unwrap().valid_until = START;
    });
    gate("calibration_expiring", false, |device| {
        device.cartridge.calibration.as_mut().unwrap().valid_until = START + DAY;
    });
    gate("calibration_needed", false, |device| device.cartridge.calibration = None);
    gate("calibration_needed", true, |device| device.cartridge = Cartridge::default());
    gate("calibration_demanded", true, |device| {
        device.cartridge.calibration = None;
        device.cartridge.tag.as_mut().unwrap().needs_calibration = true;
    });
    gate("cartridge_expired", true, |device| device.cartridge.tag.as_mut().unwrap().expires_at = START);
    gate("alpha_differs", false, |device| {
        device.cartridge.calibration.as_mut().unwrap().alpha = Some(number(0.7));
    });
    gate("mains_alias", false, |device| device.period_us = 50_000);
    gate("reference_strange", true, |device| {
        let calibration = device.cartridge.calibration.as_mut().unwrap();
        calibration.reference_means = vec![number(0.3); 8];
        calibration.reference_means[5] = number(0.4);
        calibration.reference_deviations = vec![number(0.03); 8];
    });
}

#[test]
fn references_that_are_as_expected_and_couplings_that_agree_are_no_news() {
    let mut device = Device::new(8, rise);
    let calibration = device.cartridge.calibration.as_mut().unwrap();
    calibration.reference_means = vec![number(0.3); 8];
    calibration.reference_deviations = vec![number(0.03); 8];
    let (measured, _) = device.measured(750);
    assert_eq!(measured.warnings, Vec::<String>::new());
    // Outliers that only one of the two blocks has loosen the coupling a little.
    close(measured.alpha_seen, 0.5, 0.05);
}

#[test]
fn a_session_takes_a_bounded_amount_of_memory() {
    let device = Device::new(88, rise);
    let mut bench = Bench::new(20_000);
    let mut sizes = Vec::new();
    for minute in 0..3 {
        bench.take(device.packets(minute * 3_000..(minute + 1) * 3_000));
        sizes.push(bench.chain.as_ref().unwrap().bytes());
    }
    assert!(sizes.iter().all(|bytes| *bytes <= 512 * 1_024), "{sizes:?}");
    assert_eq!(sizes[1], sizes[2]);
}

#[test]
fn mains_that_pass_the_low_pass_are_told_and_where_nobody_averages_them_away_nothing_is_trusted() {
    // 60 Hz at 17 ms are found at 1.18 Hz, at 35 ms at 2.86 Hz, at 36 ms at 4.44 Hz: the corner is at 2 Hz.
    for (period_us, passes) in [(17_000, true), (35_000, true), (36_000, false), (20_000, false)] {
        for averaged in [true, false] {
            let device = Device { period_us, ..Device::new(8, step) };
            let options = Options { mains_averaged: averaged, ..Options::specified() };
            let mut bench = Bench::with(&options, period_us);
            bench.take([device.packets(0..1_200), vec![device.end(1_200)]].concat());
            let (measured, _) = bench.stands();
            let told = measured.warnings.iter().any(|warning| warning == "mains_alias");
            assert_eq!(told, passes, "{period_us}");
            let trusted = averaged || !passes;
            assert_eq!(measured.confidence > number(0.0), trusted, "{period_us}, averaged: {averaged}");
            let newest = bench.windows().pop().unwrap();
            assert_eq!(newest.confidence > number(0.0), trusted, "{period_us}, averaged: {averaged}");
        }
    }
}
