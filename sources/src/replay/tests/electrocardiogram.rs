//! A WFDB record as a session of electrocardiogram, beside other recordings and alone.

use super::*;
use model::Signal;

/// Two samples, 5 and -3 steps, repeated: `count` samples of one signal, an even number.
fn data(count: usize) -> Vec<u8> {
    [0x05, 0xf0, 0xfd].repeat(count / 2)
}

fn header(count: usize) -> String {
    let checksum = (count / 2 * 2) as i16;
    format!("x 1 360 {count}\r\nx.dat 212 200(1)/mV 11 1024 5 {checksum} 0 MLII\r\n# 69 M\n")
}

/// Beats at samples 10 and 40, a rhythm change at 30.
const BEATS: [u8; 10] = [10, 1 << 2, 20, 28 << 2, 2, 63 << 2, b'(', b'N', 10, 5 << 2];

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&data(720)).unwrap();
    write("x.hea", header(720).as_bytes());
    write("x.dat.gz", &gzip.finish().unwrap());
    write("x.atr", &[&BEATS[..], &[0, 0]].concat());
    write("y_Signals.csv", signals(20, "Time [s], RESP, PLETH").as_bytes());
    folder
}

#[test]
fn a_lead_is_sent_in_millivolt_at_its_own_rate() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let x = recordings.iter().next().unwrap();
    let [track] = x.tracks() else { panic!("one lead") };
    let session = SessionId::derive(&["replay", "x", "ecg"]);
    assert_eq!((track.signal(), track.session(), track.device()), (Signal::Ecg, session, "replay-x-ecg"));
    assert_eq!((x.name(), x.length_us()), ("x", 2_000_000));
    let (packets, _, faults) = decoded(recordings.traffic(PARTITIONS, false));
    assert_eq!(faults, vec![]);
    // (5 - 1) / 200 and (-3 - 1) / 200 mV.
    assert_eq!(samples(&packets, session), [0.02, -0.02].repeat(360));
    let of_x: Vec<_> = packets.iter().filter(|packet| packet.session == session).collect();
    assert_eq!(of_x.len(), 53, "51 packets of 14 samples, one of 6, the end");
    for (k, packet) in (0_u32..).zip(&of_x) {
        assert_eq!((packet.signal, packet.sequence, packet.user), (Signal::Ecg, k, x.user()));
        assert_eq!(packet.period_us, 2_778);
        if k < 52 {
            assert_eq!(packet.stamp_us, ANCHOR + 14 * i64::from(k) * 1_000_000 / 360);
        }
    }
    let names = recordings.iter().map(Recording::name).collect::<Vec<_>>();
    assert_eq!(names, ["x", "y"]);
}

#[test]
fn beats_are_the_annotated_ones() {
    let folder = folder();
    let recordings = Recordings::open(folder.path()).unwrap();
    let session = SessionId::derive(&["replay", "x", "ecg"]);
    let expected = BTreeMap::from([(session, vec![ANCHOR + 27_777, ANCHOR + 111_111])]);
    assert_eq!(recordings.beats(), expected);
    assert!(recordings.breaths().is_empty());
    fs::remove_file(folder.path().join("x.atr")).unwrap();
    assert!(Recordings::open(folder.path()).unwrap().beats().is_empty(), "not annotated");
}

#[test]
fn all_signals_of_a_name_are_of_one_person() {
    let folder = folder();
    fs::write(folder.path().join("x_Signals.csv"), signals(20, "Time [s], RESP, PLETH")).unwrap();
    fs::write(folder.path().join("x_Numerics.csv"), NUMERICS_TEXT).unwrap();
    let recordings = Recordings::open(folder.path()).unwrap();
    let x = recordings.iter().next().unwrap();
    let signals: Vec<_> = x.tracks().iter().map(Track::signal).collect();
    assert_eq!(signals, [Signal::Pulse, Signal::Respiration, Signal::Ecg]);
    let drafts: Vec<_> = recordings.traffic(PARTITIONS, false).collect();
    assert!(drafts.is_sorted_by_key(|draft| draft.timestamp_ms));
    for cut in [1, 77, drafts.len() - 3] {
        let mut counts = BTreeMap::new();
        for draft in &drafts[..cut] {
            *counts.entry(TopicPartition::new(Arc::clone(&draft.topic), draft.partition)).or_insert(0) += 1;
        }
        let rest: Vec<_> = recordings.traffic(PARTITIONS, false).skip_written(&counts).collect();
        assert_eq!(rest, drafts[cut..]);
    }
    let (packets, events, faults) = decoded(drafts.into_iter());
    assert_eq!(faults, vec![]);
    assert!(packets.iter().filter(|packet| packet.user == x.user()).count() > 50);
    assert_eq!(events.iter().filter(|event| matches!(event, DomainEvent::Vitals(_))).count(), 3);
}

#[test]
fn the_monitor_beside_a_record_is_sent() {
    let folder = folder();
    fs::write(folder.path().join("x_Numerics.csv"), NUMERICS_TEXT).unwrap();
    let (_, events, _) = decoded(Recordings::open(folder.path()).unwrap().traffic(PARTITIONS, false));
    assert_eq!(events.iter().filter(|event| matches!(event, DomainEvent::Vitals(_))).count(), 3);
}

#[test]
fn spoiling_works_on_a_record_too() {
    let folder = folder();
    let (_, _, faults) = decoded(Recordings::open(folder.path()).unwrap().traffic(PARTITIONS, true));
    assert_eq!(faults.len(), 11);
}

#[test]
fn errors_name_the_file_and_the_next_step() {
    let absent: Option<&[u8]> = None;
    let header_of_two = header(720).replace("x 1", "x 2");
    let checksum = header(720).replace(" 720 0 ", " 721 0 ");
    for (name, bytes, file, part) in [
        ("x.dat.gz", absent, "x.hea", "put NAME.dat or NAME.dat.gz beside it"),
        ("x.dat.gz", Some(&b"no gzip"[..]), "x.dat.gz", "could not read"),
        ("x.dat", Some(&data(718)[..]), "x.dat", "shorter than its header says"),
        ("x.dat", Some(&data(724)[..]), "x.dat", "longer than its header says"),
        ("x.hea", Some(b""), "x.hea", "no WFDB header"),
        ("x.hea", Some(b"\xff\xfe"), "x.hea", "no WFDB header"),
        ("x.hea", Some(b"SECRET 1 fast\n"), "x.hea", "no WFDB header"),
        ("x.hea", Some(header_of_two.as_bytes()), "x.hea", "copy the whole header"),
        ("x.hea", Some(checksum.as_bytes()), "x.dat.gz", "checksum"),
        ("x.hea", Some(b"x 1 0 720\nx.dat 212 200\n"), "x.hea", "sampling frequency"),
        ("x.atr", Some(&BEATS[..]), "x.atr", "ends within its annotations"),
        ("x.atr", Some(&[0xff, 0x07, 0, 0]), "x.atr", "outside the record"),
    ] {
        let folder = folder();
        let path = folder.path().join(name);
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let message = Recordings::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains(file), "{name}: {message}");
        assert!(!message.contains("SECRET"), "{message}");
    }
}
