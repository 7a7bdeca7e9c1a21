//! The Observations of vital signs: one of each sign that was observed, and one of both blood pressures.

use super::{
    codes::{
        BLOOD_PRESSURE, BLOOD_PRESSURE_PROFILE, DIASTOLIC, EXAM, SIGNS, SYSTOLIC, Sign, THERAPY, UNKNOWN,
        VITAL_SIGNS,
    },
    resource::{Coding, Component, Concept, Identifier, Observation, Quantity, Value},
    rows::Row,
};

/// Columns of `vitals` that they are made of.
pub(super) const COLUMNS: [&str; 12] = [
    "event_id",
    "user_id",
    "observed_at",
    "hr",
    "pulse",
    "resp",
    "spo2",
    "systolic",
    "diastolic",
    "temperature",
    "consciousness",
    "oxygen",
];

/// What the ids of blood pressures, of consciousness and of oxygen end with.
const BP: &str = "bp";
const CONSCIOUSNESS: &str = "consciousness";
const OXYGEN: &str = "oxygen";

/// What the id of an Observation can end with.
pub(super) fn endings() -> impl Iterator<Item = &'static str> {
    SIGNS.iter().map(|sign| sign.column).chain([BP, CONSCIOUSNESS, OXYGEN])
}

/// The Observations of a row of `vitals`.
pub(super) fn observations(row: Row<'_>) -> Vec<Observation> {
    let event = row.must("event_id");
    let new = |ending: &str, category: Coding, code: Concept, value: Option<Value>| {
        let id = format!("{event}-{ending}");
        let mut observation =
            Observation::new(id, category, code, row.must("user_id"), row.time("observed_at"));
        observation.identifier = vec![Identifier::uuid("event", event)];
        observation.value = value;
        observation
    };
    let mut found = Vec::new();
    for sign in &SIGNS {
        if let Some(value) = quantity(row, sign) {
            let code = Concept::new(sign.codes, sign.name);
            found.push(new(sign.column, VITAL_SIGNS, code, Some(value)).keeping_to(sign.profile));
        }
    }
    if row.number(SYSTOLIC.column).or(row.number(DIASTOLIC.column)).is_some() {
        let code = Concept::new(&BLOOD_PRESSURE, "Blood pressure");
        let mut both = new(BP, VITAL_SIGNS, code, None).keeping_to(BLOOD_PRESSURE_PROFILE);
        both.component = [&SYSTOLIC, &DIASTOLIC].map(|sign| component(row, sign)).into();
        found.push(both);
    }
    // Neither has a code that was checked: both are told in words.
    if let Some(step) = row.text("consciousness") {
        let value = Value::Concept(Concept::new(&[], consciousness(step)));
        found.push(new(CONSCIOUSNESS, EXAM, Concept::new(&[], "Consciousness (ACVPU)"), Some(value)));
    }
    if let Some(given) = row.flag("oxygen") {
        let code = Concept::new(&[], "Oxygen is given");
        found.push(new(OXYGEN, THERAPY, code, Some(Value::Boolean(given))));
    }
    found
}

fn quantity(row: Row<'_>, sign: &Sign) -> Option<Value> {
    let value = row.number(sign.column)?;
    Some(Value::Quantity(Quantity::new(value, sign.unit, sign.ucum)))
}

/// The profile of blood pressures asks for both, and for a reason where one is missing.
fn component(row: Row<'_>, sign: &Sign) -> Component {
    let value = quantity(row, sign).unwrap_or_else(|| Value::Absent(UNKNOWN.into()));
    Component { code: Concept::new(sign.codes, sign.name), value }
}

/// A step of the scale in words.
fn consciousness(step: &str) -> &str {
    match step {
        "A" => "Alert",
        "C" => "New confusion",
        "V" => "Answers to voice",
        "P" => "Answers to pain",
        "U" => "Unresponsive",
        // What another version wrote is told as it stands.
        other => other,
    }
}
