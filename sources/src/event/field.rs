//! Fields by name: present and of the right type, or a refusal that names the field and never its value.

use crate::{instant, refusal::Refusal};
use chrono::DateTime;
use model::{
    Date, Micros, Number,
    Reason::{BadEnvelope, MissingField, OutOfRange},
    UserId,
};
use serde_json::{Map, Value};
use uuid::Uuid;

/// `name` is absent or of the wrong type.
pub(super) fn missing(name: &str, needed: &str) -> Refusal {
    Refusal::new(MissingField, format!("{name} is missing or not {needed}: send it"))
}

/// A text that is not empty.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    match object.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(missing(name, "a text")),
    }
}

/// A text, if there is one; `null` is none.
pub(super) fn optional_text<'a>(
    object: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(object, name).map(Some),
    }
}

/// A number between `least` and `most`, if there is one; `null` is none.
pub(super) fn optional_number(
    object: &Map<String, Value>,
    name: &str,
    (least, most): (f64, f64),
) -> Result<Option<Number>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number
            .as_f64()
            .filter(|value| (least..=most).contains(value))
            .and_then(Number::finite)
            .map(Some)
            .ok_or_else(|| {
                Refusal::new(
                    OutOfRange,
                    format!("{name} is outside {least} to {most}: check the sensor and its unit"),
                )
            }),
        Some(_) => Err(missing(name, "a number")),
    }
}

/// A text of at most `most` bytes.
pub(super) fn name<'a>(object: &'a Map<String, Value>, name: &str, most: usize) -> Result<&'a str, Refusal> {
    let text = text(object, name)?;
    if text.len() <= most {
        return Ok(text);
    }
    Err(Refusal::new(OutOfRange, format!("{name} is longer than {most} bytes: send a shorter one")))
}

/// A whole number between `least` and `most`, if there is one; `null` is none.
pub(super) fn optional_whole(
    object: &Map<String, Value>,
    name: &str,
    (least, most): (u16, u16),
) -> Result<Option<u16>, Refusal> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    if !value.is_number() {
        return Err(missing(name, "a whole number"));
    }
    let whole = value.as_u64().and_then(|whole| u16::try_from(whole).ok());
    whole.filter(|whole| (least..=most).contains(whole)).map(Some).ok_or_else(|| {
        Refusal::new(
            OutOfRange,
            format!("{name} is no whole number from {least} to {most}: check what sent it"),
        )
    })
}

/// True or false, if it is said; `null` is not.
pub(super) fn optional_truth(object: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(_) => Err(missing(name, "true or false")),
    }
}

/// One of the named things, if one is said; `null` is none.
pub(super) fn optional_choice<T: Copy>(
    object: &Map<String, Value>,
    name: &str,
    named: &[(&'static str, T)],
) -> Result<Option<T>, Refusal> {
    let Some(given) = optional_text(object, name)? else { return Ok(None) };
    let found = named.iter().find(|(known, _)| *known == given).map(|(_, thing)| *thing);
    found.map(Some).ok_or_else(|| {
        let names: Vec<_> = named.iter().map(|(known, _)| *known).collect();
        Refusal::new(OutOfRange, format!("{name} is none of {}: send one, or nothing", names.join(", ")))
    })
}

/// A day as ISO 8601 has it: `1950-05-01`.
pub(super) fn date(text: &str, name: &str) -> Result<Date, Refusal> {
    let digits = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<u32>().ok()
    };
    let is_dashed = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let date = || Date::new(digits(0, 4)?.cast_signed(), digits(5, 7)?, digits(8, 10)?);
    is_dashed.then(date).flatten().ok_or_else(|| missing(name, "a day of the form 1950-05-01"))
}

/// A UUID in any of its text forms.
pub(super) fn uuid(text: &str, name: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(text).map_err(|_| missing(name, "a UUID"))
}

/// The person that an event must be about: the envelope names them, and the payload nobody else.
pub(super) fn person(named: Option<UserId>, payload: &Map<String, Value>) -> Result<UserId, Refusal> {
    let user = named.ok_or_else(|| missing("user_id", "a UUID"))?;
    same_person(payload, user)?;
    Ok(user)
}

/// Refuses a payload that names another person than the envelope.
pub(super) fn same_person(payload: &Map<String, Value>, user: UserId) -> Result<(), Refusal> {
    let said = optional_text(payload, "user_id")?.map(|text| uuid(text, "payload.user_id")).transpose()?;
    if said.is_some_and(|said| UserId::new(said) != user) {
        let differ = "user_id and payload.user_id differ: an event is about one person";
        return Err(Refusal::new(BadEnvelope, differ));
    }
    Ok(())
}

/// An instant of ISO 8601 with its offset from UTC, in microseconds; finer digits are cut off.
pub(super) fn micros(text: &str, name: &str) -> Result<Micros, Refusal> {
    let at = DateTime::parse_from_rfc3339(text)
        .map_err(|_| missing(name, "an ISO 8601 date and time with offset"))?;
    u64::try_from(at.timestamp_micros()).ok().and_then(instant::from_micros).ok_or_else(|| {
        Refusal::new(OutOfRange, format!("{name} is before 1970 or after 2199: check the clock"))
    })
}
