//! The electrocardiogram of a `BITalino`, whose packet counter has four bits, as a gateway sends it on.

use crate::{
    run::{Total, run_out},
    trouble::{Luck, Trouble, account, logged},
    wire::{Device, ordered, sample},
};
use model::{Micros, Packet, Signal};
use operators::{sequence::Tally, signals::Options};
use sources::packet::Counter;
use std::{collections::BTreeMap, io::Read, sync::OnceLock};

/// When the recording began by its header, 2016-06-11 07:03:47.29, taken for UTC.
const BEGAN: Micros = 1_465_628_627_290_000;
/// 1 kHz.
const PERIOD_US: u32 = 1_000;
const DEVICE: Device = Device { name: "bitalino", signal: Signal::Ecg, period_us: PERIOD_US };
/// More than this in steps of the converter is an R wave: the base line is about 500, T waves stay below 600.
const R_WAVE: f32 = 620.0;
/// Two R waves lie at least so far apart.
const REFRACTORY: Micros = 300_000;
/// From here to there, in samples, the electrodes move: nobody can say where the one beat within is.
const SHAKEN: std::ops::Range<u32> = 18_850..19_400;

/// The file as its maker publishes it.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&include_bytes!("../data/bitalino_ecg_1khz.txt.gz")[..])
            .read_to_string(&mut text)
            .unwrap();
        text
    })
}

/// Counter and sample of every packet of the device.
fn rows() -> Vec<(u32, f32)> {
    let rows = text().lines().filter(|line| !line.starts_with('#')).map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        (cells[0].parse().unwrap(), cells[5].parse().unwrap())
    });
    rows.collect()
}

/// When the device took its sample of this number.
fn taken(number: u32) -> Micros {
    BEGAN + Micros::from(number) * Micros::from(PERIOD_US)
}

/// The packets of a gateway: one of the device's in each, numbered on and on, stamped by that number.
fn sent(rows: impl IntoIterator<Item = (u32, f32)>) -> Vec<Packet> {
    let mut counter = Counter::new(4);
    let send = |(value, sample)| {
        let number = counter.number(value);
        DEVICE.send(number, taken(number), &[sample])
    };
    rows.into_iter().map(send).collect()
}

/// Windows that a recording of 22 s fills.
fn options() -> Options {
    let mut options = Options::specified();
    (options.ecg.window_s, options.ecg.hop_s) = (10, 5);
    options
}

/// Where the samples are highest about each stretch above [`R_WAVE`], but for the one 56 ms before the end of the file: the
/// detector says that there was a beat up to 0.4 s later.
fn r_waves() -> Vec<Micros> {
    let mut peaks: Vec<(Micros, f32)> = Vec::new();
    // The first row has number 1.
    for (number, (_, sample)) in (1..).zip(rows()) {
        let at = taken(number);
        match peaks.last_mut() {
            _ if sample <= R_WAVE || SHAKEN.contains(&number) => {}
            Some(peak) if at - peak.0 < REFRACTORY => {
                *peak = if sample > peak.1 { (at, sample) } else { *peak }
            }
            _ => peaks.push((at, sample)),
        }
    }
    assert_eq!(peaks.pop().map(|(at, _)| at), Some(taken(22_294)));
    peaks.into_iter().map(|(at, _)| at).collect()
}

/// The beats found in these packets outside the shaken stretch, and how many within.
fn beats(packets: &[Packet]) -> (Vec<Micros>, usize, Total) {
    let total = run_out(&options(), packets.chunks(500));
    let shaken = taken(SHAKEN.start)..taken(SHAKEN.end);
    let all: Vec<Micros> = total.beats.iter().map(|beat| beat.at).collect();
    let clear: Vec<Micros> = all.iter().copied().filter(|at| !shaken.contains(at)).collect();
    let within = all.len() - clear.len();
    (clear, within, total)
}

#[test]
fn every_packet_gap_and_wrap_of_the_file_is_accounted_for() {
    // 1. What the file says, by its lines alone: how often each value of the counter stands in it.
    let mut values = BTreeMap::<&str, usize>::new();
    let lines: Vec<&str> = text().lines().filter(|line| !line.starts_with('#')).collect();
    for line in &lines {
        *values.entry(line.split_once('\t').unwrap().0).or_default() += 1;
    }
    // It begins with 1, so every 0 is a wrap; and as no value is missing more often than another, no packet is.
    assert_eq!((lines[0].split_once('\t').unwrap().0, values.len()), ("1", 16));
    assert!(values.values().all(|count| count.abs_diff(values["0"]) <= 1), "{values:?}");
    assert_eq!((lines.len(), values["0"]), (22_350, 1_396));

    // 2. What the gateway sends and the sequencer makes of it.
    let packets = sent(rows());
    let wraps = packets.windows(2).filter(|pair| pair[0].sequence / 16 < pair[1].sequence / 16).count();
    assert_eq!((packets.len(), wraps), (lines.len(), values["0"]));
    let found = ordered(&packets);
    let all = Tally { packets: lines.len() as i64, timed_out: 1, rested: 1, ..Tally::default() };
    assert_eq!((found.tally, found.late.len()), (all, 0));
    assert_eq!(found.next.len(), lines.len());
    for ((index, placed), line) in (0_u32..).zip(&found.next).zip(&lines) {
        assert_eq!((placed.index, placed.at), (i64::from(index), taken(index + 1)));
        assert!(line.ends_with(&format!("\t{}\t", sample(&placed.packet))), "{line}");
    }
}

#[test]
fn its_beats_are_those_a_threshold_finds() {
    let (clear, within, total) = beats(&sent(rows()));
    let truth = r_waves();
    assert_eq!((truth.len(), clear.len(), within), (27, 27, 1));
    // The detector may mark the S wave, 25 ms behind.
    assert!(
        truth.iter().zip(&clear).all(|(wave, beat)| (wave - beat).abs() <= 30_000),
        "{truth:?} {clear:?}"
    );
    // Two windows of ten seconds, the first before the electrodes move; the others still wait for beats.
    assert_eq!(total.rhythms.len(), 2);
    let first = &total.rhythms[0];
    let within: Vec<_> = truth.iter().filter(|at| (first.start..first.end).contains(at)).collect();
    let span = (**within.last().unwrap() - *within[0]) as f64 / 60e6;
    let bpm = (within.len() - 1) as f64 / span;
    assert!((first.hr_bpm.unwrap().get() - bpm).abs() < 0.5, "{first:?} {bpm}");
    assert_eq!((first.n_real, first.beats as usize), (10_000, within.len()));
}

#[test]
fn the_account_is_exact_when_packets_go_astray_behind_the_gateway() {
    let packets = sent(rows());
    let untouched = ordered(&packets);
    let trouble = Trouble { copied: 20, displaced: 20, reach: 16, ..Trouble::default() };
    for (seed, trouble) in [
        (1, trouble),
        (2, Trouble { lost: 20, run: 1, ..trouble }),
        (3, Trouble { lost: 20, run: 5, ..trouble }),
    ] {
        let come = logged(trouble.befall(&packets, &mut Luck::both(seed)));
        let expected = account(&come);
        let found = ordered(&come);
        assert_eq!((found.tally, found.late.len()), (expected, 0), "{trouble:?}");
        assert!(expected.duplicates > 3_000 && (expected.lost > 4_000) == (trouble.lost > 0), "{expected:?}");
        // Every packet that came leaves once, with the sample and the place it had.
        assert_eq!(found.next.len() as i64, expected.packets - expected.duplicates);
        let first = found.next[0].packet.sequence;
        for placed in &found.next {
            let same = &untouched.next[placed.packet.sequence as usize - 1];
            assert_eq!(placed.packet.arrival, same.packet.arrival);
            assert_eq!((placed.index + i64::from(first) - 1, placed.at), (same.index, same.at));
        }
        // The heart beats as before.
        let (clear, ..) = beats(&come);
        let truth = r_waves();
        assert_eq!(clear.len(), truth.len());
        assert!(
            truth.iter().zip(&clear).all(|(wave, beat)| (wave - beat).abs() <= 30_000),
            "{truth:?} {clear:?}"
        );
    }
}

#[test]
fn the_counter_bridges_what_is_lost_before_the_gateway() {
    let all = rows();
    let numbered = |rows: &[(u32, (u32, f32))]| {
        let mut counter = Counter::new(4);
        rows.iter().filter(|(number, (value, _))| counter.number(*value) != *number).count()
    };
    let with_holes = |hole: u32| -> Vec<(u32, (u32, f32))> {
        // The true number is the row's; a hole every hundred packets.
        (1..).zip(all.iter().copied()).filter(|(number, _)| number % 100 < 100 - hole).collect()
    };
    // Up to half a turn of the counter every packet keeps its number, …
    for hole in [1, 5, 8] {
        assert_eq!(numbered(&with_holes(hole)), 0, "{hole}");
    }
    // … and beyond it none behind the first hole does.
    let rows = with_holes(9);
    assert_eq!(numbered(&rows), rows.iter().filter(|(number, _)| *number >= 100).count());
}
