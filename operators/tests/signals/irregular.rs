//! A finger's pulse as a computer with a coarse timer recorded it: stamps that repeat, stall and drift.

use crate::{
    recorded::mitbih::delta,
    run::{SECOND, Total, run_out},
    trouble::{Luck, Trouble, account, logged},
    wire::{Device, ordered, sample},
};
use model::{Micros, Number, Packet, Signal};
use operators::{sequence::Tally, signals::Options};
use sha2::{Digest, Sha256};

/// Stamp of the first row, 2016-11-24 13:58:58.081, taken for UTC.
const BEGAN: Micros = 1_479_995_938_081_000;
/// What the recording claims to be: 100 Hz. It is 100.4.
const DEVICE: Device = Device { name: "heartpy", signal: Signal::Pulse, period_us: 10_000 };

/// Stamp and value of every row.
fn rows() -> Vec<(Micros, f32)> {
    let unpack = |packed| delta::samples(&delta::differences(packed));
    let stamps = unpack(include_bytes!("../data/heartpy_data3_stamps.delta.gz"));
    let values = unpack(include_bytes!("../data/heartpy_data3_values.delta.gz"));
    let row = |(millis, value): (f64, f64)| (BEGAN + millis as Micros * 1_000, value as f32);
    stamps.into_iter().zip(values).map(row).collect()
}

/// The file as its maker publishes it.
fn text() -> String {
    let mut text = "datetime,hr\r\n".to_owned();
    for (stamp, value) in rows() {
        let millis = (stamp - BEGAN) / 1_000 + 58_081;
        let (minutes, seconds, millis) = (58 + millis / 60_000, millis / 1_000 % 60, millis % 1_000);
        let (hour, minute) = (13 + minutes / 60, minutes % 60);
        text += &format!("2016-11-24 {hour:02}:{minute:02}:{seconds:02}.{millis:03}000,{value}\r\n");
    }
    // The last line does not end.
    text.trim_end().to_owned()
}

/// The packets of a gateway that sends every row as it comes.
fn sent() -> Vec<Packet> {
    (0..).zip(rows()).map(|(number, (stamp, value))| DEVICE.send(number, stamp, &[value])).collect()
}

#[test]
fn every_row_and_repeated_stamp_of_the_file_is_accounted_for() {
    // 1. The fixture is the file, byte by byte.
    let text = text();
    let digest = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(digest, "16eedaa7c97c6ca873e7e424d27a84dcd043d4eca0e4f7611d2a37969192b7ea");

    // 2. What the file says, by its lines alone.
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let repeated = lines.windows(2).filter(|pair| pair[0][..26] == pair[1][..26]).count();
    assert_eq!((lines.len(), repeated), (68_476, 24_775));

    // 3. What comes out of the sequencer: every row once, in its order, at a time of its own.
    let found = ordered(&sent());
    let all = Tally { packets: lines.len() as i64, timed_out: 1, rested: 1, ..Tally::default() };
    assert_eq!((found.tally, found.late.len()), (all, 0));
    assert_eq!(found.next.len(), lines.len());
    let repeated_out =
        found.next.windows(2).filter(|pair| pair[0].packet.stamp_us == pair[1].packet.stamp_us).count();
    assert_eq!(repeated_out, repeated);
    assert!(found.next.windows(2).all(|pair| pair[0].at < pair[1].at));
    for ((index, placed), line) in (0..).zip(&found.next).zip(&lines) {
        assert_eq!(placed.index, index);
        assert!(line.ends_with(&format!(",{}", sample(&placed.packet))), "{line}");
    }
    let mut strays: Vec<_> = found.next.iter().map(|placed| (placed.at - placed.packet.stamp_us).abs()).collect();
    strays.sort_unstable();
    eprintln!("strays median {} 99 % {} max {}", strays[strays.len() / 2], strays[strays.len() * 99 / 100], strays[strays.len() - 1]);
    eprintln!("period {}", found.next.last().unwrap().period_us);
}

/// Beats a minute in each window, found as a person would: a beat is a stretch above the moving mean of a second and a
/// tenth of the range, its interval the time between the highest samples of two.
fn by_eye(from: Micros, until: Micros) -> Option<f64> {
    let rows: Vec<(Micros, f32)> = rows().into_iter().filter(|(at, _)| (from..until).contains(at)).collect();
    let mut peaks: Vec<(Micros, f32)> = Vec::new();
    let mut above = false;
    for (row, (at, value)) in rows.iter().enumerate() {
        let around = &rows[row.saturating_sub(50)..(row + 50).min(rows.len())];
        let mean = around.iter().map(|row| row.1).sum::<f32>() / around.len() as f32;
        let top = around.iter().map(|row| row.1).fold(0.0, f32::max);
        let is_above = *value > mean + 0.3 * (top - mean);
        match peaks.last_mut() {
            _ if !is_above => {}
            Some(peak) if above || at - peak.0 < 300_000 => *peak = if *value > peak.1 { (*at, *value) } else { *peak },
            _ => peaks.push((*at, *value)),
        }
        above = is_above;
    }
    let mut intervals: Vec<_> = peaks.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    intervals.sort_unstable();
    Some(60e6 / *intervals.get(intervals.len() / 2)? as f64)
}

#[test]
fn measure_irregular() {
    let total = run_out(&Options::specified(), sent().chunks(1_000));
    for window in total.windows.iter() {
        eprintln!("{} real {} hr {:?} good {} eye {:?}", (window.start - BEGAN) / SECOND, window.n_real, window.hr_bpm.map(Number::get), window.good, by_eye(window.start, window.end));
    }
}
