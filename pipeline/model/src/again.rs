//! A dead letter sent again: the headers that say which, and the letter they name.
//!
//! A record that is sent again goes to its own topic and partition and takes a new offset there. Its own headers
//! come first, then the place of the letter, its reason and its detail, and, where the record was repaired, the
//! value it had: everything that the letter's row was made of.
//!
//! # Invariants
//! - [`Again::read`] of what [`Again::headers`] wrote gives the very letter back.
//! - A record speaks only of letters before it in its own partition. It may lie: whoever acts upon it first asks
//!   whether such a letter stands.

use crate::{Fault, Origin, Raw, Reason};
use serde::{Deserialize, Serialize};

/// Names the letter; the headers before it are the record's own.
const PLACE: &str = "manpasik-replay";
const REASON: &str = "manpasik-replay-reason";
const DETAIL: &str = "manpasik-replay-detail";
/// The value the letter has, where the record has another.
const VALUE: &str = "manpasik-replay-value";

/// What a record that is sent again says of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Again {
    /// The letter.
    pub letter: Fault,
    /// Whether the value is another than that of the letter.
    pub repaired: bool,
}

impl Again {
    /// The headers of a record that sends `letter` again; `repaired` says that its value is another.
    pub fn headers(letter: &Fault, repaired: bool) -> Vec<(String, Vec<u8>)> {
        let mut headers = letter.raw.headers.clone();
        let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), value.to_vec()));
        add(PLACE, letter.origin.to_string().as_bytes());
        add(REASON, letter.reason.code().as_bytes());
        add(DETAIL, letter.detail.as_bytes());
        if repaired {
            add(VALUE, &letter.raw.value);
        }
        headers
    }

    /// What the record at `at` says; `None` for a record that is not sent again.
    pub fn read(at: Origin, raw: &Raw) -> Option<Self> {
        // The last, for a letter may have been sent again before.
        let place = raw.headers.iter().rposition(|(name, _)| name == PLACE)?;
        let (own, said) = raw.headers.split_at(place);
        let text = |name: &str| {
            let value = said.iter().find(|(other, _)| other == name)?.1.clone();
            String::from_utf8(value).ok()
        };
        let origin = Origin::parse(&text(PLACE)?)?;
        if (origin.input, origin.partition) != (at.input, at.partition) || origin.offset >= at.offset {
            return None;
        }
        let value = said.iter().find(|(name, _)| name == VALUE).map(|(_, value)| value.clone());
        let repaired = value.is_some();
        let letter = Fault {
            origin,
            reason: Reason::named(&text(REASON)?)?,
            detail: text(DETAIL)?,
            raw: Raw {
                recorded_at: raw.recorded_at,
                key: raw.key.clone(),
                value: value.unwrap_or_else(|| raw.value.clone()),
                headers: own.to_vec(),
            },
        };
        Some(Self { letter, repaired })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input;

    fn letter() -> Fault {
        Fault {
            origin: Origin { input: Input::Vitals, partition: 2, offset: 17 },
            reason: Reason::MissingField,
            detail: "event_id is not set: send a UUID".into(),
            raw: Raw {
                recorded_at: 7_000,
                key: Some(b"k".to_vec()),
                value: b"v".to_vec(),
                headers: vec![("h".into(), vec![0xff])],
            },
        }
    }

    fn at(offset: u64) -> Origin {
        Origin { offset, ..letter().origin }
    }

    #[test]
    fn what_is_sent_again_names_its_letter() {
        let letter = letter();
        let sent = Raw { headers: Again::headers(&letter, false), ..letter.raw.clone() };
        let again = Again::read(at(18), &sent).unwrap();
        assert_eq!(again, Again { letter: letter.clone(), repaired: false });
        let headers = Again::headers(&letter, true);
        let sent = Raw { headers, value: b"better".to_vec(), ..letter.raw.clone() };
        let again = Again::read(at(18), &sent).unwrap();
        assert_eq!(again, Again { letter: letter.clone(), repaired: true });
        // What was refused again is a letter itself, and can be sent again.
        let second = Fault { origin: at(18), raw: sent, ..letter };
        let sent = Raw { headers: Again::headers(&second, false), ..second.raw.clone() };
        assert_eq!(Again::read(at(19), &sent).unwrap(), Again { letter: second, repaired: false });
    }

    #[test]
    fn a_record_speaks_of_letters_before_it_in_its_partition() {
        let letter = letter();
        let sent = |headers| Raw { headers, ..letter.raw.clone() };
        assert_eq!(Again::read(at(18), &letter.raw), None);
        let whole = Again::headers(&letter, false);
        assert_eq!(Again::read(at(17), &sent(whole.clone())), None);
        assert_eq!(Again::read(Origin { partition: 3, ..at(18) }, &sent(whole.clone())), None);
        assert_eq!(Again::read(Origin { input: Input::Packets, ..at(18) }, &sent(whole.clone())), None);
        for missing in [REASON, DETAIL] {
            let headers = whole.iter().filter(|(name, _)| name != missing).cloned().collect();
            assert_eq!(Again::read(at(18), &sent(headers)), None);
        }
        for (name, value) in [(PLACE, "elsewhere/2@17"), (REASON, "BAD_LUCK"), (DETAIL, "\u{fffd}")] {
            let mut headers = whole.clone();
            let header = headers.iter_mut().find(|(other, _)| other == name).unwrap();
            header.1 = if name == DETAIL { vec![0xff] } else { value.into() };
            assert_eq!(Again::read(at(18), &sent(headers)), None, "{name}");
        }
    }
}
