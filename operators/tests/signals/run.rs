//! Runs packets through the sessions of a worker and adds up what comes out.

use model::{
    Arrival, Beat, Breathing, Environment, Fault, Input, Micros, Origin, Packet, PulseWindow, Raw, Rhythm,
    SessionId, Signal, Tick, UserId,
};
use operators::{
    sequence::Tally,
    signals::{Options, sessions::Sessions},
    state::States,
};
use std::collections::BTreeMap;

pub(crate) const SECOND: Micros = 1_000_000;
/// A multiple of every hop.
pub(crate) const START: Micros = 1_767_225_600 * SECOND;

/// Who is measured.
pub(crate) const PERSON: &str = "somebody";

/// What stands at the end.
#[derive(Debug, PartialEq)]
pub(crate) struct Total {
    pub(crate) windows: Vec<PulseWindow>,
    pub(crate) breathings: Vec<Breathing>,
    pub(crate) beats: Vec<Beat>,
    pub(crate) rhythms: Vec<Rhythm>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) tally: Tally,
}

impl Total {
    /// The same with windows that were never corrected.
    pub(crate) fn without_revisions(&self) -> (Vec<Breathing>, Vec<Beat>, Vec<Rhythm>) {
        let breathings = self.breathings.iter().map(|row| Breathing { revision: 0, ..row.clone() });
        let rhythms = self.rhythms.iter().map(|row| Rhythm { revision: 0, ..row.clone() });
        (breathings.collect(), self.beats.clone(), rhythms.collect())
    }
}

/// Packet `number` of a session of the signal's name, with `samples` that lie `period_us` apart.
pub(crate) fn packet(
    signal: Signal,
    number: i64,
    stamp_us: Micros,
    period_us: u32,
    samples: &[f32],
) -> Packet {
    Packet {
        session: SessionId::derive(&[&format!("{signal:?}")]),
        user: UserId::derive(&[PERSON]),
        origin: Origin { input: Input::Packets, partition: 0, offset: number as u64 },
        signal,
        period_us,
        sequence: number as u32,
        sequence_bits: 32,
        stamp_us,
        device: None,
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: samples.len() as u16,
            det: samples.to_vec(),
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw::default(),
    }
}

/// The rows that stand.
pub(crate) fn standing<R: Ord>(changes: impl IntoIterator<Item = (R, i64)>) -> Vec<R> {
    let mut counts = BTreeMap::<R, i64>::new();
    for (row, diff) in changes {
        *counts.entry(row).or_default() += diff;
    }
    counts.retain(|_, count| *count != 0);
    assert!(counts.values().all(|count| *count == 1), "a row stands once or not at all");
    counts.into_keys().collect()
}

/// Runs epochs of packets.
pub(crate) fn run<'epochs>(options: &Options, epochs: impl IntoIterator<Item = &'epochs [Packet]>) -> Total {
    let now = Tick { now: START, watermark: START };
    drive(options, epochs.into_iter().map(|epoch| (now, epoch)))
}

/// Runs epochs of packets, and then nothing until every session counts as ended.
pub(crate) fn run_out<'epochs>(
    options: &Options,
    epochs: impl IntoIterator<Item = &'epochs [Packet]>,
) -> Total {
    let silence = START + i64::from(options.pulse.sequence.silence_s) * SECOND;
    let [now, over] = [START, silence].map(|now| Tick { now, watermark: START });
    drive(options, epochs.into_iter().map(|epoch| (now, epoch)).chain([(over, &[][..])]))
}

fn drive<'epochs>(options: &Options, epochs: impl Iterator<Item = (Tick, &'epochs [Packet])>) -> Total {
    let mut sessions = Sessions::new(options, &States::default());
    let (mut windows, mut breathings) = (Vec::new(), Vec::new());
    let (mut beats, mut rhythms) = (Vec::new(), Vec::new());
    let (mut faults, mut tally) = (Vec::new(), Tally::default());
    for (tick, epoch) in epochs {
        let outcome = sessions.turn(tick, epoch.iter().cloned());
        windows.extend(outcome.windows.into_iter().map(|(window, _heard, diff)| (window, diff)));
        breathings.extend(outcome.breathings);
        beats.extend(outcome.beats);
        rhythms.extend(outcome.rhythms);
        faults.extend(outcome.faults);
        tally += outcome.tally.unwrap_or_default();
    }
    faults.sort();
    let (windows, breathings) = (standing(windows), standing(breathings));
    let (beats, rhythms) = (standing(beats), standing(rhythms));
    Total { windows, breathings, beats, rhythms, faults, tally }
}

/// Runs all packets in one epoch, as specified.
pub(crate) fn at_once(packets: &[Packet]) -> Total {
    run(&Options::specified(), [packets])
}
