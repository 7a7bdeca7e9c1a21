//! A finger's pulse as a computer with a coarse timer recorded it: stamps that repeat, stall and drift.

use crate::{
    loss::content,
    recorded::mitbih::delta,
    run::{Total, run_out},
    trouble::{Luck, Trouble, account, logged},
    wire::{Device, ordered, sample},
};
use model::{Micros, Packet, PulseWindow, Signal};
use operators::{sequence::Tally, signals::Options};
use sha2::{Digest, Sha256};
use std::fmt::Write;

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
        // Its maker's language leaves out a fraction of nothing.
        let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}000") };
        write!(text, "2016-11-24 {hour:02}:{minute:02}:{seconds:02}{fraction},{value}\r\n").unwrap();
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
    let digest = format!("{:x}", Sha256::digest(text.as_bytes()));
    assert_eq!(digest, "16eedaa7c97c6ca873e7e424d27a84dcd043d4eca0e4f7611d2a37969192b7ea");

    // 2. What the file says, by its lines alone.
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let stamps: Vec<&str> = lines.iter().map(|line| line.split_once(',').unwrap().0).collect();
    let repeated = stamps.windows(2).filter(|pair| pair[0] == pair[1]).count();
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
    // The line follows the drifting timer: measured, half of the stamps lie within 11 ms of it and all within 45 ms.
    let strays = found.next.iter().map(|placed| (placed.at - placed.packet.stamp_us).abs());
    assert!(strays.max().unwrap() < 60_000);
    // Straight from the first stamp to the last, a sample takes this long; at the end the line says so, too.
    let (first, last) = (rows()[0].0, rows()[lines.len() - 1].0);
    let mean_us = (last - first) as f64 / (lines.len() - 1) as f64;
    assert!((found.next[lines.len() - 1].period_us - mean_us).abs() < 20.0, "{mean_us}");
}

/// Beats a minute as `HeartPy` finds them, off the stamps as they are: a beat is the highest sample of a stretch above the
/// moving mean of a second, raised; its interval counts if it is near the median.
fn by_threshold(rows: &[(Micros, f32)], from: Micros, until: Micros) -> Option<f64> {
    let rows: Vec<(Micros, f32)> =
        rows.iter().copied().filter(|(at, _)| (from..until).contains(at)).collect();
    let mut peaks: Vec<(Micros, f32)> = Vec::new();
    let mut above = false;
    for (row, (at, value)) in rows.iter().enumerate() {
        let around = &rows[row.saturating_sub(50)..(row + 50).min(rows.len())];
        let mean = around.iter().map(|row| row.1).sum::<f32>() / around.len() as f32;
        let top = around.iter().map(|row| row.1).fold(0.0, f32::max);
        let is_above = *value > mean + 0.3 * (top - mean);
        match peaks.last_mut() {
            _ if !is_above => {}
            Some(peak) if above || at - peak.0 < 300_000 => {
                *peak = if *value > peak.1 { (*at, *value) } else { *peak }
            }
            _ => peaks.push((*at, *value)),
        }
        above = is_above;
    }
    let mut intervals: Vec<_> = peaks.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    intervals.sort_unstable();
    let median = *intervals.get(intervals.len() / 2)?;
    intervals.retain(|interval| (interval - median).abs() < median * 3 / 10);
    Some(60e6 * intervals.len() as f64 / intervals.iter().sum::<Micros>() as f64)
}

/// How far the heart rates of windows are off those of the threshold on average, 1/min.
fn off(total: &Total) -> f64 {
    let rows = rows();
    let off = |window: &PulseWindow| {
        let rate = by_threshold(&rows, window.start, window.end).unwrap();
        assert!((80.0..110.0).contains(&rate), "{rate}");
        (window.hr_bpm.unwrap().get() - rate).abs()
    };
    let all: Vec<f64> = total.windows.iter().map(off).collect();
    // The rate of a window is centred on earlier beats than the threshold's, see `dsp`.
    assert!(all.iter().all(|off| *off < 5.0), "{all:?}");
    all.iter().sum::<f64>() / all.len() as f64
}

#[test]
fn every_window_has_a_pulse_near_that_of_a_threshold() {
    let total = run_out(&Options::specified(), sent().chunks(1_000));
    let good = total.windows.iter().filter(|window| window.good).count();
    // 682 s: the first window begins at the next multiple of 5 s. Measured: 121 of 129 pass the gate.
    assert_eq!(total.windows.len(), 130);
    assert!(good > 115, "{good}");
    assert!(total.windows.iter().all(|window| window.n_imputed == 0 && window.n_real.abs_diff(3_015) < 15));
    assert!(off(&total) < 1.0);
}

#[test]
fn the_account_is_exact_when_packets_go_astray() {
    let packets = sent();
    let untouched = content(&run_out(&Options::specified(), packets.chunks(1_000)));
    let trouble = Trouble { copied: 20, displaced: 20, reach: 12, ..Trouble::default() };
    for (seed, lost, run) in [(1, 0, 1), (2, 20, 1), (3, 20, 5)] {
        let trouble = Trouble { lost, run, ..trouble };
        let come = logged(trouble.befall(&packets, &mut Luck::both(seed)));
        let expected = account(&come);
        let found = ordered(&come);
        assert_eq!((found.tally, found.late.len()), (expected, 0), "{trouble:?}");
        assert!(expected.duplicates > 10_000 && (expected.lost > 13_000) == (lost > 0), "{expected:?}");
        assert_eq!(found.next.len() as i64, expected.packets - expected.duplicates);
        assert!(found.next.windows(2).all(|pair| pair[0].at < pair[1].at));
        for placed in &found.next {
            let sent = &packets[placed.packet.sequence as usize];
            let first = i64::from(found.next[0].packet.sequence);
            assert_eq!(placed.index + first, i64::from(placed.packet.sequence));
            assert_eq!((sample(&placed.packet), placed.packet.stamp_us), (sample(sent), sent.stamp_us));
        }
        let mut lenient = Options::specified();
        lenient.pulse.real_percent = 60;
        let total = run_out(&lenient, come.chunks(1_000));
        assert_eq!(total.tally.imputed > 0, lost > 0);
        assert!(lost > 0 || content(&total) == untouched);
        assert!(off(&total) < 1.2, "{}", off(&total));
    }
}
