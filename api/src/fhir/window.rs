//! The Observation of a window of optical pulse: its heart rate. Of good windows only.

use super::{
    codes::{PULSE, VITAL_SIGNS},
    resource::{Concept, Identifier, Observation, Quantity, Reference, Value},
    rows::Row,
};

/// Columns of `windows` that it is made of.
pub(super) const COLUMNS: [&str; 6] =
    ["session_id", "user_id", "window_start", "window_end", "revision", "hr_bpm"];

/// The Observation of a row of `windows`; none where there is no rate.
pub(super) fn observation(row: Row<'_>) -> Option<Observation> {
    let (session, start) = (row.must("session_id"), row.time("window_start"));
    let revision = row.whole("revision").unwrap_or_default();
    let code = Concept::new(PULSE.codes, PULSE.name);
    let id = format!("{session}-{start}");
    let rate = Quantity::new(row.number("hr_bpm")?, PULSE.unit, PULSE.ucum);
    let mut observation = Observation::new(id, VITAL_SIGNS, code, row.must("user_id"), start)
        .keeping_to(PULSE.profile)
        .revised(revision)
        .until(row.time("window_end"));
    if revision > 0 {
        "amended".clone_into(&mut observation.status);
    }
    let of_session = Identifier::uuid("session", session);
    observation.identifier = vec![of_session.clone()];
    observation.value = Some(Value::Quantity(rate));
    observation.method = Some(Concept::new(&[], "Estimated from an optical pulse signal over the period"));
    let signal = Reference::named("Observation", of_session, Some("optical pulse signal of the session"));
    observation.derived_from = vec![signal];
    Some(observation)
}
