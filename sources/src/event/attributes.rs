//! What surrounds every payload: identity, type, version, time, source, person.

use super::field;
use crate::refusal::Refusal;
use model::{EventId, Micros, Reason, UserId};
use serde_json::{Map, Value};

/// The major version of the payloads this product reads.
const MAJOR: u64 = 1;

/// Checked attributes of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) id: EventId,
    pub(super) kind: String,
    pub(super) at: Micros,
    pub(super) source: String,
    pub(super) user: Option<UserId>,
}

/// Splits a whole envelope into its attributes and its payload.
pub(super) fn read(mut envelope: Map<String, Value>) -> Result<(Attributes, Map<String, Value>), Refusal> {
    let id = field::uuid(field::text(&envelope, "event_id")?, "event_id")?;
    let kind = event_type(field::text(&envelope, "event_type")?, "event_type")?;
    version(field::text(&envelope, "version")?, "version")?;
    let at = field::micros(field::text(&envelope, "timestamp")?, "timestamp")?;
    let source = field::text(&envelope, "source")?.to_owned();
    field::optional_text(&envelope, "correlation_id")?;
    let user =
        field::optional_text(&envelope, "user_id")?.map(|text| field::uuid(text, "user_id")).transpose()?;
    match envelope.remove("payload") {
        Some(Value::Object(payload)) => {
            Ok((Attributes { id: EventId::new(id), kind, at, source, user: user.map(UserId::new) }, payload))
        }
        _ => Err(field::missing("payload", "an object")),
    }
}

/// `text` if it matches `^manpasik(\.[a-z_]+){2,3}$`.
pub(super) fn event_type(text: &str, name: &str) -> Result<String, Refusal> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let words: Vec<_> = text.split('.').collect();
    match words.as_slice() {
        ["manpasik", rest @ ..] if (2..=3).contains(&rest.len()) && rest.iter().all(|word| is_word(word)) => {
            Ok(text.to_owned())
        }
        _ => Err(field::missing(name, "of the form manpasik.domain.event")),
    }
}

/// Checks a version `major.minor`: a greater minor only adds fields.
pub(super) fn version(text: &str, name: &str) -> Result<(), Refusal> {
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let parts = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    match parts {
        Some((MAJOR, _)) => Ok(()),
        Some(_) => Err(Refusal::new(
            Reason::BadVersion,
            format!("{name} is not of major version {MAJOR}: send that one, or upgrade this product"),
        )),
        None => Err(field::missing(name, "of the form major.minor")),
    }
}
