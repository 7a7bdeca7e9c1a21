//! Respiration beside pulse: two sessions of one person, and the breaths people marked.

use super::*;
use model::Signal;

/// A folder with one recording of these files.
fn recording(files: &[(&str, &str)]) -> (TempDir, Recordings) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let recordings = Recordings::open(folder.path()).unwrap();
    (folder, recordings)
}

/// 100 samples of both signals, the pulse `k` and the respiration `1000 + k`, of which number 7 is none.
fn both(header: &str) -> String {
    let mut text = format!("{header}\n");
    for k in 0..100 {
        let resp = if k == 7 { "NaN".to_owned() } else { (1_000 + k).to_string() };
        writeln!(text, "{},{resp},0.5,{k}", f64::from(k) / 125.0).unwrap();
    }
    text
}

const HEADER: &str = "Time [s], RESP, II, PLETH";

#[test]
fn each_signal_is_a_session_of_the_same_person() {
    let (_folder, recordings) =
        recording(&[("a_Signals.csv", &both(HEADER)), ("a_Numerics.csv", NUMERICS_TEXT)]);
    let a = recordings.iter().next().unwrap();
    let tracks: Vec<_> = a
        .tracks()
        .iter()
        .map(|track| (track.signal(), track.session(), track.device(), track.length_us()))
        .collect();
    let pulse = SessionId::derive(&["replay", "a"]);
    let respiration = SessionId::derive(&["replay", "a", "respiration"]);
    assert_eq!(
        tracks,
        [
            (Signal::Pulse, pulse, "replay-a", 800_000),
            (Signal::Respiration, respiration, "replay-a-respiration", 800_000)
        ]
    );
    let (packets, events, faults) = decoded(recordings.traffic(PARTITIONS, false));
    assert_eq!(faults, vec![]);
    assert_eq!(samples(&packets, pulse), (0..100_u8).map(f32::from).collect::<Vec<_>>());
    let sent = (1_000..1_100_u16).filter(|k| *k != 1_007).map(f32::from);
    assert_eq!(samples(&packets, respiration), sent.collect::<Vec<_>>());
    for packet in &packets {
        let signal = if packet.session == pulse { Signal::Pulse } else { Signal::Respiration };
        assert_eq!((packet.signal, packet.period_us, packet.user), (signal, 8_000, a.user()));
    }
    // The gap is in the respiration only: 5 + 2 samples, then from number 8 on.
    let stamps: Vec<_> = packets
        .iter()
        .filter(|packet| packet.session == respiration)
        .map(|packet| packet.stamp_us - ANCHOR)
        .take(4)
        .collect();
    assert_eq!(stamps, [0, 40_000, 64_000, 104_000]);
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            DomainEvent::SessionStarted(started) => {
                Some((started.session, started.device.as_str(), started.user))
            }
            _ => None,
        })
        .collect();
    let expected = [(pulse, "replay-a", a.user()), (respiration, "replay-a-respiration", a.user())];
    assert_eq!(started, expected);
    let vitals = events.iter().filter(|event| matches!(event, DomainEvent::Vitals(_))).count();
    assert_eq!(vitals, 3, "the monitor of a person is sent once");
    let ids: BTreeSet<_> = events.iter().map(DomainEvent::id).collect();
    assert_eq!(ids.len(), events.len(), "every event has an id of its own");
}

#[test]
fn another_signal_leaves_the_pulse_as_it_was() {
    let with = recording(&[("a_Signals.csv", &both(HEADER)), ("a_Numerics.csv", NUMERICS_TEXT)]).1;
    let without = both("Time [s], other, II, PLETH");
    let without = recording(&[("a_Signals.csv", &without), ("a_Numerics.csv", NUMERICS_TEXT)]).1;
    let respiration = SessionId::derive(&["replay", "a", "respiration"]).to_string();
    let mut rest: Vec<_> = with.traffic(PARTITIONS, false).collect();
    rest.retain(|draft| draft.key.as_deref() != Some(respiration.as_bytes()));
    assert_eq!(rest, without.traffic(PARTITIONS, false).collect::<Vec<_>>());
}

#[test]
fn at_one_instant_the_pulse_goes_before_the_respiration() {
    let (_folder, recordings) = recording(&[
        ("a_Signals.csv", &both("Time [s], PLETH, II, RESP")),
        ("b_Signals.csv", &both("Time [s], PLETH, II, RESP")),
    ]);
    let keys: Vec<_> = recordings.iter().flat_map(Recording::tracks).map(Track::session).collect();
    let order: Vec<_> = recordings.traffic(PARTITIONS, false).map(|draft| draft.key.unwrap()).collect();
    let expected: Vec<_> = keys.iter().map(|key| key.to_string().into_bytes()).collect();
    assert_eq!(order[..4], expected, "starts");
    assert_eq!(order[4..8], expected, "first packets");
    assert_eq!(order[order.len() - 4..], expected, "ends");
}

#[test]
fn one_signal_alone_is_enough() {
    for (header, signal) in
        [("Time [s], other, II, PLETH", Signal::Pulse), ("Time [s], RESP, II, other", Signal::Respiration)]
    {
        let (_folder, recordings) =
            recording(&[("a_Signals.csv", &both(header)), ("a_Numerics.csv", NUMERICS_TEXT)]);
        let (packets, events, faults) = decoded(recordings.traffic(PARTITIONS, false));
        assert_eq!(faults, vec![]);
        assert!(packets.iter().all(|packet| packet.signal == signal), "{header}");
        assert_eq!(events.len(), 5, "start, end and three observations");
        assert_eq!(recordings.monitor_heart_rate().len(), usize::from(signal == Signal::Pulse));
    }
}

#[test]
fn breaths_are_those_of_the_first_annotator() {
    // The columns are not in the usual order, one ends early, and rows are not in order.
    let breaths =
        "breaths ann2 [signal sample no], breaths ann1 [signal sample no]\n3,5\n40,99\n50,42\n60,NaN\n70,\n";
    let (_folder, recordings) = recording(&[
        ("a_Signals.csv", &both(HEADER)),
        ("a_Breaths.csv", breaths),
        ("b_Signals.csv", &both(HEADER)),
        ("c_Signals.csv", &both(HEADER)),
        ("c_Breaths.csv", "breaths ann1 [signal sample no]\n"),
    ]);
    let session = |name| SessionId::derive(&["replay", name, "respiration"]);
    let expected =
        [(session("a"), vec![ANCHOR + 40_000, ANCHOR + 336_000, ANCHOR + 792_000]), (session("c"), vec![])];
    assert_eq!(recordings.breaths(), BTreeMap::from(expected), "b was not annotated, c has no breath");
    assert!(recordings.beats().is_empty());
}

#[test]
fn breaths_that_are_none_are_refused() {
    for (text, part) in [
        ("breaths ann1\n3\n100\n", "row 3"),
        ("breaths ann1\n-1\n", "write the number of a sample"),
        ("breaths ann1\n1.5\n", "row 2"),
        ("breaths ann1\n1e300\n", "row 2"),
        ("breaths ann1\nSECRET\n", "no number in column breaths ann1"),
        ("breaths ann2\n1\n", "no column breaths ann1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a_Signals.csv"), both(HEADER)).unwrap();
        fs::write(folder.path().join("a_Breaths.csv"), text).unwrap();
        let message = Recordings::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("a_Breaths.csv"), "{text:?}: {message}");
        assert!(!message.contains("SECRET"), "{message}");
    }
}
