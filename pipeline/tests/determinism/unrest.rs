//! A log as an unreliable world would have written it: shuffled, with copies, some packets late.
//!
//! Knows where each record went, so that the offsets a result names can be told for either log.

use crate::{
    dice::Dice,
    river::{self, Outcome, input},
};
use eventlog::Record;
use model::{AlertChange, Input, Micros, Origin, PulseWindow, Span};
use sources::replay::ANCHOR;
use std::collections::BTreeMap;

const SECOND: Micros = 1_000_000;
/// Copies come within so many microseconds.
const COPIES_WITHIN: u64 = 3_000_000;

/// What happens to a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unrest {
    pub(crate) seed: u64,
    /// Packets of a session change places within so many microseconds.
    pub(crate) shuffle_us: u64,
    /// Records that come twice, percent.
    pub(crate) copied: u64,
    /// By how much a packet is delayed that would have arrived at an instant, microseconds.
    pub(crate) delay: fn(&mut Dice, Micros) -> Option<Micros>,
}

/// The records of one key: topic, partition, key.
type Lane = (Input, u32, Vec<u8>);

/// A log after unrest.
pub(crate) struct Rewritten {
    pub(crate) log: Vec<Record>,
    /// Copies of packets.
    pub(crate) copies: i64,
    /// Packets that came late.
    pub(crate) late: i64,
    /// Old and new offset of each record, the new one of its first copy.
    moved: BTreeMap<Lane, Vec<(u64, u64)>>,
}

/// No packet is late.
pub(crate) fn never(_: &mut Dice, _: Micros) -> Option<Micros> {
    None
}

/// One packet in a hundred is late by 1.25 to 4 s: well beyond the horizon, within the lateness.
pub(crate) fn sometimes(dice: &mut Dice, _: Micros) -> Option<Micros> {
    dice.percent(1).then(|| 1_250_000 + dice.below(2_750_000) as Micros)
}

/// The packets before the end of every window are late: each window leaves without 1.6 s of its samples, and those
/// come 1.5 s after.
pub(crate) fn before_windows_end(_: &mut Dice, at: Micros) -> Option<Micros> {
    let within = (at - ANCHOR).rem_euclid(5 * SECOND);
    (3_200_000..4_800_000).contains(&within).then_some(6_500_000 - within)
}

impl Unrest {
    /// Rewrites `log`.
    pub(crate) fn rewrite(self, log: &[Record]) -> Rewritten {
        let mut dice = Dice::new(self.seed);
        let (mut copies, mut late) = (0, 0);
        let mut arrivals: Vec<(Micros, usize, bool)> = Vec::new();
        for (place, record) in log.iter().enumerate() {
            let mut at = record.timestamp_ms * 1_000;
            let is_packet = input(record) == Input::Packets;
            let delay = (self.delay)(&mut dice, at).filter(|_| is_packet && is_inner(log, record));
            if let Some(delay) = delay {
                at += delay;
                late += 1;
            } else if is_packet {
                at += dice.below(self.shuffle_us + 1) as Micros;
            }
            arrivals.push((at, place, false));
            if dice.percent(self.copied) {
                arrivals.push((at + 1 + dice.below(COPIES_WITHIN) as Micros, place, true));
                copies += i64::from(is_packet);
            }
        }
        arrivals.sort_unstable();
        let rewritten = river::numbered(arrivals.iter().map(|(_, place, _)| log[*place].clone()));
        let mut moved = BTreeMap::<Lane, Vec<(u64, u64)>>::new();
        for ((_, place, is_copy), new) in arrivals.iter().zip(&rewritten) {
            if !is_copy {
                let key = (input(new), new.partition, new.key.clone().unwrap_or_default());
                moved.entry(key).or_default().push((log[*place].offset, new.offset));
            }
        }
        for offsets in moved.values_mut() {
            offsets.sort_unstable();
        }
        Rewritten { log: rewritten, copies, late, moved }
    }
}

/// Whether a packet lies behind the first packets and well before the end of what was recorded.
fn is_inner(log: &[Record], record: &Record) -> bool {
    let bounds = [log.first(), log.last()].map(|record| record.map_or(0, |record| record.timestamp_ms));
    (bounds[0] + 2_000..bounds[1] - 10_000).contains(&record.timestamp_ms)
}

impl Rewritten {
    /// The outcome of the log before it was rewritten, with the offsets that name the same records now.
    pub(crate) fn restated(&self, clean: &Outcome) -> Outcome {
        let mut epochs = clean.epochs.clone();
        for output in &mut epochs {
            for (window, _) in &mut output.windows {
                window.packets = self.span(window.packets, &window.session.to_string());
            }
            for (vitals, _) in &mut output.vitals {
                let span = self.span(vitals.origin.into(), &vitals.user.to_string());
                vitals.origin = Origin { offset: span.first, ..vitals.origin };
            }
            for (session, _) in &mut output.sessions {
                if let Some(stream) = &mut session.stream {
                    stream.span = self.span(stream.span, &session.session.to_string());
                }
            }
            for (beginning, _) in &mut output.beginnings {
                beginning.packets = self.span(beginning.packets, &beginning.session.to_string());
            }
            for (end, _) in &mut output.ends {
                end.span = self.span(end.span, &end.session.to_string());
            }
            output.changes.iter_mut().for_each(|(change, _)| self.restate(change));
            output.alerts.iter_mut().for_each(|(alert, _)| self.restate(&mut alert.last));
        }
        Outcome { epochs, tally: clean.tally }
    }

    fn restate(&self, change: &mut AlertChange) {
        let key = change.session.map_or_else(|| change.user.to_string(), |session| session.to_string());
        for span in &mut change.evidence.spans {
            *span = self.span(*span, &key);
        }
    }

    /// From the lowest to the highest offset that the records of `key` within `span` have now.
    fn span(&self, span: Span, key: &str) -> Span {
        let offsets = &self.moved[&(span.input, span.partition, key.as_bytes().to_vec())];
        let from = offsets.partition_point(|(old, _)| *old < span.first);
        let until = offsets.partition_point(|(old, _)| *old <= span.last);
        let new = || offsets[from..until].iter().map(|(_, new)| *new);
        let bounds = new().min().zip(new().max()).expect("a span holds a record of its key");
        Span { first: bounds.0, last: bounds.1, ..span }
    }
}

/// The same windows and ends of sessions as if none had been revised.
pub(crate) fn unrevised(outcome: &Outcome) -> Outcome {
    let mut epochs = outcome.epochs.clone();
    for output in &mut epochs {
        for (window, _) in &mut output.windows {
            *window = PulseWindow { revision: 0, ..window.clone() };
        }
        output.ends.iter_mut().for_each(|(end, _)| end.revision = 0);
        *output = sinks::Output::merge([std::mem::take(output)]);
    }
    Outcome { epochs, tally: outcome.tally }
}
