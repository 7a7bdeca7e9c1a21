//! Records that were bad and are sent again: what stands in the end is what would have been had they been good.
//!
//! Why each test exists: the first is the promise itself, for vital signs that raise an alert and for packets, sent
//! again once and twice. The others are what must not be possible: to take back a letter that does not stand, to
//! have two letters for one record, to correct what is older than the horizon.

use crate::river::{self, Outcome, Split, assert_same, epochs, flow, recorded};
use crate::unrest;
use eventlog::Record;
use model::{Again, Datum, Fault, Input};
use serde_json::Value;

/// Bad records in a log, and the good ones that come for them later.
struct Spoilt {
    log: Vec<Record>,
    /// The letters, in the order of the log.
    letters: Vec<Fault>,
}

/// Breaks every `nth` record of `input` in `good`; it is sent again `later_ms` after, `times` times.
fn spoil(good: &[Record], input: Input, nth: usize, later_ms: i64, times: usize) -> Spoilt {
    // Every record with the moment at which it is written, and the bad record that it makes good.
    let mut written = Vec::new();
    let mut count = 0;
    for (place, record) in good.iter().enumerate() {
        count += usize::from(river::input(record) == input);
        if river::input(record) != input || !count.is_multiple_of(nth) {
            written.push((record.timestamp_ms, place, record.clone(), None));
            continue;
        }
        // Cut off by one byte: so each is still unlike the others.
        let whole = record.value.len() - 1;
        let bad = Record { value: record.value[..whole].to_vec(), ..record.clone() };
        written.push((record.timestamp_ms, place, bad.clone(), None));
        for _ in 0..times {
            written.push((record.timestamp_ms + later_ms, place, record.clone(), Some(bad.clone())));
        }
    }
    written.sort_by_key(|(at, place, ..)| (*at, *place));
    let log = river::numbered(written.iter().map(|(_, _, record, _)| record.clone()));
    let mut letters = Vec::<Fault>::new();
    let mut name = |(record, (.., bad)): (Record, (i64, usize, Record, Option<Record>))| {
        let Some(bad) = bad else {
            if let Datum::Fault(fault) = sources::stream::datum(record.clone()) {
                letters.push(fault);
            }
            return record;
        };
        let letter = letters.iter().find(|letter| {
            (letter.origin.partition, &letter.raw.key, &letter.raw.value)
                == (bad.partition, &bad.key, &bad.value)
        });
        again(record, letter.unwrap(), true)
    };
    let log = log.into_iter().zip(written).map(&mut name).collect();
    Spoilt { log, letters }
}

/// The record, saying that it sends `letter` again.
fn again(record: Record, letter: &Fault, repaired: bool) -> Record {
    let headers = Again::headers(letter, repaired).into_iter().map(|(name, value)| (name.into(), value));
    Record { headers: headers.collect(), ..record }
}

/// `record` at the end of its partition of `log`.
fn append(log: &mut Vec<Record>, record: Record) {
    let of = |other: &&Record| (&other.topic, other.partition) == (&record.topic, record.partition);
    let offset = log.iter().filter(of).map(|other| other.offset + 1).max().unwrap_or(0);
    log.push(Record { offset, ..record });
}

/// What stands in the end, whatever the places of records on the log.
fn standing(outcome: &Outcome) -> Vec<String> {
    let strip = |line: String| match line.split_once(' ') {
        Some((table, json)) if json.starts_with('{') => {
            let mut row: Value = serde_json::from_str(json).unwrap();
            without_offsets(&mut row);
            format!("{table} {row}")
        }
        _ => line,
    };
    let mut lines: Vec<_> = unrest::unrevised(outcome).tables().into_iter().map(strip).collect();
    lines.sort_unstable();
    lines
}

fn without_offsets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_offset = |name: &str| ["offset", "first", "last"].contains(&name);
            fields.retain(|name, value| !(is_offset(name) && value.is_u64()));
            fields.values_mut().for_each(without_offsets);
        }
        Value::Array(items) => items.iter_mut().for_each(without_offsets),
        _ => {}
    }
}

/// The letters that stand in the end.
fn letters(outcome: &Outcome) -> Vec<String> {
    outcome.tables().into_iter().filter(|line| line.starts_with("faults")).collect()
}

/// As a row of the table.
fn rows(letters: &[Fault]) -> Vec<String> {
    let mut letters = letters.to_vec();
    letters.sort();
    letters.iter().map(|letter| format!("faults {}", serde_json::to_string(letter).unwrap())).collect()
}

#[test]
fn a_record_that_is_made_good_counts_as_if_it_had_never_been_bad() {
    let good = recorded(&["13"], false);
    let clean = standing(&flow(1, epochs(&good, Split::Whole)));
    assert!(clean.iter().any(|line| line.starts_with("alerts")), "there is an alert to be corrected");
    // Vital signs are made good whenever; packets while the sequencer waits for them.
    for (input, nth, later_ms) in
        [(Input::Vitals, 2, 100_000), (Input::Vitals, 1, 200_000), (Input::Packets, 50, 3_000)]
    {
        let never = spoil(&good, input, nth, 0, 0);
        let bad = flow(1, epochs(&never.log, Split::Whole));
        assert_eq!(letters(&bad), rows(&never.letters));
        assert_ne!(standing(&bad), clean, "it matters that they are bad");
        for (times, workers, split) in [
            (1, 1, Split::Whole),
            (1, 2, Split::Every(97)),
            (2, 1, Split::Every(97)),
            (2, 4, Split::Ragged { seed: 1, most: 400 }),
        ] {
            let spoilt = spoil(&good, input, nth, later_ms, times);
            assert!(spoilt.letters.len() > 20, "{}", spoilt.letters.len());
            let found = flow(workers, epochs(&spoilt.log, split));
            let case = format!("{input:?}, {times} times, {workers} workers, {split:?}");
            assert_eq!(letters(&found), Vec::<String>::new(), "{case}");
            assert_same(&standing(&found), &clean, &case);
            assert_eq!(found.tally.too_late, 0, "{case}");
        }
    }
}

#[test]
fn what_is_still_bad_stays_one_letter() {
    let good = recorded(&["13"], false);
    let Spoilt { mut log, letters: bad } = spoil(&good, Input::Vitals, 40, 0, 0);
    let records: Vec<_> = bad.iter().map(|letter| record(&log, letter)).collect();
    for (record, letter) in records.iter().zip(&bad) {
        append(&mut log, again(record.clone(), letter, false));
        append(&mut log, again(record.clone(), letter, false));
    }
    for split in [Split::Whole, Split::Every(97)] {
        let found = flow(2, epochs(&log, split));
        assert_eq!(letters(&found), rows(&bad));
        assert!(found.epochs.iter().flat_map(|output| &output.faults).all(|(_, diff)| *diff > 0));
    }
}

#[test]
fn a_letter_that_does_not_stand_is_not_taken_back() {
    let good = recorded(&["13"], false);
    let Spoilt { mut log, letters: bad } = spoil(&good, Input::Vitals, 40, 0, 0);
    let before = flow(1, epochs(&log, Split::Whole));
    let (sound, letter) = (sound(&log), &bad[0]);
    // A copy of a record that was never bad says that it was, or that it is the one which was.
    let raw = sources::stream::datum(sound.clone()).raw().clone();
    let of = model::Origin { offset: sound.offset, ..letter.origin };
    let forged = [
        Fault { origin: of, raw: raw.clone(), ..letter.clone() },
        Fault { raw: raw.clone(), ..letter.clone() },
        Fault { raw: model::Raw { value: letter.raw.value.clone(), ..raw }, ..letter.clone() },
    ];
    assert_eq!(sound.partition, letter.origin.partition);
    for letter in &forged {
        append(&mut log, again(sound.clone(), letter, true));
    }
    let found = flow(2, epochs(&log, Split::Every(97)));
    assert_same(&found.tables(), &before.tables(), "forged letters");
    // One that is bad itself is a letter of its own.
    let bad_itself = Record { value: b"bad".to_vec(), ..record(&log, letter) };
    append(&mut log, again(bad_itself, &forged[0], true));
    let found = flow(1, epochs(&log, Split::Every(97)));
    assert_eq!(letters(&found).len(), bad.len() + 1);
    assert!(letters(&before).iter().all(|letter| letters(&found).contains(letter)));
}

#[test]
fn what_is_older_than_the_horizon_is_not_corrected() {
    const DAY_MS: i64 = 86_400_000;
    let good = recorded(&["13"], false);
    let whole = spoil(&good, Input::Vitals, 40, 0, 0);
    let letter = &whole.letters[0];
    let bad = record(&whole.log, letter);
    let repaired = good.iter().find(|good| good.value.starts_with(&bad.value)).unwrap();
    for (later_ms, is_late) in [(DAY_MS - 10_000, false), (DAY_MS + 10_000, true)] {
        let mut log = vec![Record { offset: 0, ..bad.clone() }];
        let newer = Record { timestamp_ms: bad.timestamp_ms + later_ms, offset: 1, ..bad.clone() };
        log.push(newer);
        let letter = Fault { origin: model::Origin { offset: 0, ..letter.origin }, ..letter.clone() };
        append(&mut log, again(repaired.clone(), &letter, true));
        // A time ahead of the clock would not be believed.
        let later = |(now, records)| (now + 2_000 * DAY_MS, records);
        let found = flow(1, epochs(&log, Split::Every(1)).into_iter().map(later).collect());
        let stands = letters(&found);
        assert_eq!(stands.contains(&rows(&[letter])[0]), is_late);
        assert_eq!(stands.iter().any(|row| row.contains("TooLate")), is_late, "{stands:?}");
    }
}

/// The record that `letter` is about.
fn record(log: &[Record], letter: &Fault) -> Record {
    let at = letter.origin;
    let of = |record: &&Record| {
        (river::input(record), record.partition, record.offset) == (at.input, at.partition, at.offset)
    };
    log.iter().find(of).unwrap().clone()
}

/// A record of vital signs that can be used.
fn sound(log: &[Record]) -> Record {
    let sound = |record: &&Record| {
        river::input(record) == Input::Vitals
            && matches!(sources::stream::datum((*record).clone()), Datum::Event { .. })
    };
    log.iter().find(sound).unwrap().clone()
}
