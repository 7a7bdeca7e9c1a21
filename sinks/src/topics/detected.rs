//! `manpasik.ai.risk.detected`: every risk from HIGH on, with who is to hear of it; not a diagnosis.
//!
//! An id follows from what is said, the recipients included: a consent that comes late withdraws what was told and
//! tells it again to whom it may be told.

use super::{
    RISKS, alert,
    event::{self, Event, content_id, iso},
};
use eventlog::Draft;
use model::{EventId, Level, Number, Risk, RiskDetected};
use serde::Serialize;

const WITHDRAWN: &str = "manpasik.ai.risk.detected.withdrawn";

/// What is said of a risk: the payload that consumers of the platform know (events-background.md), down to
/// `alert_targets`, and beside it what tells which change of which alert it is.
#[derive(Serialize)]
struct Said<'a> {
    /// The alert, the same over all its changes.
    risk_id: String,
    measurement_session_id: Option<String>,
    risk_level: &'static str,
    /// An ordinal code of the level, not a probability.
    risk_score: f64,
    /// The rule that found it.
    risk_type: &'a str,
    biomarker: Option<&'a str>,
    measured_value: Option<Number>,
    unit: Option<&'a str>,
    /// Null where it is not the same for everybody.
    reference_range: Option<Range>,
    recommended_action: &'static str,
    /// People by their ids: the person, then who of their family may hear of it.
    alert_targets: Vec<String>,
    kind: &'static str,
    rule_version: &'a str,
    onset: String,
    detected_at: String,
    needs_retest: bool,
}

/// Inside it a value is well; an end that is null is open.
#[derive(Serialize)]
struct Range {
    min: Option<Number>,
    max: Option<Number>,
}

/// What is said of a risk that does not hold any more, or was told to others.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    risk_id: String,
    /// Whoever heard of it.
    alert_targets: Vec<String>,
}

/// The records for `risks`, which are consolidated and in order.
pub(super) fn drafts(risks: &[(RiskDetected, i64)], partitions: u32) -> Vec<Draft> {
    event::drafts((RISKS, partitions), risks, id, told, withdrawn)
}

fn id(risk: &RiskDetected) -> EventId {
    content_id(RISKS, &risk.change.alert.to_string(), &said(risk))
}

fn said(risk: &RiskDetected) -> Said<'_> {
    let RiskDetected { change, leading, reference, .. } = risk;
    let level = Risk::from(change.level);
    Said {
        risk_id: change.alert.to_string(),
        measurement_session_id: change.session.map(|session| session.to_string()),
        risk_level: level.name(),
        risk_score: level.score(),
        risk_type: change.rule.id(),
        biomarker: leading.as_ref().map(|leading| leading.parameter.as_str()),
        measured_value: leading.as_ref().map(|leading| leading.value),
        unit: leading.as_ref().map(|leading| leading.unit.as_str()),
        reference_range: reference.map(|(min, max)| Range { min, max }),
        recommended_action: action(change.level),
        alert_targets: targets(risk),
        kind: change.kind.name(),
        rule_version: change.rule.version(),
        onset: iso(change.onset),
        detected_at: iso(change.at),
        needs_retest: change.rule.claim().is_some_and(|claim| claim.needs_retest),
    }
}

/// What to do: this product's own words, by the level alone.
const fn action(level: Level) -> &'static str {
    match level {
        Level::Moderate => "Have a clinician look at this.",
        Level::High => "Have a clinician look at this urgently. This is not a diagnosis.",
        Level::Critical => "Get emergency medical help now. This is not a diagnosis.",
    }
}

fn targets(risk: &RiskDetected) -> Vec<String> {
    risk.recipients.iter().map(ToString::to_string).collect()
}

fn told(id: EventId, risk: &RiskDetected) -> Event<Said<'_>> {
    alert::about(id, RISKS.to_owned(), &risk.change, said(risk))
}

fn withdrawn(id: EventId, withdraws: String, risk: &RiskDetected) -> Event<Withdrawn> {
    let (risk_id, alert_targets) = (risk.change.alert.to_string(), targets(risk));
    let payload = Withdrawn { withdraws, risk_id, alert_targets };
    alert::about(id, WITHDRAWN.to_owned(), &risk.change, payload)
}
