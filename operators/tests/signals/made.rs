//! A heart and a breath that are made, and packets that go every wrong way.

use crate::run::{SECOND, START, Total, at_once, packet, run, standing};
use dsp::{hrv::Variability, qrs::Detector};
use model::{Arrival, Micros, Number, Packet, Reason, Rhythm, SessionId, Signal, Tick};
use operators::{
    signals::{Options, sessions::Sessions},
    state::States,
};
use proptest::prelude::*;
use std::{f64::consts::TAU, sync::OnceLock};

const PACKET_US: Micros = 100_000;
/// Packets of seven minutes.
const ALL: i64 = 4_200;

/// Seconds at which the heart beats: about 75 times a minute with the breath, every 23rd beat premature and the pause
/// behind it compensatory.
fn beats() -> &'static [f64] {
    static BEATS: OnceLock<Vec<f64>> = OnceLock::new();
    BEATS.get_or_init(|| {
        let (mut beats, mut sinus) = (Vec::new(), 0.5);
        for number in 0..600 {
            let early = if number % 23 == 22 { 0.28 } else { 0.0 };
            beats.push(sinus - early);
            sinus += 0.8 + 0.03 * (TAU * 0.25 * sinus).sin() + 0.02 * (TAU * 0.1 * sinus).sin();
        }
        beats
    })
}

/// The electrocardiogram, 250 Hz.
fn heart(sample: i64) -> f32 {
    let seconds = sample as f64 / 250.0;
    let next = beats().partition_point(|beat| *beat < seconds);
    let near = &beats()[next.saturating_sub(1)..(next + 1).min(beats().len())];
    let bump = |off: f64, width: f64| (-(off / width).powi(2)).exp();
    let complexes =
        near.iter().map(|beat| bump(seconds - beat, 0.015) + 0.2 * bump(seconds - beat - 0.25, 0.05));
    (complexes.sum::<f64>() + 0.05 * (TAU * 0.3 * seconds).sin()) as f32
}

/// The breath, 20 Hz: 12 to 18 breaths a minute.
fn breath(sample: i64) -> f32 {
    let seconds = sample as f64 / 20.0;
    (TAU * 0.25 * seconds + 2.0 * (seconds / 30.0).sin()).sin() as f32
}

fn one(signal: Signal, number: i64) -> Packet {
    let stamp_us = START + number * PACKET_US;
    if signal == Signal::Ecg {
        let samples: Vec<f32> = (25 * number..25 * (number + 1)).map(heart).collect();
        packet(signal, number, stamp_us, 4_000, &samples)
    } else {
        let samples: Vec<f32> = (2 * number..2 * (number + 1)).map(breath).collect();
        packet(signal, number, stamp_us, 50_000, &samples)
    }
}

fn ecg(numbers: impl IntoIterator<Item = i64>) -> Vec<Packet> {
    numbers.into_iter().map(|number| one(Signal::Ecg, number)).collect()
}

fn end(number: i64) -> Packet {
    Packet { arrival: Arrival::End, ..one(Signal::Ecg, number) }
}

/// Windows short enough to see many.
fn short() -> Options {
    let mut options = Options::specified();
    (options.ecg.window_s, options.ecg.hop_s) = (30, 10);
    (options.respiration.window_s, options.respiration.hop_s) = (30, 5);
    options
}

/// What the calculator finds in the first `samples` samples.
fn detected(samples: i64) -> Vec<Micros> {
    let samples: Vec<f64> = (0..samples).map(heart).map(f64::from).collect();
    let mut beats = Vec::new();
    Detector::new(250.0).unwrap().process(&samples, &mut beats);
    beats.iter().map(|beat| START + beat.sample as i64 * 4_000).collect()
}

/// The normal intervals by their definition, one after the other.
fn normal(intervals: &[f64]) -> Vec<f64> {
    let off = |index: usize| {
        let others: Vec<f64> = (0..intervals.len())
            .filter(|other| *other != index && other.abs_diff(index) <= 20)
            .map(|other| intervals[other])
            .collect();
        intervals[index] / (others.iter().sum::<f64>() / others.len() as f64) - 1.0
    };
    let is_normal = |index: &usize| {
        off(*index).abs() <= 0.2
            && (*index == 0 || off(index - 1) >= -0.2)
            && (index + 1 == intervals.len() || off(index + 1) <= 0.2)
    };
    (0..intervals.len()).filter(is_normal).map(|index| intervals[index]).collect()
}

#[test]
fn beats_and_rhythm_equal_a_computation_from_scratch() {
    let total = at_once(&ecg(0..ALL));
    let expected = detected(25 * ALL);
    assert!(expected.len() > 500);
    assert_eq!(total.beats.iter().map(|beat| beat.at).collect::<Vec<_>>(), expected);
    assert_eq!(total.rhythms.len(), 2, "the third waits for beats that may still be found");
    for (minute, row) in (0..).zip(&total.rhythms) {
        let (start, end) = (START + 60 * minute * SECOND, START + (60 * minute + 300) * SECOND);
        let within: Vec<Micros> = expected.iter().copied().filter(|at| (start..end).contains(at)).collect();
        let intervals: Vec<f64> = within.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e3).collect();
        let normal = normal(&intervals);
        assert!(intervals.len() - normal.len() >= 30, "two for each of 16 premature beats");
        let estimate = Variability::new(1_000).unwrap().read(&normal).unwrap();
        let powers = estimate.powers.unwrap();
        assert_eq!((row.start, row.end, row.revision), (start, end, 0));
        assert_eq!((row.n_expected, row.n_real), (75_000, 75_000));
        assert_eq!((row.beats as usize, row.intervals as usize), (within.len(), normal.len()));
        for (ours, theirs) in [
            (row.hr_bpm, 60_000.0 / estimate.mean_ms),
            (row.sdnn_ms, estimate.sdnn_ms),
            (row.rmssd_ms, estimate.rmssd_ms),
            (row.pnn50_percent, estimate.pnn50_percent),
            (row.low_ms2, powers.low_ms2),
            (row.high_ms2, powers.high_ms2),
        ] {
            assert!((ours.unwrap().get() - theirs).abs() < 1e-5, "{row:?} {estimate:?}");
        }
    }
}

#[test]
fn an_end_waits_for_no_beat_and_a_session_that_goes_on_repeats_nothing() {
    let mut packets = ecg(0..ALL);
    packets.push(end(ALL));
    let ended = at_once(&packets);
    assert_eq!(ended.rhythms.len(), 3);
    assert_eq!(ended.rhythms[2].end, START + ALL * PACKET_US);
    // It goes on after half a minute, over three more ends of windows.
    packets.extend(
        ecg(ALL..ALL + 1_800)
            .into_iter()
            .map(|packet| Packet { stamp_us: packet.stamp_us + 30 * SECOND, ..packet }),
    );
    let resumed = at_once(&packets);
    assert_eq!(resumed.rhythms.len(), 6, "three more are over, and one waits");
    assert_eq!(resumed.rhythms[..3], ended.rhythms[..]);
    assert_eq!(resumed.beats[..ended.beats.len()], ended.beats[..]);
    let short = |row: &Rhythm| row.n_real < row.n_expected * 95 / 100 && row.hr_bpm.is_none();
    assert!(resumed.rhythms[3..].iter().all(short), "{:?}", resumed.rhythms);
}

#[test]
fn no_interval_spans_a_hole() {
    // The heart beats half as fast, and 0.4 s of every five are missing: some hold a beat, more lie between two.
    let is_lost = |number: &i64| number % 25 < 2;
    let slow = |packet: Packet| Packet { period_us: 8_000, stamp_us: 2 * packet.stamp_us - START, ..packet };
    let packets: Vec<_> = ecg((2..ALL / 2).filter(|number| !is_lost(number))).into_iter().map(slow).collect();
    let mut options = Options::specified();
    let row = &run(&options, [&packets[..]]).rhythms[0];
    assert_eq!((row.n_real, row.hr_bpm, row.low_ms2), (34_500, None, None));
    options.ecg.real_percent = 90;
    let total = run(&options, [&packets[..]]);
    let row = &total.rhythms[0];
    let within: Vec<_> =
        total.beats.iter().map(|beat| beat.at).filter(|at| (row.start..row.end).contains(at)).collect();
    let spans = |pair: &&[Micros]| {
        let number = |at: Micros| (at - START).div_euclid(2 * PACKET_US);
        (number(pair[0])..=number(pair[1])).any(|number| is_lost(&number))
    };
    let usual = |pair: &&[Micros]| pair[1] - pair[0] < 2 * SECOND;
    let tempting = within.windows(2).filter(spans).filter(usual).count();
    assert!(tempting >= 5, "{tempting}");
    let known = within.windows(2).filter(|pair| !spans(pair));
    let intervals: Vec<f64> = known.map(|pair| (pair[1] - pair[0]) as f64 / 1e3).collect();
    assert_eq!(row.intervals as usize, normal(&intervals).len());
    assert!((row.hr_bpm.unwrap().get() - 37.5).abs() < 1.0, "{row:?}");
}

#[test]
fn a_late_packet_brings_back_its_beat_and_corrects_the_windows() {
    // The packet that holds beat 60, and one that holds nothing.
    let lost = (beats()[60] * 10.0) as i64;
    let options = short();
    let mut sessions = Sessions::new(&options, &States::default());
    let mut turn =
        |packets: Vec<Packet>| sessions.turn(Tick { now: START, watermark: START }, packets.into_iter());
    // Before 50 s: the window from 0 to 30 s has left and is touched by nothing, that from 10 to 40 s waits.
    let until = lost + 10;
    let first = turn(ecg((0..until).filter(|number| ![lost, lost - 1, lost + 1].contains(number))));
    let early = first.beats.len();
    let second = turn(ecg([lost - 1, lost, lost + 1]));
    let [(back, 1)] = second.beats[..] else { panic!("one beat: {:?}", second.beats) };
    assert!((back.at - START - (beats()[60] * 1e6) as i64).abs() < 10_000);
    assert!(second.rhythms.is_empty(), "{:?}", second.rhythms);
    assert_eq!(second.tally.map(|tally| (tally.late, tally.lost)), Some((3, -3)));
    assert_eq!(early + 1, detected(25 * until).len());

    // The same at the edge of a pane: the window has left when the packet comes, for it ends ten seconds before.
    let late = 395;
    let mut sessions = Sessions::new(&options, &States::default());
    let mut turn =
        |packets: Vec<Packet>| sessions.turn(Tick { now: START, watermark: START }, packets.into_iter());
    let first = turn(ecg((0..420).filter(|number| !(380..=late).contains(number))));
    let second = turn(ecg(380..=late));
    let left = standing(first.rhythms);
    let [(old, -1), (new, 1)] = &second.rhythms[..] else { panic!("one correction: {:?}", second.rhythms) };
    assert_eq!((left.len(), old, old.revision, new.revision), (1, &left[0], 0, 16));
    assert_eq!((old.start, new.n_real), (START, 7_500));
}

#[test]
fn rates_and_signals_that_do_not_fit_are_faults() {
    let slow = |signal, period_us| Packet { period_us, ..one(signal, 0) };
    let packets = [
        slow(Signal::Respiration, 250_000),
        slow(Signal::Ecg, 20_000),
        one(Signal::Ecg, 0),
        Packet { signal: Signal::Respiration, ..one(Signal::Ecg, 1) },
        Packet { signal: Signal::Channels, ..one(Signal::Ecg, 1) },
        one(Signal::Ecg, 1),
    ];
    let total = at_once(&packets);
    assert_eq!(total.faults.len(), 4);
    assert!(total.faults.iter().all(|fault| fault.reason == Reason::OutOfRange));
    assert_eq!((total.tally.packets, total.tally.lost, total.tally.duplicates), (6, 0, 0));
}

#[test]
fn a_long_hole_is_followed_by_a_heart_that_stands_alone() {
    let hour = 36_000;
    let options = short();
    let all = ecg((0..700).chain(hour..hour + 700));
    let total = run(&options, [&all[..]]);
    let alone = run(&options, [&ecg(hour..hour + 700)[..]]);
    let after = |at: Micros| at >= START + hour * PACKET_US;
    assert_eq!(total.beats.iter().filter(|beat| after(beat.at)).copied().collect::<Vec<_>>(), alone.beats);
    let whole: Vec<_> = total.rhythms.iter().filter(|row| after(row.start)).cloned().collect();
    assert_eq!(whole, alone.rhythms);
    assert!(total.rhythms.iter().all(|row| row.n_real > 0));
    // 0 to 70 s and the windows that hold the end of it; the windows that hold the beginning, and those within.
    assert_eq!((alone.rhythms.len(), total.rhythms.len()), (4, 7 + 6));
}

#[test]
fn a_session_is_remembered_as_if_it_were_the_only_one() {
    let content = |with_another: bool| {
        let states = States::default();
        let mut sessions = Sessions::new(&short(), &states);
        let mut turn = |seconds: i64, packets: Vec<Packet>| {
            let now = START + seconds * SECOND;
            sessions.turn(Tick { now, watermark: now }, packets.into_iter());
        };
        turn(0, ecg(0..300));
        // It falls silent and forgets its samples.
        turn(301, Vec::new());
        if with_another {
            let session = SessionId::derive(&["another"]);
            turn(302, ecg(0..321).into_iter().map(|packet| Packet { session, ..packet }).collect());
        }
        // A hole so long that the session begins anew, with nothing for a while.
        turn(400, ecg(36_000..36_010));
        let mut exports = Vec::new();
        states.begin();
        while !states.export(usize::MAX, &mut exports) {}
        let pieces = exports.iter().flat_map(|export| export.pieces.iter());
        pieces.map(|(key, value)| (key.to_vec(), value.to_vec())).collect::<Vec<_>>()
    };
    let (alone, together) = (content(false), content(true));
    assert_eq!((alone.len(), together.len()), (1, 2));
    assert!(together.contains(&alone[0]));
}

/// What happens to packets: some late by a number of packets, some copied, all shuffled by less than 250 ms.
fn troubles(count: usize) -> impl Strategy<Value = Vec<i64>> {
    let draws = proptest::collection::vec((0_i64..2, 0_u32..1_000, 4_i64..40), count);
    draws.prop_map(move |draws| {
        let mut keyed = Vec::new();
        for (number, (shift, luck, delay)) in (0_i64..).zip(draws) {
            match luck {
                // The first and the last come in time: what begins a session, and what nothing after could show missing.
                0..40 if (1..count as i64 - 50).contains(&number) => keyed.push((number + delay, number)),
                40..200 => keyed.extend([(number + shift, number), (number + shift + delay, number)]),
                _ => keyed.push((number + shift, number)),
            }
        }
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, number)| number).collect()
    })
}

/// Heart and breath, side by side.
fn both(numbers: &[i64]) -> Vec<Packet> {
    numbers
        .iter()
        .flat_map(|number| [Signal::Ecg, Signal::Respiration].map(|signal| one(signal, *number)))
        .collect()
}

fn eventful(total: &Total) -> bool {
    total.breathings.len() >= 10
        && total.rhythms.len() >= 5
        && total.beats.len() >= 80
        && total.rhythms.iter().all(|row| row.hr_bpm.map(Number::get).is_some_and(|bpm| bpm > 60.0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn late_shuffled_and_copied_packets_lead_to_the_rows_of_an_ordered_stream(
        troubles in troubles(900), cuts in proptest::collection::vec(1_usize..500, 12)
    ) {
        let straight = run(&short(), [&both(&(0..900).collect::<Vec<_>>())[..]]);
        prop_assert!(eventful(&straight));
        let disturbed = both(&troubles);
        let together = run(&short(), [&disturbed[..]]);
        prop_assert_eq!(together.without_revisions(), straight.without_revisions());
        prop_assert_eq!((together.tally.lost, together.tally.imputed, together.faults.len()), (0, 0, 0));
        // Any batches give the same, revisions included.
        let mut rest = &disturbed[..];
        let mut epochs = Vec::new();
        for cut in cuts {
            let (batch, behind) = rest.split_at(cut.min(rest.len()));
            epochs.push(batch);
            rest = behind;
        }
        epochs.push(rest);
        prop_assert_eq!(run(&short(), epochs), together);
    }

    #[test]
    fn a_stream_with_holes_is_the_same_whether_their_edges_came_late(
        holes in proptest::collection::vec((50_i64..700, 1_i64..40, 0_i64..40), 1..5)
    ) {
        // Each hole is lost for good but for one packet, which comes late, or in time.
        let survivors: Vec<i64> = holes.iter().map(|(from, length, at)| from + at % length).collect();
        let lost = |number: &i64| holes.iter().any(|(from, length, _)| (*from..from + length).contains(number))
            && !survivors.contains(number);
        let kept = |number: &i64| !lost(number);
        let straight = run(&short(), [&ecg((0..900).filter(kept))[..]]);
        let mut order: Vec<i64> = (0..900).filter(|number| kept(number) && !survivors.contains(number)).collect();
        for number in &survivors {
            // As soon as the gap around it is declared.
            let behind = order.iter().position(|other| *other > *number).unwrap() + 6;
            if !order.contains(number) {
                order.insert(behind, *number);
            }
        }
        let epochs = ecg(order);
        let late = run(&short(), epochs.chunks(7));
        if late.faults.is_empty() {
            prop_assert_eq!(late.without_revisions(), straight.without_revisions());
            prop_assert_eq!(late.tally.imputed, straight.tally.imputed);
        }
    }
}
