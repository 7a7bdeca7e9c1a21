//! Events of laboratories: one result each, given, corrected or taken back.
//!
//! ```text
//! manpasik.laboratory.resulted    result_id · code (LOINC) · value · unit (UCUM)
//! manpasik.laboratory.cancelled   result_id
//! ```
//! Each is about the person of `user_id`; a result counts from `timestamp`, when it was released. It is the whole of what was
//! said of it last: sent again with the same `result_id` it corrects, cancelled it never was. A code that rules ask for is read in
//! its units alone ([`ANALYTES`](model::laboratory::ANALYTES)); of any other the result is kept and not judged. A result of
//! which only a bound is known ("> 200") has no value and cannot be sent. The platform names none of this: the names are this
//! product's own.

use super::{attributes::Attributes, field};
use crate::refusal::Refusal;
use model::{
    DomainEvent, LaboratoryEvent, LaboratoryValue, Number, Origin, Reason, ResultId,
    laboratory::{analyte_of, is_loinc},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Bytes of a unit at most; this product's own bound.
const MAX_UNIT_BYTES: usize = 32;
/// What a result that no rule knows can be; likewise.
const ANY: (f64, f64) = (-1e9, 1e9);

type Payload = Map<String, Value>;

pub(super) fn resulted(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    said(origin, attributes, payload, || value(payload).map(Some))
}

pub(super) fn cancelled(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
) -> Result<DomainEvent, Refusal> {
    said(origin, attributes, payload, || Ok(None))
}

fn said(
    origin: Origin,
    attributes: &Attributes,
    payload: &Payload,
    value: impl FnOnce() -> Result<Option<LaboratoryValue>, Refusal>,
) -> Result<DomainEvent, Refusal> {
    let user = field::person(attributes.user, payload)?;
    let result = ResultId::new(field::uuid(field::text(payload, "result_id")?, "payload.result_id")?);
    let (at, event, value) = (attributes.at, attributes.id, value()?);
    Ok(DomainEvent::Laboratory(LaboratoryEvent { at, event, user, result, value, origin }))
}

fn value(payload: &Payload) -> Result<LaboratoryValue, Refusal> {
    let (code, unit) = (field::text(payload, "code")?, field::name(payload, "unit", MAX_UNIT_BYTES)?);
    if !is_loinc(code) {
        let detail = "code is no LOINC code, or its check digit is another: send the code of the test";
        return Err(Refusal::new(Reason::OutOfRange, detail));
    }
    let known = analyte_of(code);
    if known.is_some_and(|analyte| !analyte.units.contains(&unit)) {
        // Which unit would say which test it was.
        let detail = "unit is none in which this code is read: send the value in a unit of the code's table in the README";
        return Err(Refusal::new(Reason::OutOfRange, detail));
    }
    let range = known.map_or(ANY, |analyte| (0.0, f64::from(analyte.most)));
    let value = match payload.get("value") {
        Some(Value::Number(number)) => number.as_f64().filter(|value| (range.0..=range.1).contains(value)),
        _ => return Err(field::missing("value", "a number")),
    };
    let value = value.and_then(Number::finite).ok_or_else(|| {
        Refusal::new(
            Reason::OutOfRange,
            "value is more or less than its code can have: check it and its unit",
        )
    })?;
    Ok(LaboratoryValue { code: code.to_owned(), value, unit: unit.to_owned() })
}

/// Type of the event.
pub(super) const fn kind(event: &LaboratoryEvent) -> &'static str {
    match event.value {
        Some(_) => super::LABORATORY_RESULTED,
        None => super::LABORATORY_CANCELLED,
    }
}

/// A result as an event says it.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    result_id: String,
    #[serde(flatten)]
    value: Option<&'a LaboratoryValue>,
}

impl<'a> Said<'a> {
    pub(super) fn of(event: &'a LaboratoryEvent) -> Self {
        Self { result_id: event.result.to_string(), value: event.value.as_ref() }
    }
}

#[cfg(test)]
mod tests;
