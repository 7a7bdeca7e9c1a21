//! The readers of WFDB records on records written here, damaged ones, and arbitrary bytes.

use super::{
    super::track::Mark,
    annotation,
    header::{Header, Signal},
    signal,
};
use proptest::prelude::*;

fn header(text: &str) -> Result<Header, &'static str> {
    Header::read(text.as_bytes())
}

/// `samples` in format 212.
fn packed(samples: &[i32]) -> Vec<u8> {
    let byte = |value: i32| (value & 0xff) as u8;
    let mut bytes = Vec::new();
    for pair in samples.chunks(2) {
        let second = pair.get(1).copied();
        bytes.extend([byte(pair[0]), byte(((pair[0] >> 8) & 15) | (((second.unwrap_or(0) >> 8) & 15) << 4))]);
        bytes.extend(second.map(byte));
    }
    bytes
}

/// Pairs of bytes: code and value.
fn pairs(pairs: &[(u16, u16)]) -> Vec<u8> {
    pairs.iter().flat_map(|(code, value)| ((code << 10) | value).to_le_bytes()).collect()
}

#[test]
fn a_header_says_what_the_record_is() {
    let read = header(
        "# comment\r\n100 2 360 650000\r\n100.dat 212 200 11 1024 995 -22131 0 MLII\r\n\r\n\
         100.dat 212 200 11 1024 1011 20052 0 V5\r\n# 69 M\n",
    )
    .unwrap();
    assert_eq!((read.rate_hz, read.samples, read.lead, read.signals.len()), (360.0, Some(650_000), 0, 2));
    let Signal { gain, baseline, initial, checksum, .. } = read.signals[0].clone();
    assert_eq!((gain, baseline, initial, checksum), (200.0, 1_024, Some(995), Some(-22_131)));
}

#[test]
fn fields_that_a_header_leaves_out_have_their_defaults() {
    let read = header("a 1\na.dat 212 200\n").unwrap();
    assert_eq!((read.rate_hz, read.samples), (250.0, None));
    let Signal { gain, baseline, initial, checksum, .. } = read.signals[0].clone();
    assert_eq!((gain, baseline, initial, checksum), (200.0, 0, None, None));
    let read = header("a 1 128.5/64(0) 0 10:00:00 1/2/1990\na.dat 212 -1.5e2(-7)/mV 12 3\n").unwrap();
    assert_eq!((read.rate_hz, read.samples), (128.5, None));
    assert_eq!((read.signals[0].gain, read.signals[0].baseline), (-150.0, -7));
}

#[test]
fn the_lead_is_mlii_or_the_first_in_millivolt() {
    for (first, second, lead) in [
        ("200 11 0 0 0 0 MLII", "200 11 0 0 0 0 V5", Some(0)),
        ("200 11 0 0 0 0 V5", "200 11 0 0 0 0 MLII", Some(1)),
        ("200 11 0 0 0 0 V5", "200 11 0 0 0 0 V1", Some(0)),
        ("100/mmHg 11 0 0 0 0 ABP", "200/mV 11 0 0 0 0 V1", Some(1)),
        ("200 11 0 0 0 0 V5", "200/uV 11 0 0 0 0 MLII", Some(0)),
        ("100/mmHg 11 0 0 0 0 ABP", "100/Ohm 11 0 0 0 0 RESP", None),
    ] {
        let read = header(&format!("a 2 360\na.dat 212 {first}\na.dat 212 {second}\n"));
        assert_eq!(read.ok().map(|read| read.lead), lead, "{first} | {second}");
    }
}

#[test]
fn headers_that_cannot_be_replayed_say_why() {
    for (text, part) in [
        ("", "no WFDB header"),
        ("a\n", "no WFDB header"),
        ("a x\n", "no WFDB header"),
        ("a/3 1 360\nb 100\n", "several segments"),
        ("a 3 360\na.dat 212 200\na.dat 212 200\na.dat 212 200\n", "one or two signals"),
        ("a 0 360\n", "one or two signals"),
        ("a 2 360\na.dat 212 200\n", "not as many"),
        ("a 1 360\na.dat 212 200\na.dat 212 200\n", "not as many"),
        ("a 1 360 -5\na.dat 212 200\n", "no WFDB header"),
        ("a 1 360 5\na.dat 16 200\n", "format 212"),
        ("a 1 360 5\na.dat 212x2 200\n", "format 212"),
        ("a 1 360 5\na.dat 212:3 200\n", "format 212"),
        ("a 1 360 5\na.dat\n", "format 212"),
        ("a 1 360 5\na.dat 212\n", "not calibrated"),
        ("a 1 360 5\na.dat 212 0/mV\n", "not calibrated"),
        ("a 1 360 5\na.dat 212 nan\n", "cannot be read"),
        ("a 1 360 5\na.dat 212 200(x)/mV\n", "cannot be read"),
        ("a 1 360 5\na.dat 212 200 11 0 1 99999\n", "cannot be read"),
    ] {
        let problem = header(text).unwrap_err();
        assert!(problem.contains(part), "{text:?}: {problem}");
    }
}

#[test]
fn samples_are_checked_before_they_are_used() {
    let samples = [-2_047, 2_047, 0, -1, 1, -2_048];
    let bytes = packed(&samples);
    let of = |rest: &str, bytes: &[u8]| signal::read(bytes, &header(&format!("a 1 360 {rest}")).unwrap());
    let read = of("6\na.dat 212 2(1) 12 0 -2047 -2048\n", &bytes).unwrap();
    assert_eq!(read[..5], [-1_024.0, 1_023.0, -0.5, -1.0, 0.0]);
    assert!(read[5].is_nan(), "the mark for no sample");
    assert_eq!(of("0\na.dat 212 2(1)\n", &bytes).unwrap()[..5], read[..5], "a length of 0 is none");
    assert!(of("6\na.dat 212 2(1) 12 0 -2046 -2048\n", &bytes).unwrap_err().contains("first sample"));
    assert!(of("6\na.dat 212 2(1) 12 0 -2047 -2047\n", &bytes).unwrap_err().contains("checksum"));
    assert!(of("7\na.dat 212 2(1)\n", &bytes).unwrap_err().contains("shorter"));
    assert!(of("4\na.dat 212 2(1)\n", &bytes).unwrap_err().contains("longer"));
    assert!(of("18446744073709551615\na.dat 212 2(1)\n", &bytes).unwrap_err().contains("shorter"));
    assert!(of("1\na.dat 212 2(1)\n", &bytes[..2]).unwrap_err().contains("fewer than two"));
    assert!(of("0\na.dat 212 2(1)\n", &bytes[..4]).unwrap_err().contains("shorter"));
    // An odd number of samples ends in two bytes, or in three.
    assert_eq!(of("5\na.dat 212 2(1)\n", &bytes[..8]).unwrap(), read[..5]);
    assert_eq!(of("5\na.dat 212 2(1)\n", &bytes).unwrap(), read[..5]);
    assert!(of("5\na.dat 212 2(1)\n", &bytes[..7]).unwrap_err().contains("shorter"));
}

#[test]
fn two_signals_stand_alternately_and_both_are_checked() {
    let bytes = packed(&[1, 10, 2, 20, 3, 30]);
    let of = |first: &str, second: &str| {
        let text = format!("a 2 360 3\na.dat 212 1 12 0 {first} 0 V5\na.dat 212 10 12 0 {second} 0 MLII\n");
        signal::read(&bytes, &header(&text).unwrap())
    };
    assert_eq!(of("1 6", "10 60").unwrap(), [1.0, 2.0, 3.0]);
    assert!(of("2 6", "10 60").unwrap_err().contains("first sample"));
    assert!(of("1 7", "10 60").unwrap_err().contains("checksum"));
    assert!(of("1 6", "11 60").unwrap_err().contains("first sample"));
    assert!(of("1 6", "10 61").unwrap_err().contains("checksum"));
}

#[test]
fn the_annotations_that_are_beats_are_those_of_physionet() {
    // N L R a V F J A S E j / Q, B, ?, e, n, f, r, by their numbers in ecgcodes.h.
    let beats = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 30, 34, 35, 38, 41];
    for code in 1..59 {
        let found = annotation::beats(&pairs(&[(code, 7), (0, 0)]), 100, 360.0).unwrap();
        assert_eq!(!found.is_empty(), beats.contains(&code), "{code}");
        assert!(found.iter().all(|beat| beat.is_normal == (code <= 3)), "{code}");
    }
}

#[test]
fn what_belongs_to_an_annotation_moves_no_beat() {
    let mut bytes = pairs(&[(1, 10), (60, 1_000), (61, 1_023), (62, 1), (59, 0)]);
    // 100,000 = 1 << 16 | 0x86a0, then a beat 5 later; text of an odd length that looks like the end.
    bytes.extend([1, 0, 0xa0, 0x86]);
    bytes.extend(pairs(&[(5, 5), (63, 3)]));
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(pairs(&[(28, 20), (63, 2)]));
    bytes.extend(*b"(N");
    // 30 back, written as a long interval, and a pair of no code that only lets time pass.
    bytes.extend(pairs(&[(59, 0)]));
    bytes.extend([0xff, 0xff, 0xe2, 0xff]);
    bytes.extend(pairs(&[(0, 1), (1, 1), (0, 0)]));
    let beats = annotation::beats(&bytes, 200_000, 360.0).unwrap();
    let at: Vec<usize> = beats.iter().map(|beat| beat.sample).collect();
    assert_eq!(at, [10, 100_007, 100_015], "the last of the file is 28 before the change of rhythm");
    assert_eq!(annotation::beats(&bytes, 100_000, 360.0).unwrap_err(), outside());
}

fn outside() -> &'static str {
    annotation::beats(&pairs(&[(1, 10), (0, 0)]), 10, 360.0).unwrap_err()
}

#[test]
fn annotations_that_do_not_fit_are_refused() {
    assert!(outside().contains("outside the record"));
    for length in 0..6 {
        let cut = &pairs(&[(1, 10), (63, 4), (0x20, 0x20), (0x20, 0x20)])[..length];
        assert!(annotation::beats(cut, 100, 360.0).unwrap_err().contains("ends within"), "{length}");
    }
    let back = [pairs(&[(59, 0)]), vec![0xff, 0xff, 0xf0, 0xff], pairs(&[(1, 1), (0, 0)])].concat();
    assert!(annotation::beats(&back, 100, 360.0).unwrap_err().contains("outside"));
    let more = pairs(&[(1, 1), (0, 0), (1, 1)]);
    assert!(annotation::beats(&more, 100, 360.0).unwrap_err().contains("follow the end"));
    let filled = pairs(&[(1, 1), (0, 0), (0, 0)]);
    assert_eq!(annotation::beats(&filled, 100, 360.0), Ok(vec![Mark { sample: 1, is_normal: true }]));
    for (rate, is_fine) in [("360", true), ("360.000", true), ("1000", false), ("x", false)] {
        let text = format!("## time resolution: {rate}");
        let mut bytes = pairs(&[(22, 0), (63, text.len() as u16)]);
        bytes.extend(text.bytes().chain((text.len() % 2 == 1).then_some(0)));
        bytes.extend(pairs(&[(1, 1), (0, 0)]));
        assert_eq!(annotation::beats(&bytes, 100, 360.0).is_ok(), is_fine, "{rate}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_the_reader_of_headers(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(Header::read(&bytes));
    }

    #[test]
    fn no_text_panics_the_reader_of_headers(
        text in "[a-z0-9/ ]{0,9}[0-3] [0-9./()x-]{0,9} [0-9-]{0,21}\n([a-z. ]{0,3}212 [0-9()./mV -]{0,40}\n){0,3}",
    ) {
        drop(Header::read(text.as_bytes()));
    }

    #[test]
    fn no_bytes_panic_the_reader_of_samples(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        count in prop_oneof![Just(0), 0..300_u64, any::<u64>()],
        gain in any::<i16>().prop_filter("0 is not calibrated", |gain| *gain != 0),
        is_pair in any::<bool>(),
    ) {
        let line = format!("a.dat 212 {gain}\n");
        let text = format!("a {} 360 {count}\n{}", 1 + usize::from(is_pair), line.repeat(1 + usize::from(is_pair)));
        if let Ok(samples) = signal::read(&bytes, &header(&text).unwrap()) {
            prop_assert!(samples.iter().all(|sample| !sample.is_infinite()));
            prop_assert!(count == 0 || samples.len() as u64 == count);
        }
    }

    #[test]
    fn no_bytes_panic_the_reader_of_annotations(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        samples in 0..100_000_usize,
    ) {
        if let Ok(beats) = annotation::beats(&[&bytes[..], &[0, 0]].concat(), samples, 360.0) {
            prop_assert!(beats.is_sorted());
            prop_assert!(beats.iter().all(|beat| beat.sample < samples));
        }
    }

    #[test]
    fn what_is_packed_is_read(samples in proptest::collection::vec(-2_047..2_048_i32, 2..200)) {
        let sum = samples.iter().sum::<i32>() as i16;
        let text = format!("a 1 360 {}\na.dat 212 1 12 0 {} {sum}\n", samples.len(), samples[0]);
        let read = signal::read(&packed(&samples), &header(&text).unwrap()).unwrap();
        prop_assert_eq!(read, samples.iter().map(|sample| *sample as f32).collect::<Vec<_>>());
    }
}
