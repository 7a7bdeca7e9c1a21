//! Reads the signal of a session from the log, sample by sample, as its device sent it.
//!
//! # Invariants
//! - Nothing is made up: a sample stands where its packet says, and where none came there is none.
//! - A sample stands once, however often its packet was sent.
//! - What the log deleted is told as deleted, never as a gap.
//!
//! # Bound
//! [`MOST`] records are looked through, and one piece of them is held at a time.

use eventlog::{Budget, Log, Record, TopicPartition, read_range};
use model::{
    Arrival, Micros, Packet, SessionId, Signal,
    waveform::{Unread, Wanted, Waveform, Waveforms},
};
use std::fmt;

/// Most records that are looked through: of a partition with a thousand sessions on it, minutes.
const MOST: u64 = 200_000;
/// What one read of the log returns at most.
const PIECE: Budget = Budget { records: 4_096, bytes: 8 << 20 };

/// Signals on a log.
pub struct OnLog(pub eventlog::Shared);

impl fmt::Debug for OnLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnLog")
    }
}

impl Waveforms for OnLog {
    fn read(&self, wanted: &Wanted) -> Result<Waveform, Unread> {
        let records = wanted.records;
        let count = records.last.saturating_sub(records.first).saturating_add(1);
        if count > MOST {
            return Err(Unread::TooMany { most: MOST });
        }
        let place = TopicPartition { topic: records.input.topic().into(), partition: records.partition };
        wave(wanted, packets(&*self.0, &place, wanted)?)
    }
}

/// Samples of one packet that are wanted, of its first channel.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    stamp_us: Micros,
    sequence: u32,
    bits: u8,
    signal: Signal,
    period_us: u32,
    is_one: bool,
    samples: Vec<f32>,
}

/// What stands of the session on the log within that time.
fn packets(log: &dyn Log, place: &TopicPartition, wanted: &Wanted) -> Result<Vec<Piece>, Unread> {
    let kept = log.range(place).map_err(|_| Unread::Failed)?;
    if kept.start > wanted.records.first {
        return Err(Unread::Deleted);
    }
    let range = wanted.records.first..kept.end.min(wanted.records.last.saturating_add(1));
    let mut reader = log.reader().map_err(|_| Unread::Failed)?;
    let (mut found, end) = (Vec::new(), range.end);
    let read = read_range(&mut *reader, place, range, PIECE, |record| {
        if record.offset < end && is_of(&record, wanted.session) {
            found.extend(sources::packet::decode(record).ok().and_then(|packet| piece(packet, wanted)));
        }
    });
    read.map(|_| found).map_err(|error| match error {
        eventlog::Error::OutOfRange { .. } => Unread::Deleted,
        _ => Unread::Failed,
    })
}

/// Whether its key says so: the rest is not decoded.
fn is_of(record: &Record, session: SessionId) -> bool {
    let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
    key.and_then(|key| key.parse().ok()) == Some(session)
}

fn piece(packet: Packet, wanted: &Wanted) -> Option<Piece> {
    let Packet { stamp_us, sequence, sequence_bits: bits, signal, period_us, arrival, .. } = packet;
    let Arrival::Samples { channels, samples, mut det, .. } = arrival else { return None };
    // Channel by channel: the first comes first.
    det.truncate(usize::from(samples));
    let end = stamp_us.saturating_add(Micros::from(samples).saturating_mul(Micros::from(period_us)));
    let is_wanted = stamp_us < wanted.until && end > wanted.from;
    let is_one = channels == 1;
    is_wanted.then_some(Piece { stamp_us, sequence, bits, signal, period_us, is_one, samples: det })
}

/// Puts the pieces where they belong.
fn wave(wanted: &Wanted, mut pieces: Vec<Piece>) -> Result<Waveform, Unread> {
    pieces.sort_by_key(|piece| (piece.stamp_us, piece.sequence));
    pieces.dedup_by_key(|piece| (piece.stamp_us, piece.sequence));
    let first = pieces.first().ok_or(Unread::Nothing)?;
    let (start, signal, period_us) = (first.stamp_us, first.signal, first.period_us);
    let like_first = |piece: &Piece| piece.is_one && (piece.signal, piece.period_us) == (signal, period_us);
    if !pieces.iter().all(like_first) {
        return Err(Unread::NoWave);
    }
    let period = Micros::from(period_us);
    let (mut samples, mut before) = (Vec::<Option<f32>>::new(), None);
    for piece in pieces {
        // One that follows the one before goes on where that ended, though stamps are a little off; any other stands
        // where its stamp says, but on no other sample.
        let follows = before.is_some_and(|number: u32| follows(number, &piece));
        let stamped = (piece.stamp_us - start + period / 2) / period;
        let place = usize::try_from(stamped).unwrap_or_default().max(samples.len());
        let near = place - samples.len() <= 1;
        if !(follows && near) {
            samples.resize(place, None);
        }
        before = Some(piece.sequence);
        samples.extend(piece.samples.into_iter().map(Some));
    }
    cut(wanted, &Waveform { signal, start, period_us, samples })
}

/// Whether a piece has the number after `before`, which begins again after its bits.
fn follows(before: u32, piece: &Piece) -> bool {
    let mask = u32::MAX >> (32 - u32::from(piece.bits.clamp(1, 32)));
    before.wrapping_add(1) & mask == piece.sequence & mask
}

/// What of it is within the time, from the first sample that came to the last.
fn cut(wanted: &Wanted, wave: &Waveform) -> Result<Waveform, Unread> {
    let period = Micros::from(wave.period_us);
    let at = |place: usize| wave.start.saturating_add(place as Micros * period);
    let is_within = |place: usize| (wanted.from..wanted.until).contains(&at(place));
    let came = |place: &usize| is_within(*place) && wave.samples[*place].is_some();
    let places = || 0..wave.samples.len();
    let (first, last) = (places().find(came), places().rev().find(came));
    let (first, last) = first.zip(last).ok_or(Unread::Nothing)?;
    Ok(Waveform { start: at(first), samples: wave.samples[first..=last].to_vec(), ..*wave })
}

#[cfg(test)]
mod tests {
    use super::{MOST, OnLog, Piece, wave};
    use eventlog::{Draft, Log, TopicPartition, TopicSpec, embedded::Embedded, write_all};
    use model::{
        Input, SessionId, Signal, Span,
        waveform::{Unread, Wanted, Waveform, Waveforms},
    };
    use proptest::prelude::*;

    const START: i64 = 1_767_225_600_000_000;
    /// Of ten samples a second, ten in a packet.
    const PERIOD: u32 = 100_000;

    fn piece(number: u32) -> Piece {
        Piece {
            stamp_us: START + i64::from(number) * 1_000_000,
            sequence: number,
            bits: 32,
            signal: Signal::Pulse,
            period_us: PERIOD,
            is_one: true,
            samples: (0..10).map(|sample| (number * 10 + sample) as f32).collect(),
        }
    }

    fn wanted(from_ms: i64, until_ms: i64) -> Wanted {
        Wanted {
            session: SessionId::derive(&["s"]),
            records: Span { input: Input::Packets, partition: 0, first: 0, last: 9 },
            from: START + from_ms * 1_000,
            until: START + until_ms * 1_000,
        }
    }

    fn values(wave: &Waveform) -> Vec<Option<u32>> {
        wave.samples.iter().map(|sample| sample.map(|sample| sample as u32)).collect()
    }

    proptest! {
        /// Whatever packets come, in any order and however often: each sample that came stands at its own time, and no
        /// other.
        #[test]
        fn what_came_stands_at_its_time_and_what_did_not_is_missing(
            came in prop::collection::vec(0_u32..12, 0..20),
            from in 0_i64..12_000,
            length in 1_i64..12_000,
        ) {
            let pieces = came.iter().map(|number| piece(*number)).collect();
            let wanted = wanted(from, from + length);
            let due = |sample: &u32| {
                let at = START + i64::from(*sample) * i64::from(PERIOD);
                (wanted.from..wanted.until).contains(&at) && came.contains(&(sample / 10))
            };
            let due: Vec<u32> = (0..120).filter(due).collect();
            match wave(&wanted, pieces) {
                Err(why) => prop_assert_eq!((why, due.len()), (Unread::Nothing, 0)),
                Ok(wave) => {
                    let (first, last) = (due[0], due[due.len() - 1]);
                    prop_assert_eq!(wave.start, START + i64::from(first) * i64::from(PERIOD));
                    let expected: Vec<_> = (first..=last).map(|one| due.contains(&one).then_some(one)).collect();
                    prop_assert_eq!(values(&wave), expected);
                }
            }
        }
    }

    #[test]
    fn packets_that_follow_each_other_join_though_their_stamps_are_a_little_off() {
        let mut second = piece(1);
        second.stamp_us += 60_000;
        let mut third = piece(2);
        third.stamp_us -= 60_000;
        let whole = wave(&wanted(0, 9_000), vec![piece(0), second.clone(), third]).unwrap();
        assert_eq!(values(&whole), (0..30).map(Some).collect::<Vec<_>>());
        // The number between them never came: there is a gap where the stamp says.
        second.sequence = 9;
        second.stamp_us = START + 1_160_000;
        let apart = wave(&wanted(0, 9_000), vec![piece(0), second]).unwrap();
        assert_eq!(apart.samples.iter().filter(|sample| sample.is_none()).count(), 2);
    }

    #[test]
    fn numbers_begin_again_after_their_bits() {
        let (mut last, mut again) = (piece(0), piece(1));
        (last.sequence, last.bits, again.sequence, again.bits) = (65_535, 16, 0, 16);
        again.stamp_us += 60_000;
        assert_eq!(wave(&wanted(0, 9_000), vec![last, again]).unwrap().samples.len(), 20);
    }

    #[test]
    fn many_channels_or_another_rate_are_no_wave() {
        let mut many = piece(0);
        many.is_one = false;
        let mut faster = piece(1);
        faster.period_us /= 2;
        for pieces in [vec![many], vec![piece(0), faster]] {
            assert_eq!(wave(&wanted(0, 9_000), pieces), Err(Unread::NoWave));
        }
    }

    #[test]
    fn what_the_log_deleted_is_told_as_deleted_and_what_it_never_had_as_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let options = eventlog::embedded::Options {
            dir: dir.path().into(),
            segment_bytes: 1 << 20,
            max_record_bytes: 1 << 20,
        };
        let log = Embedded::open(&options).unwrap();
        let topic = || std::sync::Arc::<str>::from(Input::Packets.topic());
        log.ensure_topics(&[TopicSpec { name: topic(), partitions: 1 }]).unwrap();
        let draft = |_| Draft {
            topic: topic(),
            partition: 0,
            timestamp_ms: 0,
            key: Some(SessionId::derive(&["s"]).to_string().into_bytes()),
            value: b"no packet".to_vec(),
            headers: Vec::new(),
        };
        write_all(&mut *log.writer("test").unwrap(), "", (0..10).map(draft)).unwrap();
        let log: eventlog::Shared = std::sync::Arc::new(log);
        let read = |wanted: &Wanted| OnLog(std::sync::Arc::clone(&log)).read(wanted);
        // What cannot be decoded went to the dead letters.
        assert_eq!(read(&wanted(0, 9_000)), Err(Unread::Nothing));
        let many = Span { last: MOST, ..wanted(0, 1).records };
        assert_eq!(read(&Wanted { records: many, ..wanted(0, 1) }), Err(Unread::TooMany { most: MOST }));
        log.truncate(&TopicPartition { topic: topic(), partition: 0 }, 5).unwrap();
        assert_eq!(read(&wanted(0, 9_000)), Err(Unread::Deleted));
        let kept = Span { first: 5, ..wanted(0, 1).records };
        assert_eq!(read(&Wanted { records: kept, ..wanted(0, 9_000) }), Err(Unread::Nothing));
    }
}
