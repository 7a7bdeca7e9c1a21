//! Dead letters as people handle them: which stand, what one holds, and records sent again.
//!
//! # Layout
//! Here: a question to the table `dead_letters`, and its answer. [`resend`] writes records to the log again; what
//! that leads to is decided in the graph (`operators::letters`).

pub mod resend;

use crate::Error;
use model::{Input, Origin, Reason};
use serde::Deserialize;
use std::fmt::Write;

/// Which letters are meant: all, less what is named here.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only these, if there are any.
    pub places: Vec<Origin>,
    /// Only those with this reason.
    pub reason: Option<Reason>,
    /// The newest so many.
    pub limit: Option<u64>,
}

/// A letter that stands.
#[derive(Clone)]
pub struct Letter {
    /// Where its record stands.
    pub place: Origin,
    /// When that was written, as text.
    pub recorded_at: String,
    /// Why it could not be used.
    pub reason: Reason,
    /// What was wrong, without any of the data.
    pub detail: String,
    /// Length of the value.
    pub bytes: u64,
    /// Key and value, where they were asked for.
    pub payload: Option<Payload>,
}

/// What a record held.
#[derive(Clone)]
pub struct Payload {
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Vec<u8>,
}

// Health data: what prints is the place, the reason and the size.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} {} {} bytes)", self.place, self.reason.code(), self.bytes)
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({} bytes)", self.value.len())
    }
}

/// A row of the answer.
#[derive(Deserialize)]
struct Row {
    topic: String,
    partition: u32,
    record_offset: u64,
    recorded_at: String,
    reason: String,
    detail: String,
    bytes: u64,
    /// Hexadecimal, as is `value`.
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

/// The question in SQL; the answer is for [`letters`].
pub fn question(selection: &Selection, payload: bool) -> String {
    let payload = if payload { ", encode(key, 'hex') AS key, encode(value, 'hex') AS value" } else { "" };
    let mut text = format!(
        "SELECT topic, partition, record_offset, recorded_at, reason, detail, \
         octet_length(encode(value, 'hex')) / 2 AS bytes{payload} FROM dead_letters WHERE true"
    );
    if let Some(reason) = selection.reason {
        write!(text, " AND reason = '{}'", reason.code()).expect("text takes what is written");
    }
    if !selection.places.is_empty() {
        // A list of numbers, however long, is one condition; the rest is looked at in `letters`.
        let offsets: Vec<_> = selection.places.iter().map(|place| place.offset.to_string()).collect();
        write!(text, " AND record_offset IN ({})", offsets.join(", ")).expect("text takes what is written");
    }
    text.push_str(" ORDER BY recorded_at DESC, topic, partition, record_offset DESC");
    if let Some(limit) = selection.limit {
        write!(text, " LIMIT {limit}").expect("text takes what is written");
    }
    text
}

/// The letters in the answer to [`question`], newest first.
///
/// # Errors
/// [`Error::Door`] and [`Error::Letters`] if the answer cannot be read.
pub fn letters(selection: &Selection, answer: &api::Answer) -> Result<Vec<Letter>, Error> {
    let text = api::render(&answer.columns, &answer.batches, api::Format::Json)?;
    let letters = text.lines().map(|line| letter(line).ok_or(Error::Letters));
    let mut letters = letters.collect::<Result<Vec<_>, _>>()?;
    letters.retain(|letter| selection.places.is_empty() || selection.places.contains(&letter.place));
    Ok(letters)
}

fn letter(line: &str) -> Option<Letter> {
    let row: Row = serde_json::from_str(line).ok()?;
    let input = Input::named(&row.topic)?;
    let key = row.key.map(|key| bytes(&key));
    let payload = row.value.map(|value| Payload { key, value: bytes(&value) });
    Some(Letter {
        place: Origin { input, partition: row.partition, offset: row.record_offset },
        recorded_at: row.recorded_at,
        reason: Reason::named(&row.reason)?,
        detail: row.detail,
        bytes: row.bytes,
        payload,
    })
}

/// The bytes that `hex` spells.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    let byte = |pair: &[u8]| pair.iter().fold(0, |byte, half| byte << 4 | digit(*half));
    hex.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_names_what_is_meant_and_takes_no_payload_unasked() {
        let all = question(&Selection::default(), false);
        assert!(all.contains("WHERE true ORDER BY") && !all.contains("AS value"), "{all}");
        let place = |offset| Origin { input: Input::Vitals, partition: 1, offset };
        let some =
            Selection { places: vec![place(3), place(5)], reason: Some(Reason::BadLength), limit: Some(7) };
        let some = question(&some, true);
        for part in ["reason = 'BAD_LENGTH'", "record_offset IN (3, 5)", "LIMIT 7", "AS value"] {
            assert!(some.contains(part), "{some}");
        }
    }

    #[test]
    fn an_answer_is_read_and_never_printed() {
        let line = r#"{"topic":"manpasik.measurement.vitals","partition":1,"record_offset":3,
            "recorded_at":"then","reason":"BAD_LENGTH","detail":"too long","bytes":2,"key":null,"value":"00fF"}"#;
        let letter = letter(line).unwrap();
        assert_eq!((letter.place.offset, letter.reason), (3, Reason::BadLength));
        assert_eq!(format!("{letter:?}"), "Letter(manpasik.measurement.vitals/1@3 BAD_LENGTH 2 bytes)");
        let payload = letter.payload.unwrap();
        assert_eq!((payload.key.as_deref(), &payload.value[..]), (None, &[0, 255][..]));
        assert_eq!(format!("{payload:?}"), "Payload(2 bytes)");
        assert!(super::letter(&line.replace("BAD_LENGTH", "BAD_LUCK")).is_none());
    }
}
