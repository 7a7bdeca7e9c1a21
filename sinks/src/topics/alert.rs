//! `manpasik.ai.alert`: every change of every alert, with the evidence for it; not a diagnosis.
//!
//! An id follows from what the change says without the offsets of its evidence: the same recording
//! through another log raises the same alerts under the same ids.

use super::{
    ALERTS,
    event::{self, Event, Offsets, iso, sortable},
};
use crate::Digest;
use eventlog::Draft;
use model::{AlertChange, EventId, Number};
use serde::Serialize;

/// What is said of a change; the names are those of the table `alerts`.
#[derive(Serialize)]
struct Change<'a> {
    alert_id: String,
    kind: &'static str,
    level: &'static str,
    rule: &'a str,
    rule_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    onset: String,
    changed_at: String,
    score: u32,
    window_start: String,
    window_end: String,
    findings: Vec<Finding<'a>>,
    offsets: Vec<Offsets>,
    /// Set of the rule, if it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim<'a>>,
}

/// What a rule of a set found.
#[derive(Serialize)]
pub(super) struct Claim<'a> {
    class: &'a str,
    value: Number,
    unit: &'a str,
    at_least: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_low: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_high: Option<Number>,
    limits: &'a str,
    source: &'a str,
    confidence: Number,
    needs_retest: bool,
}

/// One value the change rests on.
#[derive(Serialize)]
struct Finding<'a> {
    parameter: &'a str,
    value: Number,
    unit: &'a str,
    observed_at: String,
    score: u32,
}

/// What is said of a change whose cause was removed by later data.
#[derive(Serialize)]
struct Withdrawn<'a> {
    alert_id: String,
    kind: &'static str,
    withdraws: String,
    /// Which change: `raised`, `escalated`, `repeated` or `cleared`.
    change: &'static str,
    rule: &'a str,
    rule_version: &'a str,
    onset: String,
    changed_at: String,
}

/// The records for `changes`, which are consolidated and in order.
///
/// A change of which only the offsets of the evidence differ is told again under its id and not withdrawn.
pub(super) fn drafts(changes: &[(AlertChange, i64)], partitions: u32) -> Vec<Draft> {
    event::drafts((ALERTS, partitions), changes, id, told, withdrawn)
}

fn id(change: &AlertChange) -> EventId {
    let content = Change { offsets: Vec::new(), ..payload(change) };
    let bytes = serde_json::to_vec(&content).expect("a change is text, integers and finite numbers");
    EventId::derive(&[ALERTS, &content.alert_id, content.kind, &Digest::of(&bytes).to_string()])
}

fn payload(change: &AlertChange) -> Change<'_> {
    let evidence = &change.evidence;
    Change {
        alert_id: change.alert.to_string(),
        kind: change.kind.name(),
        level: change.level.name(),
        rule: change.rule.id(),
        rule_version: change.rule.version(),
        session_id: change.session.map(|session| session.to_string()),
        onset: iso(change.onset),
        changed_at: iso(change.at),
        score: evidence.score,
        window_start: iso(evidence.window_start),
        window_end: iso(evidence.window_end),
        findings: evidence.findings.iter().map(Finding::from).collect(),
        offsets: evidence.spans.iter().copied().map(Offsets::from).collect(),
        rule_set: change.rule.of_set().map(|rule| rule.set.as_str()),
        claim: change.rule.claim().map(Claim::from),
    }
}

impl<'a> From<&'a model::Claim> for Claim<'a> {
    fn from(claim: &'a model::Claim) -> Self {
        Self {
            class: &claim.class,
            value: claim.value,
            unit: &claim.unit,
            at_least: claim.at_least,
            limit_low: claim.low,
            limit_high: claim.high,
            limits: &claim.limits,
            source: &claim.source,
            confidence: claim.confidence,
            needs_retest: claim.needs_retest,
        }
    }
}

impl<'a> From<&'a model::Finding> for Finding<'a> {
    fn from(finding: &'a model::Finding) -> Self {
        let model::Finding { parameter, value, unit, observed_at, score } = finding;
        Self { parameter, value: *value, unit, observed_at: iso(*observed_at), score: *score }
    }
}

fn told(id: EventId, change: &AlertChange) -> Event<Change<'_>> {
    about(id, format!("{ALERTS}.{}", change.kind.name()), change, payload(change))
}

fn withdrawn(id: EventId, withdraws: String, change: &AlertChange) -> Event<Withdrawn<'_>> {
    let payload = Withdrawn {
        alert_id: change.alert.to_string(),
        kind: "withdrawn",
        withdraws,
        change: change.kind.name(),
        rule: change.rule.id(),
        rule_version: change.rule.version(),
        onset: iso(change.onset),
        changed_at: iso(change.at),
    };
    about(id, format!("{ALERTS}.{}", payload.kind), change, payload)
}

/// An event about a change of an alert.
pub(super) fn about<P>(id: EventId, kind: String, change: &AlertChange, payload: P) -> Event<P> {
    let subject = change.session.map_or_else(|| change.user.to_string(), |session| session.to_string());
    Event {
        id,
        kind,
        at: change.at,
        user: change.user,
        subject,
        correlation: change.alert.to_string(),
        sequence: sortable(change.at),
        payload,
    }
}
