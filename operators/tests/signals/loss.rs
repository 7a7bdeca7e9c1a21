//! What lost, copied and displaced packets cost the heart rate, on twelve recordings of people in intensive care.
//!
//! The truth of a window is the mean of the monitor's heart rate (1 Hz) over it. Every packet goes the whole way: record of
//! the log, decoding, order, windows, estimate.

use crate::{
    run::{Total, run_out},
    trouble::{Luck, Trouble, account, logged},
};
use eventlog::Record;
use model::{Input, Micros, Number, Packet, PulseWindow, SessionId};
use operators::{sequence::Tally, signals::Options};
use sources::replay::Recordings;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::OnceLock,
};

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
            sessions.entry(packet.session).or_default().push(packet);
        }
        assert_eq!(sessions.len(), 12);
        Ward { sessions, monitor: recordings.monitor_heart_rate() }
    })
}

/// What comes of the ward's packets in this trouble.
fn ward_in(trouble: Trouble, options: &Options) -> Total {
    let mut luck = Luck(7);
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
    let shown: Vec<f64> = shown
        .iter()
        .filter(|(at, _)| (window.start..window.end).contains(at))
        .map(|(_, bpm)| *bpm)
        .collect();
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

#[test]
fn measure() {
    let specified = Options::specified();
    let mut lenient = Options::specified();
    lenient.pulse.real_percent = 60;
    let untouched = ward_in(Trouble::default(), &specified);
    let lost = Trouble { lost: 20, ..Trouble::default() };
    let runs = Trouble { lost: 20, run: 5, ..Trouble::default() };
    let copied = Trouble { copied: 20, reach: REACH, ..Trouble::default() };
    let displaced = Trouble { displaced: 20, reach: REACH, ..Trouble::default() };
    let all = Trouble { lost: 20, copied: 20, displaced: 20, reach: REACH, run: 1 };
    for (name, trouble, options) in [
        ("untouched", Trouble::default(), &specified),
        ("lost", lost, &specified),
        ("runs", runs, &specified),
        ("copied", copied, &specified),
        ("displaced", displaced, &specified),
        ("all", all, &specified),
        ("lost, every window", lost, &lenient),
        ("runs, every window", runs, &lenient),
    ] {
        let total = ward_in(trouble, options);
        let score = Score::of(&total, &untouched);
        eprintln!(
            "{name}: windows {} with rate {} good {}; MAE all {:.4} good {:.4} beats {:.4} ({}) spectrum {:.4}; paired all {:.4} -> {:.4} ({}) good {:.4} -> {:.4} ({}); {:?}",
            score.windows, score.all.windows, score.good.windows, score.all.mean(), score.good.mean(), score.beats.mean(), score.beats.windows, score.spectrum.mean(),
            score.all_untouched.mean(), score.all_paired.mean(), score.all_paired.windows,
            score.good_untouched.mean(), score.good_paired.mean(), score.good_paired.windows, total.tally
        );
    }
}
