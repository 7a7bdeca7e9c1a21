//! Events about rules: a rule set that holds from the event's time on.
//!
//! ```text
//! manpasik.rules.published   set_id · text: the whole set as its file has it, TOML
//! ```
//! Whether the text is a rule set is for those to say who read rule sets.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{DomainEvent, Origin, RulesPublished};
use serde::Serialize;
use serde_json::{Map, Value};

type Payload = Map<String, Value>;

pub(super) fn published(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    Ok(DomainEvent::Rules(RulesPublished {
        at: attributes.at,
        event: attributes.id,
        set: field::text(payload, "set_id")?.to_owned(),
        text: field::text(payload, "text")?.to_owned(),
        origin,
    }))
}

/// A rule set as an event says it.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    set_id: &'a str,
    text: &'a str,
}

impl<'a> From<&'a RulesPublished> for Said<'a> {
    fn from(published: &'a RulesPublished) -> Self {
        Self { set_id: &published.set, text: &published.text }
    }
}
