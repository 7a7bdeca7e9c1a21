//! Events of continuous glucose monitors: one reading each.
//!
//! ```text
//! manpasik.measurement.glucose   glucose mg/dL, 10 to 2000 · comparator? < or >
//! ```
//! Each is about the person of `user_id`, at `timestamp`. A sensor whose range ended says where, and on which side: `<` with at
//! most 54, `>` with at least 250, so that the band is certain. The platform names none of this: the names are this product's own.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{
    Comparator, DomainEvent, GlucoseReading, Number, Origin, Reason,
    glucose::{LEAST_ABOVE, MOST_BELOW, PLAUSIBLE},
};
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) fn read(
    origin: Origin,
    attributes: &Attributes,
    payload: &Map<String, Value>,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let glucose = field::optional_number(payload, "glucose", PLAUSIBLE)?;
    let glucose = glucose.ok_or_else(|| field::missing("glucose", "a number of mg/dL"))?;
    let comparator = field::optional_choice(payload, "comparator", &Comparator::ALL)?;
    let is_certain = match comparator {
        None => true,
        Some(Comparator::Below) => glucose.get() <= MOST_BELOW,
        Some(Comparator::Above) => glucose.get() >= LEAST_ABOVE,
    };
    if !is_certain {
        return Err(Refusal::new(
            Reason::OutOfRange,
            format!(
                "comparator: < needs at most {MOST_BELOW} and > at least {LEAST_ABOVE} mg/dL, or no band is certain: send the \
                 end of the sensor's range"
            ),
        ));
    }
    let (at, event) = (attributes.at, attributes.id);
    Ok(DomainEvent::Glucose(GlucoseReading { at, user, event, glucose, comparator, origin }))
}

/// A reading as an event says it.
#[derive(Debug, Serialize)]
pub(super) struct Said {
    glucose: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparator: Option<&'static str>,
}

impl Said {
    pub(super) fn of(reading: &GlucoseReading) -> Self {
        Self { glucose: reading.glucose, comparator: reading.comparator.map(Comparator::sign) }
    }
}

#[cfg(test)]
mod tests;
