//! What lost, copied and displaced packets cost the heart rate, on twelve recordings of people in intensive care.
//!
//! The truth of a window is the mean of the monitor's heart rate (1 Hz) over it. Every packet goes the whole way: record of
//! the log, decoding, order, windows, estimate.

use crate::{
    run::{Total, run_out},
    trouble::{Luck, Trouble, account, logged},
};
use eventlog::Record;
use model::{Input, Micros, Number, Origin, Packet, PulseWindow, SessionId, Signal, Span};
use operators::{sequence::Tally, signals::Options};
use sources::replay::Recordings;
use std::{collections::BTreeMap, path::Path, sync::OnceLock};

/// Most packets of 40 ms that overtake one within the 250 ms of the reorder horizon.
const REACH: u64 = 6;

/// Packets by session, and what the monitors showed.
struct Ward {
    sessions: BTreeMap<SessionId, Vec<Packet>>,
    monitor: BTreeMap<SessionId, Vec<(Micros, f64)>>,
}

fn ward() -> &'static Ward {
    static WARD: OnceLock<Ward> = OnceLock::new();
    WARD.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipeline/recordings");
        let recordings = Recordings::open(&folder).unwrap();
        let mut sessions = BTreeMap::<_, Vec<_>>::new();
        let drafts = recordings.traffic(1, false).filter(|draft| *draft.topic == *Input::Packets.topic());
        for (offset, draft) in (0..).zip(drafts) {
            let eventlog::Draft { topic, partition, timestamp_ms, key, value, headers } = draft;
            let record = Record { topic, partition, offset, timestamp_ms, key, value, headers };
            let packet = sources::packet::decode(record).unwrap();
            if packet.signal == Signal::Pulse {
                sessions.entry(packet.session).or_default().push(packet);
            }
        }
        assert_eq!(sessions.len(), 12);
        Ward { sessions, monitor: recordings.monitor_heart_rate() }
    })
}

/// What comes of the ward's packets in this trouble.
fn ward_in(trouble: Trouble, seed: u64, options: &Options) -> Total {
    let mut luck = Luck::both(seed);
    let mut expected = Tally::default();
    let mut come = Vec::new();
    for packets in ward().sessions.values() {
        let packets = trouble.befall(packets, &mut luck);
        expected += account(&packets);
        come.extend(packets);
    }
    let total = run_out(options, logged(come).chunks(1_000));
    assert_eq!(Tally { imputed: 0, ..total.tally }, expected);
    assert_eq!(total.faults, []);
    total
}

/// Mean absolute error against the monitors, and over how many windows.
#[derive(Clone, Copy, Debug, Default)]
struct Error {
    sum: f64,
    windows: u32,
}

impl Error {
    fn add(&mut self, error: f64) {
        self.sum += error;
        self.windows += 1;
    }

    fn mean(self) -> f64 {
        self.sum / f64::from(self.windows.max(1))
    }
}

/// What the heart rate of a window is off the monitor's, 1/min.
fn off(window: &PulseWindow, bpm: Option<Number>) -> Option<f64> {
    let shown = &ward().monitor[&window.session];
    let shown: Vec<f64> =
        shown.iter().filter(|(at, _)| (window.start..window.end).contains(at)).map(|(_, bpm)| *bpm).collect();
    let truth = (!shown.is_empty()).then(|| shown.iter().sum::<f64>() / shown.len() as f64);
    Some((bpm?.get() - truth?).abs())
}

/// How good windows are.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    /// Windows with and without a heart rate.
    windows: usize,
    /// Of all windows that have a heart rate.
    all: Error,
    /// Of those that passed the gate.
    good: Error,
    beats: Error,
    spectrum: Error,
    /// Of the same windows, untouched: those that have a heart rate, and those that passed the gate, both times.
    all_untouched: Error,
    all_paired: Error,
    good_untouched: Error,
    good_paired: Error,
}

impl Score {
    fn of(total: &Total, untouched: &Total) -> Self {
        let before: BTreeMap<_, _> =
            untouched.windows.iter().map(|window| ((window.session, window.start), window)).collect();
        let mut score = Self { windows: total.windows.len(), ..Self::default() };
        for window in &total.windows {
            if let Some(error) = off(window, window.beats_bpm) {
                score.beats.add(error);
            }
            if let Some(error) = off(window, window.spectrum_bpm) {
                score.spectrum.add(error);
            }
            let Some(error) = off(window, window.hr_bpm) else { continue };
            score.all.add(error);
            if window.good {
                score.good.add(error);
            }
            let Some(before) = before.get(&(window.session, window.start)) else { continue };
            let Some(untouched) = off(before, before.hr_bpm) else { continue };
            score.all_untouched.add(untouched);
            score.all_paired.add(error);
            if window.good && before.good {
                score.good_untouched.add(untouched);
                score.good_paired.add(error);
            }
        }
        score
    }
}

/// As specified, but that a window gets a heart rate, not a good one, from 60 % of real samples on: of a fifth lost, about half
/// of the windows have a few less than 80 %.
fn lenient() -> Options {
    let mut options = Options::specified();
    options.pulse.real_percent = 60;
    options
}

/// The windows without the places of their packets on the log, which copies move.
pub(crate) fn content(total: &Total) -> Vec<PulseWindow> {
    let nowhere = Span::from(Origin { input: Input::Packets, partition: 0, offset: 0 });
    total.windows.iter().map(|window| PulseWindow { packets: nowhere, ..window.clone() }).collect()
}

#[test]
fn copies_and_disorder_change_not_one_bit() {
    let options = Options::specified();
    let untouched = content(&ward_in(Trouble::default(), 1, &options));
    assert_eq!(untouched.len(), 1_092);
    let copied = Trouble { copied: 20, reach: REACH, ..Trouble::default() };
    let displaced = Trouble { displaced: 20, reach: REACH, ..Trouble::default() };
    for trouble in [copied, displaced, Trouble { displaced: 20, ..copied }] {
        assert_eq!(content(&ward_in(trouble, 1, &options)), untouched, "{trouble:?}");
    }
    // Nor do they where packets are lost, too.
    let lost = ward_in(Trouble::LOST, 1, &options);
    let all = ward_in(Trouble { copied: 20, displaced: 20, reach: REACH, ..Trouble::LOST }, 1, &options);
    assert_eq!(content(&all), content(&lost));
    assert_ne!(content(&lost), untouched);
}

#[test]
fn a_fifth_of_the_packets_lost_does_not_move_the_error() {
    let untouched = ward_in(Trouble::default(), 1, &Options::specified());
    let before = Score::of(&untouched, &untouched);
    // Measured: 0.492 of 1,092 windows and 0.312 of the 918 that pass the gate; the beats alone 0.492, the spectrum alone 0.860.
    assert!(before.all.mean() < 0.5 && before.good.mean() < 0.32, "{before:?}");
    assert!(before.all.windows == 1_092 && before.good.windows > 900, "{before:?}");
    assert!(before.all.mean() <= before.beats.mean().min(before.spectrum.mean()), "{before:?}");
    for seed in 1..=3 {
        // 1. As specified: 527 to 596 windows still have 80 % of their samples. Measured: +0.001, -0.005 and +0.001 over them,
        // +0.001, +0.003 and -0.002 over those that pass the gate.
        let total = ward_in(Trouble::LOST, seed, &Options::specified());
        let after = Score::of(&total, &untouched);
        assert!(after.all.windows > 500 && after.good.windows > 430, "{after:?}");
        assert!((after.all_paired.mean() - after.all_untouched.mean()).abs() < 0.05, "{after:?}");
        assert!((after.good_paired.mean() - after.good_untouched.mean()).abs() < 0.05, "{after:?}");
        let has_rate = |window: &PulseWindow| window.hr_bpm.is_some();
        assert!(total.windows.iter().all(|window| has_rate(window) == (window.n_real >= 3_000)));

        // 2. Every window: measured 0.492, 0.487 and 0.496.
        let total = ward_in(Trouble::LOST, seed, &lenient());
        let after = Score::of(&total, &untouched);
        assert!(after.windows > 1_080 && after.all.windows as usize == after.windows, "{after:?}");
        assert!((after.all.mean() - before.all.mean()).abs() < 0.05, "{after:?}");
        assert!(total.windows.iter().all(|window| !window.good || window.n_real >= 3_000));
    }
}

#[test]
fn a_fifth_lost_in_runs_of_five_costs_little() {
    // A run lasts 200 ms, the longest hole that is bridged: it can hold the crest of a beat.
    let untouched = ward_in(Trouble::default(), 1, &Options::specified());
    let runs = Trouble { run: 5, ..Trouble::LOST };
    for seed in 1..=3 {
        // Measured: +0.15, +0.15 and +0.10 over the windows with 80 % of their samples, +0.09 to +0.10 over those that pass the gate.
        let after = Score::of(&ward_in(runs, seed, &Options::specified()), &untouched);
        assert!(after.all.windows > 500 && after.good.windows > 400, "{after:?}");
        assert!(after.all_paired.mean() - after.all_untouched.mean() < 0.2, "{after:?}");
        assert!(after.good_paired.mean() - after.good_untouched.mean() < 0.12, "{after:?}");
        // Measured: 0.65 to 0.67.
        let after = Score::of(&ward_in(runs, seed, &lenient()), &untouched);
        assert!(after.all.windows as usize == after.windows && after.all.mean() < 0.7, "{after:?}");
    }
}
