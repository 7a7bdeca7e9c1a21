//! Replay through the decoder: what was recorded comes out, in order, whole, and again after a cut.

mod electrocardiogram;
mod respiration;
mod shipped;

use super::*;
use crate::{event, packet};
use eventlog::{Draft, Record, TopicPartition};
use flate2::{Compression, write::GzEncoder};
use model::{Arrival, DomainEvent, Fault, Input, Packet, Reason, UserId};
use std::{collections::BTreeSet, fmt::Write as _, io::Write as _};
use tempfile::TempDir;

/// A waveform of `rows` samples at 125 Hz as BIDMC prints it: five digits, blanks in the header.
fn signals(rows: u32, header: &str) -> String {
    let mut text = format!("{header}\n");
    for k in 0..rows {
        let seconds: f64 = format!("{:.4e}", f64::from(k) / 125.0).parse().unwrap();
        writeln!(text, "{seconds},0.5,{}", sample(k)).unwrap();
    }
    text
}

fn sample(k: u32) -> f32 {
    (f64::from(k) * 0.05).sin() as f32
}

const NUMERICS_TEXT: &str =
    "Time [s], HR, PULSE, RESP, SpO2\n-1,60,61,12,97\n-0,NaN,62,13,\n1,NaN,NaN,NaN,NaN\n2, 62.5 ,,,98\n";

/// A folder with recording `a` (plain, with numerics) and `b` (gzip, without).
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("a_Signals.csv", signals(252, "Time [s], II, PLETH").as_bytes());
    write("a_Numerics.csv", NUMERICS_TEXT.as_bytes());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(signals(13_001, "Time [s], II, PLETH").as_bytes()).unwrap();
    write("b_Signals.csv.gz", &gzip.finish().unwrap());
    write("a_Breaths.csv", b"breaths, signal\n1,2\n");
    write("notes.txt", b"not a recording");
    folder
}

const PARTITIONS: u32 = 6;

fn record(draft: Draft, offset: u64) -> Record {
    let Draft { topic, partition, timestamp_ms, key, value, headers } = draft;
    Record { topic, partition, offset, timestamp_ms, key, value, headers }
}

/// What the decoder makes of `drafts`.
fn decoded(drafts: impl Iterator<Item = Draft>) -> (Vec<Packet>, Vec<DomainEvent>, Vec<Fault>) {
    let (mut packets, mut events, mut faults) = (vec![], vec![], vec![]);
    for draft in drafts {
        let input = Input::named(&draft.topic).unwrap();
        let record = record(draft, 0);
        match input {
            Input::Packets => match packet::decode(record) {
                Ok(packet) => packets.push(packet),
                Err(fault) => faults.push(*fault),
            },
            of => match event::decode(of, record) {
                Ok(event) => events.push(event),
                Err(fault) => faults.push(*fault),
            },
        }
    }
    (packets, events, faults)
}

fn samples(packets: &[Packet], session: SessionId) -> Vec<f32> {
    let of_session = packets.iter().filter(|packet| packet.session == session);
    of_session
        .flat_map(|packet| match &packet.arrival {
            Arrival::Samples { det, .. } => det.clone(),
            Arrival::End => vec![],
        })
        .collect()
}

#[test]
fn what_was_recorded_comes_out() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    assert_eq!(recordings.iter().map(Recording::name).collect::<Vec<_>>(), ["a", "b"]);
    let (packets, events, faults) = decoded(recordings.traffic(PARTITIONS, false));
    assert_eq!(faults, vec![]);
    let [a, b] = ["a", "b"].map(|name| SessionId::derive(&["replay", name]));
    assert_eq!(samples(&packets, a), (0..252).map(sample).collect::<Vec<_>>());
    assert_eq!(samples(&packets, b), (0..13_001).map(sample).collect::<Vec<_>>());
    let of_a: Vec<_> = packets.iter().filter(|packet| packet.session == a).collect();
    assert_eq!(of_a.len(), 52, "50 whole packets, one of 2 samples, the end");
    for (k, packet) in (0_u32..).zip(&of_a[..51]) {
        assert_eq!((packet.sequence, packet.stamp_us), (k, ANCHOR + i64::from(k) * 40_000));
        assert_eq!((packet.period_us, packet.user), (8_000, UserId::derive(&["replay", "a"])));
    }
    let Arrival::Samples { samples: last, .. } = of_a[50].arrival else { panic!("samples") };
    assert_eq!(last, 2);
    assert_eq!((of_a[51].sequence, &of_a[51].arrival), (51, &Arrival::End));
    let vitals: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            DomainEvent::Vitals(seen) => {
                Some((seen.at - ANCHOR, seen.hr.map(f64::from), seen.spo2.map(f64::from)))
            }
            _ => None,
        })
        .collect();
    let expected = [(-1, Some(60.0), Some(97.0)), (0, None, None), (2, Some(62.5), Some(98.0))];
    assert_eq!(vitals, expected.map(|(at, hr, spo2)| (at * 1_000_000, hr, spo2)));
    let started = events.iter().filter(|event| matches!(event, DomainEvent::SessionStarted(_))).count();
    let ended = events.iter().filter(|event| matches!(event, DomainEvent::SessionEnded(_))).count();
    assert_eq!((started, ended), (2, 2));
    let ids: BTreeSet<_> = events.iter().map(DomainEvent::id).collect();
    assert_eq!(ids.len(), events.len(), "every event has an id of its own");
}

#[test]
fn traffic_is_in_time_order_on_the_partitions_of_its_keys() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let drafts: Vec<_> = recordings.traffic(PARTITIONS, false).collect();
    assert!(drafts.is_sorted_by_key(|draft| draft.timestamp_ms));
    for draft in &drafts {
        assert_eq!(draft.partition, eventlog::partition_of(draft.key.as_deref().unwrap(), PARTITIONS));
    }
    assert_eq!(drafts[0].timestamp_ms, ANCHOR / 1_000 - 1_000);
    assert_eq!(drafts, recordings.traffic(PARTITIONS, false).collect::<Vec<_>>(), "the same every time");
    assert_eq!(recordings.traffic(PARTITIONS, false).total(), drafts.len() as u64);
}

#[test]
fn patients_send_nothing_but_what_their_monitors_show_and_that_is_worse() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let whole: Vec<_> = recordings.traffic(PARTITIONS, false).collect();
    let with = recordings.clone().with_patients(3);
    assert_eq!(with.len(), recordings.len() + 3);
    let all: Vec<_> = with.traffic(PARTITIONS, false).collect();
    assert!(whole.iter().all(|draft| all.contains(draft)), "what is recorded is sent as without them");
    let added: Vec<_> = all.iter().filter(|draft| !whole.contains(draft)).collect();
    assert!(!added.is_empty() && added.iter().all(|draft| *draft.topic == *Input::Vitals.topic()));
    let users: BTreeSet<_> = added.iter().map(|draft| draft.key.clone()).collect();
    assert_eq!(users.len(), 3);
    let resp = |recording: &Recording| recording.observations().iter().filter_map(|seen| seen.resp).max();
    let (patients, others): (Vec<_>, Vec<_>) = with.iter().partition(|one| one.name().contains('~'));
    let most = others.into_iter().filter_map(resp).max();
    assert!(patients.into_iter().all(|patient| resp(patient) > most));
}

#[test]
fn a_cut_replay_continues_where_it_was_cut() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let whole: Vec<_> = recordings.traffic(PARTITIONS, true).collect();
    for cut in [0, 1, 2, 57, 400, whole.len() - 1, whole.len()] {
        let mut counts = BTreeMap::new();
        for draft in &whole[..cut] {
            *counts.entry(TopicPartition::new(Arc::clone(&draft.topic), draft.partition)).or_insert(0) += 1;
        }
        let rest: Vec<_> = recordings.traffic(PARTITIONS, true).skip_written(&counts).collect();
        assert_eq!(rest, whole[cut..], "cut after {cut}");
    }
}

#[test]
fn spoiled_records_are_extra_and_each_is_refused() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let good: Vec<_> = recordings.traffic(PARTITIONS, false).collect();
    let all: Vec<_> = recordings.traffic(PARTITIONS, true).collect();
    let mut without = all.clone();
    without.retain(|draft| good.contains(draft));
    assert_eq!(without, good);
    let (_, _, faults) = decoded(all.into_iter());
    let reasons: Vec<_> = faults.iter().map(|fault| fault.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::BadLength,
            Reason::BadChecksum,
            Reason::BadVersion,
            Reason::NotFinite,
            Reason::OutOfRange,
            Reason::BadEnvelope,
            Reason::BadEnvelope,
            Reason::MissingField,
            Reason::OutOfRange,
            Reason::BadVersion,
            Reason::UnknownType,
        ]
    );
}

#[test]
fn the_truth_is_what_the_monitor_showed() {
    let folder = folder();
    let truth = Recordings::open(folder.path()).unwrap().monitor_heart_rate();
    let a = &truth[&SessionId::derive(&["replay", "a"])];
    assert_eq!(*a, [(ANCHOR - 1_000_000, 60.0), (ANCHOR + 2_000_000, 62.5)]);
    assert!(truth[&SessionId::derive(&["replay", "b"])].is_empty());
}

#[test]
fn a_sample_that_is_no_number_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "Time [s],PLETH\n0,1\n.008,2\n.016,NaN\n.024,\n.032,5\n.04,6\n.048,7\n.056,8\n.064,9\n.072,10\n";
    fs::write(folder.path().join("x_Signals.csv"), text).unwrap();
    let (packets, _, faults) = decoded(Recordings::open(folder.path()).unwrap().traffic(1, false));
    assert_eq!(faults, vec![]);
    let sent: Vec<_> = packets
        .iter()
        .filter_map(|packet| match &packet.arrival {
            Arrival::Samples { det, .. } => Some((packet.sequence, packet.stamp_us - ANCHOR, det.clone())),
            Arrival::End => None,
        })
        .collect();
    let expected =
        [(0, 0, vec![1.0, 2.0]), (1, 32_000, vec![5.0, 6.0, 7.0, 8.0, 9.0]), (2, 72_000, vec![10.0])];
    assert_eq!(sent, expected);
}

#[test]
fn a_plain_file_is_read_before_its_compressed_copy() {
    let folder = folder();
    fs::write(folder.path().join("b_Signals.csv"), signals(10, "Time [s], II, PLETH")).unwrap();
    let recordings = Recordings::open(folder.path()).unwrap();
    assert_eq!(recordings.iter().map(Recording::length_us).collect::<Vec<_>>(), [2_016_000, 80_000]);
}

/// The message of the error that opening a folder with one file gives.
fn error(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a_Signals.csv"), signals(5, "Time [s], RESP, PLETH")).unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    Recordings::open(folder.path()).unwrap_err().to_string()
}

#[test]
fn errors_name_the_file_and_the_next_step() {
    let empty = tempfile::tempdir().unwrap();
    let message = Recordings::open(empty.path()).unwrap_err().to_string();
    assert!(message.contains("no recordings in") && message.contains("NAME_Signals.csv"), "{message}");
    let message = Recordings::open(&empty.path().join("absent")).unwrap_err().to_string();
    assert!(message.contains("could not read") && message.contains("absent"), "{message}");
    for (name, text, part) in [
        ("x_Signals.csv", "Time [s], II\n0,1\n.008,1\n", "no column PLETH"),
        ("x_Signals.csv", "Time [s], II\n0,1\n.008,1\n", "the respiration \"RESP\" or both"),
        ("x_Signals.csv", "Time [s], RESP\n0,1\n.008,SECRET\n", "no number in column RESP"),
        ("x_Signals.csv", "PLETH\n1\n2\n", "no column Time"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n.008,SECRET\n", "row 3"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n,1\n", "column Time"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n.008\n", "row 3"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n", "fewer than two samples"),
        ("x_Signals.csv", "", "no column Time"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n1,1\n5,1\n6,1\n7,1\n", "evenly"),
        ("x_Signals.csv", "Time [s],PLETH\n0,1\n0,1\n0,1\n", "check column and unit"),
        ("a_Numerics.csv", "Time [s],HR\n1e12,60\n", "row 2"),
        ("x_Signals.csv.gz", "this is not gzip", "could not read"),
        ("a_Numerics.csv", "HR\n60\n", "no column Time"),
        ("a_Numerics.csv", "Time [s],HR\n0,SECRET\n", "column HR"),
    ] {
        let message = error(name, text);
        assert!(message.contains(part) && message.contains(name), "{text:?}: {message}");
        assert!(!message.contains("SECRET"), "{message}");
    }
}
