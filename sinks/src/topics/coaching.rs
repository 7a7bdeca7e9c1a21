//! `manpasik.coaching.generated`: what a person is told of a measurement, in Korean and English; not a diagnosis.
//!
//! Ids and withdrawals as on [`super::ANALYSES`].

use super::{
    COACHINGS,
    event::{self, Event, Offsets, Withdrawn, content_id, iso},
};
use eventlog::Draft;
use model::{About, Coaching, EventId, Message, Risk, Text, Trend};
use serde::Serialize;

const WITHDRAWN: &str = "manpasik.coaching.generated.withdrawn";

/// What is told; the names are those of the table `coachings`.
#[derive(Serialize)]
struct Said<'a> {
    measurement_session_id: String,
    measurement_revision: u32,
    measured_at: String,
    biomarker: Option<&'a str>,
    /// Null where no rule says anything, which does not say that all is well.
    risk_level: Option<&'static str>,
    needs_retest: bool,
    template_version: &'a str,
    /// All of it, to be shown as it is.
    text: Text,
    messages: Vec<Told<'a>>,
    offsets: Vec<Offsets>,
}

/// One thing.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trend: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<&'a str>,
    text: &'a Text,
}

/// The records for `coachings`, which are consolidated and in order.
pub(super) fn drafts(coachings: &[(Coaching, i64)], partitions: u32) -> Vec<Draft> {
    event::drafts((COACHINGS, partitions), coachings, id, told, withdrawn)
}

fn id(coaching: &Coaching) -> EventId {
    let content = Said { offsets: Vec::new(), ..said(coaching) };
    content_id(COACHINGS, &content.measurement_session_id, &content)
}

fn said(coaching: &Coaching) -> Said<'_> {
    Said {
        measurement_session_id: coaching.session.to_string(),
        measurement_revision: coaching.revision,
        measured_at: iso(coaching.at),
        biomarker: coaching.biomarker.as_deref(),
        risk_level: coaching.level.map(Risk::name),
        needs_retest: coaching.needs_retest,
        template_version: &coaching.version,
        text: coaching.text(),
        messages: coaching.messages.iter().map(Told::from).collect(),
        offsets: vec![coaching.packets.into()],
    }
}

impl<'a> From<&'a Message> for Told<'a> {
    fn from(Message { about, trend, text }: &'a Message) -> Self {
        let (rule, class, risk_level, silence) = match about {
            About::Class { rule, class, level } => {
                (Some(rule.as_str()), Some(class.as_str()), Some(level.name()), None)
            }
            About::Silence(code) => (None, None, None, Some(code.as_str())),
        };
        Self { rule, class, risk_level, trend: trend.map(Trend::name), silence, text }
    }
}

fn told(id: EventId, coaching: &Coaching) -> Event<Said<'_>> {
    about(id, COACHINGS, coaching, said(coaching))
}

fn withdrawn(id: EventId, withdraws: String, coaching: &Coaching) -> Event<Withdrawn> {
    about(id, WITHDRAWN, coaching, Withdrawn::of(withdraws, coaching.session, coaching.revision))
}

fn about<P>(id: EventId, kind: &str, coaching: &Coaching, payload: P) -> Event<P> {
    let Coaching { at, user, session, revision, .. } = *coaching;
    event::of_measurement((id, kind), at, user, (session, revision), payload)
}
