//! CloudEvents 1.0 in Kafka's binary mode: attributes in headers `ce_…`, the payload in the value.
//!
//! See the Kafka protocol binding of CloudEvents 1.0.2, section 3.2. `ce_time` is optional there and
//! required here. The version of the payload is the last segment of `ce_dataschema`; without that
//! header the payload is taken as version 1.

use super::{
    attributes::{self, Attributes},
    field,
};
use crate::refusal::Refusal;
use eventlog::Header;
use model::{EventId, Reason, UserId};
use serde_json::{Map, Value};

/// The one version of CloudEvents there is.
const SPEC_VERSION: &str = "1.0";

/// Whether `headers` make a record a CloudEvents event in binary mode.
pub(super) fn is_binary(headers: &[Header]) -> bool {
    headers.iter().any(|(name, _)| matches!(name.as_ref(), "ce_specversion" | "ce_type"))
}

/// The attributes in `headers` and the payload in `value`.
///
/// A value with `event_id` and `payload` is the whole envelope, as this product itself writes it;
/// it must then say what the headers say.
pub(super) fn read(
    headers: &[Header],
    value: Map<String, Value>,
) -> Result<(Attributes, Map<String, Value>), Refusal> {
    let said = from_headers(headers)?;
    if !(value.contains_key("event_id") && value.contains_key("payload")) {
        return Ok((said, value));
    }
    let (envelope, payload) = attributes::read(value)?;
    let contradiction = [
        ("ce_id", said.id == envelope.id),
        ("ce_type", said.kind == envelope.kind),
        ("ce_time", said.at == envelope.at),
        ("ce_source", said.source == envelope.source),
        ("ce_partitionkey", said.user.is_none() || said.user == envelope.user),
    ]
    .into_iter()
    .find_map(|(name, agrees)| (!agrees).then_some(name));
    match contradiction {
        None => Ok((envelope, payload)),
        Some(name) => Err(Refusal::new(
            Reason::BadEnvelope,
            format!("{name} and the envelope in the value differ: send one of the two, or make them equal"),
        )),
    }
}

fn from_headers(headers: &[Header]) -> Result<Attributes, Refusal> {
    if required(headers, "ce_specversion")? != SPEC_VERSION {
        return Err(Refusal::new(
            Reason::BadVersion,
            format!("ce_specversion is not {SPEC_VERSION}: send CloudEvents {SPEC_VERSION}"),
        ));
    }
    let id = field::uuid(required(headers, "ce_id")?, "ce_id")?;
    let kind = attributes::event_type(required(headers, "ce_type")?, "ce_type")?;
    if let Some(schema) = optional(headers, "ce_dataschema")? {
        let version = schema.rsplit_once('/').map_or(schema, |(_, version)| version);
        attributes::version(version, "ce_dataschema")?;
    }
    let at = field::micros(required(headers, "ce_time")?, "ce_time")?;
    let source = required(headers, "ce_source")?;
    // Events about a person are partitioned by person, all others by session.
    let user = match kind.as_str() {
        super::VITALS => optional(headers, "ce_partitionkey")?
            .map(|text| field::uuid(text, "ce_partitionkey").map(UserId::new))
            .transpose()?,
        _ => None,
    };
    let source = source.strip_prefix('/').unwrap_or(source).to_owned();
    Ok(Attributes { id: EventId::new(id), kind, at, source, user })
}

/// The first header called `name`, which must hold a text.
fn optional<'a>(headers: &'a [Header], name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some((_, value)) = headers.iter().find(|(header, _)| header.as_ref() == name) else {
        return Ok(None);
    };
    match std::str::from_utf8(value) {
        Ok(text) if !text.is_empty() => Ok(Some(text)),
        _ => Err(field::missing(name, "a text")),
    }
}

fn required<'a>(headers: &'a [Header], name: &str) -> Result<&'a str, Refusal> {
    optional(headers, name)?.ok_or_else(|| field::missing(name, "a text"))
}
