//! Events about consents: who may see what of a person.
//!
//! ```text
//! manpasik.consent.granted      consent: family_sharing, or any other name
//! manpasik.consent.revoked      consent
//! manpasik.family.data_shared   member_id · data: [alerts, …], everything that member sees from now on; [] is nothing
//! ```
//! The platform names these events and not their payloads: the names of the fields are this product's own.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{DomainEvent, Origin, Reason, Sharing, SharingChanged, UserId};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most bytes of the name of a consent or of data. This product's own bound.
const MAX_NAME_BYTES: usize = 64;
/// Most kinds of data, likewise.
const MAX_DATA: usize = 64;

type Payload = Map<String, Value>;

pub(super) fn granted(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, |_| Ok(Sharing::Granted(consent(payload)?)))
}

pub(super) fn revoked(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, |_| Ok(Sharing::Revoked(consent(payload)?)))
}

pub(super) fn shared(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    changed(origin, attributes, payload, |user| {
        let member = UserId::new(field::uuid(field::text(payload, "member_id")?, "payload.member_id")?);
        if member == user {
            return Err(Refusal::new(
                Reason::OutOfRange,
                "member_id is the person: name who else may see the data",
            ));
        }
        Ok(Sharing::Shared { member, data: data(payload)? })
    })
}

fn changed(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
    sharing: impl FnOnce(UserId) -> Result<Sharing, Refusal>,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let sharing = sharing(user)?;
    Ok(DomainEvent::Sharing(SharingChanged {
        at: attributes.at,
        event: attributes.id,
        user,
        sharing,
        origin,
    }))
}

fn consent(payload: &Payload) -> Result<String, Refusal> {
    field::name(payload, "consent", MAX_NAME_BYTES).map(str::to_owned)
}

fn data(payload: &Payload) -> Result<Vec<String>, Refusal> {
    let missing = || field::missing("data", "a list of texts");
    let Some(Value::Array(items)) = payload.get("data") else { return Err(missing()) };
    let names = items.iter().map(|item| item.as_str().filter(|name| !name.is_empty()).ok_or_else(missing));
    let mut names: Vec<String> = names.map(|name| name.map(str::to_owned)).collect::<Result<_, _>>()?;
    if names.len() > MAX_DATA || names.iter().any(|name| name.len() > MAX_NAME_BYTES) {
        return Err(Refusal::new(
            Reason::OutOfRange,
            format!(
                "data has more than {MAX_DATA} names or one longer than {MAX_NAME_BYTES} bytes: send fewer"
            ),
        ));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Type of the event that says `sharing`.
pub(super) fn kind(sharing: &Sharing) -> &'static str {
    match sharing {
        Sharing::Granted(_) => super::CONSENT_GRANTED,
        Sharing::Revoked(_) => super::CONSENT_REVOKED,
        Sharing::Shared { .. } => super::DATA_SHARED,
    }
}

/// A sharing as an event says it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Said<'a> {
    Consent { consent: &'a str },
    Shared { member_id: String, data: &'a [String] },
}

impl<'a> From<&'a Sharing> for Said<'a> {
    fn from(sharing: &'a Sharing) -> Self {
        match sharing {
            Sharing::Granted(consent) | Sharing::Revoked(consent) => Self::Consent { consent },
            Sharing::Shared { member, data } => Self::Shared { member_id: member.to_string(), data },
        }
    }
}

#[cfg(test)]
mod tests;
