//! `manpasik.ai.analysis_completed`: what the rules say of every measurement, whatever it is; not a diagnosis.
//!
//! An id follows from what is said without the offsets. An analysis that another one of the same measurement
//! replaces is withdrawn by name first: a reader that remembers ids forgets it, and hears it again if it returns.

use super::{
    ANALYSES,
    alert::Claim,
    event::{self, Event, Offsets, Withdrawn, content_id, iso},
};
use eventlog::Draft;
use model::{Analysis, EventId, Judged, Number, Risk};
use serde::Serialize;

const WITHDRAWN: &str = "manpasik.ai.analysis_completed.withdrawn";

/// What is said of a measurement; the names are those of the table `analyses`.
#[derive(Serialize)]
struct Said<'a> {
    measurement_session_id: String,
    measurement_revision: u32,
    measured_at: String,
    biomarker: Option<&'a str>,
    measured_value: Option<Number>,
    unit: &'a str,
    confidence: Number,
    /// Null where no rule says anything, which does not say that all is well.
    risk_level: Option<&'static str>,
    /// An ordinal code of the level, not a probability.
    risk_score: Option<f64>,
    needs_retest: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    unasked: Option<&'a str>,
    judgements: Vec<Judgement<'a>>,
    offsets: Vec<Offsets>,
}

/// What one rule says.
#[derive(Serialize)]
struct Judgement<'a> {
    rule: &'a str,
    rule_set: &'a str,
    rule_version: &'a str,
    risk_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim<'a>>,
}

/// The records for `analyses`, which are consolidated and in order.
pub(super) fn drafts(analyses: &[(Analysis, i64)], partitions: u32) -> Vec<Draft> {
    event::drafts((ANALYSES, partitions), analyses, id, told, withdrawn)
}

fn id(analysis: &Analysis) -> EventId {
    let content = Said { offsets: Vec::new(), ..said(analysis) };
    content_id(ANALYSES, &content.measurement_session_id, &content)
}

fn said(analysis: &Analysis) -> Said<'_> {
    let level = analysis.level();
    Said {
        measurement_session_id: analysis.session.to_string(),
        measurement_revision: analysis.revision,
        measured_at: iso(analysis.at),
        biomarker: analysis.biomarker.as_deref(),
        measured_value: analysis.value,
        unit: &analysis.unit,
        confidence: analysis.confidence,
        risk_level: level.map(Risk::name),
        risk_score: level.map(Risk::score),
        needs_retest: analysis.needs_retest(),
        unasked: analysis.unasked.as_deref(),
        judgements: analysis.judged.iter().map(Judgement::from).collect(),
        offsets: vec![analysis.packets.into()],
    }
}

impl<'a> From<&'a Judged> for Judgement<'a> {
    fn from(Judged { rule, level, silence }: &'a Judged) -> Self {
        Self {
            rule: &rule.id,
            rule_set: &rule.set,
            rule_version: &rule.version,
            risk_level: level.map(Risk::name),
            silence: silence.as_deref(),
            claim: rule.claim.as_ref().map(Claim::from),
        }
    }
}

fn told(id: EventId, analysis: &Analysis) -> Event<Said<'_>> {
    about(id, ANALYSES, analysis, said(analysis))
}

fn withdrawn(id: EventId, withdraws: String, analysis: &Analysis) -> Event<Withdrawn> {
    about(id, WITHDRAWN, analysis, Withdrawn::of(withdraws, analysis.session, analysis.revision))
}

fn about<P>(id: EventId, kind: &str, analysis: &Analysis, payload: P) -> Event<P> {
    let Analysis { at, user, session, revision, .. } = *analysis;
    event::of_measurement((id, kind), at, user, (session, revision), payload)
}
