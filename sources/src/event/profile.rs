//! Events about people: what is known of them that decides which rules apply.
//!
//! ```text
//! manpasik.user.profile.updated   birth_date? 1950-05-01 · sex? female, male · pregnant? · region? KR, US, EU
//!                                 hypercapnic?
//! ```
//! The whole profile: what is left out, or `null`, is not known any more. A region whose guideline this product does
//! not have is refused rather than taken for another.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{Date, DomainEvent, Origin, Profile, ProfileUpdated, Reason, Region, Sex};
use serde::Serialize;
use serde_json::{Map, Value};

/// The first year of birth: nobody alive was born before. This product's own bound.
const FIRST_YEAR: i32 = 1900;

type Payload = Map<String, Value>;

pub(super) fn updated(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let profile = Profile {
        birth_date: birth_date(attributes, payload)?,
        sex: field::optional_choice(payload, "sex", &Sex::ALL)?,
        pregnant: field::optional_truth(payload, "pregnant")?,
        region: field::optional_choice(payload, "region", &Region::ALL)?,
        hypercapnic: field::optional_truth(payload, "hypercapnic")?.unwrap_or(false),
    };
    Ok(DomainEvent::Profile(ProfileUpdated {
        at: attributes.at,
        event: attributes.id,
        user,
        profile,
        origin,
    }))
}

fn birth_date(attributes: &Attributes, payload: &Payload) -> Result<Option<Date>, Refusal> {
    let Some(text) = field::optional_text(payload, "birth_date")? else { return Ok(None) };
    let date = field::date(text, "birth_date")?;
    // Where the person is it may be a day later already.
    let latest = Date::of(attributes.at + model::time::DAY);
    if Some(date) < Date::new(FIRST_YEAR, 1, 1) || Some(date) > latest {
        return Err(Refusal::new(
            Reason::OutOfRange,
            format!("birth_date is before {FIRST_YEAR} or after timestamp: check what sent it"),
        ));
    }
    Ok(Some(date))
}

/// A profile as an event says it.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    #[serde(skip_serializing_if = "Option::is_none")]
    birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sex: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pregnant: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'static str>,
    hypercapnic: bool,
}

impl From<&Profile> for Said {
    fn from(profile: &Profile) -> Self {
        Self {
            birth_date: profile.birth_date.map(|date| date.to_string()),
            sex: profile.sex.map(Sex::name),
            pregnant: profile.pregnant,
            region: profile.region.map(Region::name),
            hypercapnic: profile.hypercapnic,
        }
    }
}

#[cfg(test)]
mod tests;
