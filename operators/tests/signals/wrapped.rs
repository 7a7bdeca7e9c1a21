//! The electrocardiogram of a BITalino, whose packet counter has four bits, as a gateway sends it on.

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
/// More than this in steps of the converter is an R wave: the base line is at 496 to 512, T waves reach 560.
const R_WAVE: f32 = 620.0;

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

/// Where the samples are highest within each stretch above [`R_WAVE`].
fn r_waves() -> Vec<Micros> {
    let rows = rows();
    let mut peaks: Vec<(usize, f32)> = Vec::new();
    let mut above = false;
    for (row, (_, sample)) in rows.iter().enumerate() {
        match peaks.last_mut() {
            _ if *sample <= R_WAVE => {}
            Some(peak) if above => *peak = if *sample > peak.1 { (row, *sample) } else { *peak },
            _ => peaks.push((row, *sample)),
        }
        above = *sample > R_WAVE;
    }
    // The first row has number 1.
    peaks.iter().map(|(row, _)| taken(*row as u32 + 1)).collect()
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

    // 3. The sequencer unwraps four bits as the gateway does.
    let bare = |packet: &Packet| Packet { sequence: packet.sequence % 16, sequence_bits: 4, ..packet.clone() };
    let bare = ordered(&packets.iter().map(bare).collect::<Vec<_>>());
    assert_eq!(bare.tally, all);
    assert!(bare.next.iter().zip(&found.next).all(|(one, other)| (one.index, one.at) == (other.index, other.at)));
}

#[test]
fn measure_wrapped() {
    let total = run_out(&options(), sent(rows()).chunks(500));
    let truth = r_waves();
    eprintln!("{} beats, {} r waves, {:?}", total.beats.len(), truth.len(), total.rhythms);
    eprintln!("{:?}", truth.iter().map(|at| (at - BEGAN) / 1000).collect::<Vec<_>>());
    eprintln!("{:?}", total.beats.iter().map(|beat| (beat.at - BEGAN) / 1000).collect::<Vec<_>>());
}
