//! Windows against a second computation from scratch, and against themselves: late, shuffled, copied, in any batches.

use super::{Options, read, sessions::Sessions};
use crate::{
    sequence::Tally,
    state::{Memory, States},
};
use dsp::{
    butterworth::{self, Band},
    cascade::Cascade,
    pulse::Pulse,
};
use model::{
    Arrival, Environment, Fault, Input, Micros, Origin, Packet, PulseWindow, Raw, Reason, SessionId, Signal,
    Tick, UserId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use timely::dataflow::operators::{
    capture::{Capture, Extract},
    vec::input::Input as _,
};

const PACKET_US: Micros = 40_000;
const SECOND: Micros = 1_000_000;
/// A multiple of the hop, so that the first window begins with the first sample.
const START: Micros = 1_767_225_600 * SECOND;

/// A pulse wave of 72 to 96 beats a minute, sampled at 125 Hz.
fn wave(sample: i64) -> f32 {
    let seconds = sample as f64 / 125.0;
    let phase = std::f64::consts::TAU * (1.4 * seconds + 0.8 * (seconds / 20.0).sin());
    (phase.cos().exp() + 0.2 * (2.0 * phase).sin() + 0.1 * (0.9 * seconds).sin()) as f32
}

fn packet(session: &str, number: i64) -> Packet {
    Packet {
        session: SessionId::derive(&[session]),
        user: UserId::derive(&[session]),
        origin: Origin { input: Input::Packets, partition: 3, offset: number as u64 },
        signal: Signal::Pulse,
        period_us: 8_000,
        sequence: number as u32,
        sequence_bits: 32,
        stamp_us: START + number * PACKET_US,
        device: None,
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: 5,
            det: (0..5).map(|sample| wave(5 * number + sample)).collect(),
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw::default(),
    }
}

fn packets(numbers: impl IntoIterator<Item = i64>) -> Vec<Packet> {
    numbers.into_iter().map(|number| packet("a", number)).collect()
}

/// Packets that span so many seconds.
fn seconds(count: i64) -> i64 {
    25 * count
}

#[derive(Debug, Default, PartialEq)]
struct Total {
    /// Rows that stand at the end.
    windows: Vec<PulseWindow>,
    faults: Vec<Fault>,
    tally: Tally,
}

fn consolidate(changes: impl IntoIterator<Item = (PulseWindow, i64)>) -> Vec<PulseWindow> {
    let mut counts = BTreeMap::<PulseWindow, i64>::new();
    for (row, diff) in changes {
        *counts.entry(row).or_default() += diff;
    }
    counts.retain(|_, count| *count != 0);
    assert!(counts.values().all(|count| *count == 1), "a row stands once or not at all");
    counts.into_keys().collect()
}

/// A tick whose watermark is the clock.
fn tick(now: Micros) -> Tick {
    Tick { now, watermark: now }
}

fn rows(windows: Vec<(PulseWindow, Micros, i64)>) -> impl Iterator<Item = (PulseWindow, i64)> {
    windows.into_iter().map(|(window, _heard, diff)| (window, diff))
}

fn total(epochs: impl IntoIterator<Item = (Micros, Vec<Packet>)>) -> Total {
    let mut sessions = Sessions::new(&Options::specified(), &States::default());
    let (mut changes, mut faults, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for (now, batch) in epochs {
        let outcome = sessions.turn(tick(now), batch.into_iter());
        changes.extend(rows(outcome.windows));
        faults.extend(outcome.faults);
        tally += outcome.tally.unwrap_or_default();
    }
    faults.sort();
    Total { windows: consolidate(changes), faults, tally }
}

/// All in one epoch.
fn at_once(packets: Vec<Packet>) -> Total {
    total([(START, packets)])
}

fn without_revisions(rows: &[PulseWindow]) -> Vec<PulseWindow> {
    rows.iter().map(|row| PulseWindow { revision: 0, ..row.clone() }).collect()
}

#[test]
fn windows_equal_a_computation_from_scratch() {
    let rows = at_once(packets(0..seconds(62))).windows;
    let band = Band::Pass { low_hz: 0.5, high_hz: 8.0 };
    let mut filter = Cascade::new(butterworth::design::<3>(3, band, 125.0).unwrap());
    let mut signal: Vec<f64> = (0..62 * 125).map(|sample| f64::from(wave(sample))).collect();
    filter.settle(signal[0]);
    filter.process(&mut signal);
    let mut pulse = Pulse::new(125.0, 30.0).unwrap();
    assert_eq!(rows.len(), 7);
    for (hop, row) in (0_usize..).zip(&rows) {
        let estimate = pulse.estimate(&signal[625 * hop..625 * hop + 3_750], &[false; 3_750]);
        let hr_bpm = row.hr_bpm.map(model::Number::get);
        assert_eq!(
            (row.start, row.end),
            (START + 5 * hop as i64 * SECOND, START + (5 * hop as i64 + 30) * SECOND)
        );
        assert_eq!((row.n_expected, row.n_real, row.n_imputed, row.revision), (3_750, 3_750, 0, 0));
        let hr = estimate.hr_bpm.map(|hr| (hr * 1e6).round() / 1e6);
        assert_eq!((hr_bpm, row.good, row.beats as usize), (hr, estimate.good, estimate.beats));
        assert_eq!((row.packets.partition, row.packets.first), (3, 125 * hop as u64));
        assert_eq!(row.packets.last, 125 * hop as u64 + 749);
        assert!(hr_bpm.is_some_and(|bpm| (70.0..98.0).contains(&bpm)), "{hr_bpm:?}");
    }
}

#[test]
fn a_window_leaves_with_its_last_sample() {
    assert_eq!(at_once(packets(0..seconds(30) - 1)).windows.len(), 0);
    assert_eq!(at_once(packets(0..seconds(30))).windows.len(), 1);
}

#[test]
fn the_first_window_begins_after_the_first_sample() {
    let rows = at_once(packets(3..seconds(60))).windows;
    assert_eq!((rows.len(), rows[0].start, rows[0].n_real), (6, START + 5 * SECOND, 3_750));
}

#[test]
fn short_holes_are_imputed_and_longer_ones_are_not() {
    // 160 ms, 200 ms, and 240 ms.
    let missing = [100..104, 200..205, 300..306];
    let total =
        at_once(packets((0..seconds(30)).filter(|number| !missing.iter().any(|hole| hole.contains(number)))));
    let row = &total.windows[0];
    assert_eq!((row.n_real, row.n_imputed), (3_750 - 5 * 15, 45));
    assert_eq!((total.tally.lost, total.tally.imputed, total.tally.breaks), (15, 45, 0));
    assert!(row.hr_bpm.is_some());
}

#[test]
fn a_window_with_too_few_real_samples_leaves_without_a_heart_rate() {
    // 6.4 s of 30 are missing.
    let total = at_once(packets((0..100).chain(260..seconds(35))));
    assert_eq!(total.windows.len(), 2);
    let row = &total.windows[0];
    assert_eq!((row.n_real, row.hr_bpm, row.quality, row.good), (3_750 - 800, None, None, false));
    assert_eq!(total.tally.breaks, 1);
}

#[test]
fn a_late_packet_takes_the_window_back_and_asserts_the_next_revision() {
    let mut sessions = Sessions::new(&Options::specified(), &States::default());
    let gone = seconds(29);
    let early = (0..seconds(31)).filter(|number| ![gone, gone + 1].contains(number));
    let first = sessions.turn(tick(START), packets(early).into_iter()).windows;
    let second = sessions.turn(tick(START), packets([gone, gone + 1, gone]).into_iter());
    let [(old, _, 1)] = &first[..] else { panic!("one window") };
    assert_eq!((old.n_real, old.n_imputed, old.revision), (3_740, 10, 0));
    let [(taken, _, -1), (new, _, 1)] = &second.windows[..] else { panic!("one correction") };
    assert_eq!(taken, old);
    assert_eq!((new.n_real, new.n_imputed, new.revision), (3_750, 0, 2));
    let tally = second.tally.unwrap();
    assert_eq!((tally.late, tally.lost, tally.imputed, tally.duplicates), (2, -2, -10, 1));
}

#[test]
fn a_long_hole_costs_no_room_and_ends_in_whole_windows() {
    let hour = seconds(3_600);
    let total = at_once(packets((0..seconds(40)).chain(hour..hour + seconds(40))));
    let starts: Vec<_> = total.windows.iter().map(|row| (row.start - START) / SECOND).collect();
    let expected: Vec<_> = (0..40).step_by(5).chain((3_575..3_615).step_by(5)).collect();
    assert_eq!(starts, expected);
    assert!(total.windows.iter().all(|row| row.n_real > 0));
    assert_eq!(
        total.windows[8..].iter().map(|row| row.n_real).collect::<Vec<_>>(),
        [625, 1_250, 1_875, 2_500, 3_125, 3_750, 3_750, 3_750]
    );
    // The second stretch is filtered as if it stood alone.
    let alone = at_once(packets(hour..hour + seconds(40)));
    assert_eq!(alone.windows[..], total.windows[13..]);
}

#[test]
fn a_hole_may_be_longer_than_what_is_remembered() {
    // 60 s are missing, more than the 45 s of samples that are kept: slots are made for all of it.
    let gone = seconds(40)..seconds(100);
    let total = at_once(packets((0..seconds(140)).filter(|number| !gone.contains(number))));
    let starts: Vec<_> = total.windows.iter().map(|row| (row.start - START) / SECOND).collect();
    assert_eq!(starts, (0..40).step_by(5).chain((75..115).step_by(5)).collect::<Vec<_>>());
}

#[test]
fn a_clock_jumping_back_keeps_the_windows_in_order() {
    let back = |mut packet: Packet| {
        packet.stamp_us -= 3_600 * SECOND;
        packet
    };
    let all = packets(0..seconds(70));
    let jumping: Vec<_> =
        all.iter().cloned().enumerate().map(|(n, p)| if n > 900 { back(p) } else { p }).collect();
    let (straight, jumped) = (at_once(all), at_once(jumping));
    let times = |rows: &[PulseWindow]| rows.iter().map(|row| (row.start, row.n_real)).collect::<Vec<_>>();
    assert_eq!(times(&jumped.windows), times(&straight.windows));
    assert_eq!(jumped.tally.breaks, 1);
}

#[test]
fn a_silent_session_is_flushed_and_may_go_on() {
    // Packet 749, which completes the first window, waits for 748.
    let early = packets((0..seconds(30)).filter(|number| *number != 748));
    let (quiet, over) = (START + 299 * SECOND, START + 300 * SECOND);
    let states = States::default();
    let mut sessions = Sessions::new(&Options::specified(), &states);
    assert!(sessions.turn(tick(START), early.into_iter()).windows.is_empty());
    assert!(sessions.turn(tick(quiet), std::iter::empty()).windows.is_empty());
    let outcome = sessions.turn(tick(over), std::iter::empty());
    assert_eq!((outcome.windows.len(), outcome.windows[0].0.n_imputed), (1, 5));
    assert_eq!(outcome.tally.map(|tally| (tally.timed_out, tally.lost)), Some((1, 1)));
    let late = sessions.turn(tick(over), packets([748, 749]).into_iter());
    assert_eq!((late.faults.len(), late.faults[0].reason), (1, Reason::TooLate));
    assert_eq!(late.tally.map(|tally| tally.duplicates), Some(1));
    // A day later nothing is known of it: the same packets are a new session.
    sessions.turn(tick(over + 300 * SECOND), std::iter::empty());
    let day = over + 86_700 * SECOND;
    sessions.turn(tick(day - 1), std::iter::empty());
    assert_eq!(states.len(), 1);
    sessions.turn(tick(day + 7_200 * SECOND), std::iter::empty());
    assert!(states.is_empty());
    assert_eq!(sessions.turn(tick(day), packets(0..seconds(30)).into_iter()).windows.len(), 1);
}

#[test]
fn rates_the_chain_was_not_made_for_are_faults() {
    let slow = Packet { period_us: 100_000, ..packet("slow", 0) };
    let other = Packet { period_us: 4_000, ..packet("a", 2) };
    let total = at_once(vec![slow, packet("a", 0), packet("a", 1), other]);
    let reasons: Vec<_> = total.faults.iter().map(|fault| (fault.origin.offset, fault.reason)).collect();
    assert_eq!(reasons, [(0, Reason::OutOfRange), (2, Reason::OutOfRange)]);
    assert_eq!(total.tally.packets, 4);
}

/// A packet of a glucose cartridge with 8 channels and a reference.
fn of_cartridge(number: i64) -> Packet {
    let block =
        |base: f32| (0..40).map(|at| base + (at / 5) as f32 + wave(number * 5 + at % 5) * 1e-3).collect();
    let number_of = |value| model::Number::finite(value).unwrap();
    let tag = model::Tag {
        uid: [7; 8],
        kind: Some(model::CartridgeKind { category: 1, kind: 1 }),
        legacy: 0,
        lot: "LOT00001".into(),
        expires_at: Micros::MAX,
        uses_left: 1,
        uses: 1,
        channels: 8,
        seconds: 15,
        authentic: true,
        needs_calibration: false,
        alpha: number_of(0.95),
        per_celsius: number_of(0.0),
        per_percent: number_of(0.0),
    };
    Packet {
        signal: Signal::Channels,
        device: Some("reader-1".into()),
        cartridge: (number == 0).then(|| Box::new(model::Cartridge { tag: Some(tag), calibration: None })),
        arrival: Arrival::Samples {
            channels: 8,
            samples: 5,
            det: block(10.0),
            reference: block(1.0),
            environment: Environment {
                temperature_c: 25.0,
                humidity_percent: 50.0,
                battery_percent: 80,
                ..Environment::default()
            },
        },
        ..packet("c", number)
    }
}

#[test]
fn a_session_of_a_cartridge_leaves_a_measurement_however_its_packets_come() {
    let end = Packet { arrival: Arrival::End, cartridge: None, ..of_cartridge(seconds(15)) };
    let all: Vec<Packet> = (0..seconds(15)).map(of_cartridge).chain([end]).collect();
    let run = |epochs: Vec<Vec<Packet>>| {
        let mut sessions = Sessions::new(&Options::specified(), &States::default());
        let mut measurements = BTreeMap::new();
        let mut outcomes = Vec::new();
        for batch in epochs {
            let outcome = sessions.turn(tick(START), batch.into_iter());
            for (row, diff) in &outcome.measurements {
                *measurements.entry(row.clone()).or_insert(0) += *diff;
            }
            outcomes.push(outcome);
        }
        measurements.retain(|_, count| *count != 0);
        let tally =
            outcomes.iter().filter_map(|outcome| outcome.tally).fold(Tally::default(), |mut sum, tally| {
                sum += tally;
                sum
            });
        (measurements, tally)
    };
    let (whole, tally) = run(vec![all.clone()]);
    let (measurement, count) = whole.first_key_value().unwrap();
    assert_eq!((whole.len(), *count, tally.packets), (1, 1, seconds(15) + 1));
    assert_eq!((measurement.channels, measurement.n_real, measurement.unit.as_str()), (8, 1_875, "mg/dL"));
    let value = measurement.value.unwrap().get();
    // The mean over the channels of det - 0.95 ref: 13.5 - 0.95 * 4.5 and the wave's share.
    assert!((value - 9.225).abs() < 0.01, "{value}");
    // Cut into epochs anywhere, with a packet 80 ms late and one twice.
    let mut shuffled = all.clone();
    shuffled.swap(100, 102);
    shuffled.insert(200, all[199].clone());
    let cut: Vec<Vec<Packet>> = shuffled.chunks(7).map(<[Packet]>::to_vec).collect();
    let (again, tally) = run(cut);
    let numbers = |found: &BTreeMap<model::Measurement, i64>| -> Vec<_> {
        found.keys().map(|row| (row.value, row.uncertainty, row.transform_log.clone(), row.n_real)).collect()
    };
    assert_eq!((numbers(&again), tally.duplicates), (numbers(&whole), 1));
}

/// Runs the operator itself on `workers` workers; epochs are given to the worker that owns their parity.
fn flow(workers: usize, epochs: &[(Micros, Vec<Packet>)]) -> Total {
    let (sender, receiver) = std::sync::mpsc::sync_channel(3 * workers);
    let epochs = epochs.to_vec();
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (mut packets, mut now, found) = worker.dataflow::<u64, _, _>(|scope| {
            let (packets, packet_stream) = scope.new_input();
            let (now, ticks) = scope.new_input();
            let memory = Memory { ticks, horizon: 86_400 * SECOND, states: States::default() };
            let found = read(packet_stream, &Options::specified(), &memory);
            (packets, now, (found.windows.inner.capture(), found.faults.capture(), found.tallies.capture()))
        });
        for (epoch, (instant, batch)) in (0_u64..).zip(&epochs) {
            // One worker reads a session's partition.
            let own =
                batch.iter().filter(|p| p.session.as_u128() as usize % worker.peers() == worker.index());
            own.cloned().for_each(|packet| packets.send(packet));
            now.send(tick(*instant));
            packets.advance_to(epoch + 1);
            now.advance_to(epoch + 1);
        }
        drop((packets, now));
        while worker.step() {}
        sender.send(found).unwrap();
    });
    drop(guards.unwrap());
    let (mut changes, mut faults, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for (windows, refused, tallies) in receiver {
        for (epoch, batch) in windows.extract() {
            changes.extend(batch.into_iter().map(|((row, _heard), time, diff)| {
                assert_eq!(time, epoch);
                (row, diff)
            }));
        }
        faults.extend(refused.extract().into_iter().flat_map(|(_, batch)| batch));
        tallies.extract().into_iter().flat_map(|(_, batch)| batch).for_each(|part| tally += part);
    }
    faults.sort();
    Total { windows: consolidate(changes), faults, tally }
}

#[test]
fn the_operator_gives_the_same_on_any_number_of_workers() {
    let mut all = Vec::new();
    for number in (0..seconds(45)).filter(|number| ![740, 741, 900].contains(number)) {
        all.extend(["a", "b", "c"].map(|session| packet(session, number)));
        if number == 800 {
            all.extend([packet("b", 740), packet("b", 741), packet("c", 740)]);
        }
        if number == 1_100 {
            all.push(packet("a", 900));
        }
    }
    let expected = at_once(all.clone());
    assert_eq!((expected.windows.len(), expected.faults.len(), expected.tally.late), (12, 1, 3));
    let epochs: Vec<_> = all.chunks(70).map(|batch| (START, batch.to_vec())).collect();
    for workers in 1..=3 {
        assert_eq!(flow(workers, &epochs), expected);
    }
}

/// What happens to packets: some lost for good, some late by a number of packets, some copied, all shuffled a bit.
fn troubles(count: usize) -> impl Strategy<Value = Vec<(i64, bool)>> {
    let draws = proptest::collection::vec((0_i64..5, 0_u32..1_000, 10_i64..100), count);
    draws.prop_map(|draws| {
        let mut keyed = Vec::new();
        for (number, (shift, luck, delay)) in (0_i64..).zip(draws) {
            match luck {
                // The first and the last come in time: what begins a session, and what nothing after could show missing.
                0..40 if (1..1_300).contains(&number) => keyed.push((number + delay, number, true)),
                40..200 => {
                    keyed.extend([(number + shift, number, false), (number + shift + delay, number, false)]);
                }
                _ => keyed.push((number + shift, number, false)),
            }
        }
        keyed.sort_by_key(|(key, _, _)| *key);
        keyed.into_iter().map(|(_, number, late)| (number, late)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn late_shuffled_and_copied_packets_lead_to_the_rows_of_an_ordered_stream(
        troubles in troubles(1_500), cuts in proptest::collection::vec(1_usize..400, 20)
    ) {
        let disturbed: Vec<_> = packets(troubles.iter().map(|(number, _)| *number));
        let straight = at_once(packets(0..1_500));
        let together = at_once(disturbed.clone());
        prop_assert_eq!(without_revisions(&together.windows), straight.windows);
        prop_assert_eq!((together.tally.lost, together.tally.imputed, together.faults.len()), (0, 0, 0));
        // Any batches give the same, revisions included.
        let mut rest = &disturbed[..];
        let mut epochs = Vec::new();
        for cut in cuts {
            let (batch, behind) = rest.split_at(cut.min(rest.len()));
            epochs.push((START, batch.to_vec()));
            rest = behind;
        }
        epochs.push((START, rest.to_vec()));
        prop_assert_eq!(total(epochs), together);
    }

    #[test]
    fn a_stream_with_holes_is_the_same_whether_their_edges_came_late(
        holes in proptest::collection::vec((100_i64..1_100, 1_i64..150, 0_i64..100), 1..5)
    ) {
        // Each hole is lost for good but for one packet, which comes late, or in time.
        let survivors: Vec<i64> = holes.iter().map(|(from, length, at)| from + at % length).collect();
        let lost = |number: &i64| holes.iter().any(|(from, length, _)| (*from..from + length).contains(number))
            && !survivors.contains(number);
        let straight = at_once(packets((0..1_500).filter(|number| !lost(number))));
        let mut order: Vec<i64> = (0..1_500).filter(|number| !lost(number) && !survivors.contains(number)).collect();
        for number in &survivors {
            // As soon as the gap around it is declared.
            let behind = order.iter().position(|other| *other > *number).unwrap() + 10;
            if !order.contains(number) {
                order.insert(behind, *number);
            }
        }
        let late = at_once(packets(order));
        if late.faults.is_empty() {
            prop_assert_eq!(without_revisions(&late.windows), straight.windows);
            prop_assert_eq!(late.tally.imputed, straight.tally.imputed);
            prop_assert_eq!(late.tally.lost, straight.tally.lost);
        }
    }
}
