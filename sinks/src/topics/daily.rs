//! `manpasik.coaching.daily_summary` on [`COACHINGS`]: what a day of a person came to, once it is over; not a diagnosis.
//!
//! Ids and withdrawals as on [`super::ANALYSES`]; the `summary_id` of a day stays the same however often it is revised.

use super::{
    COACHINGS,
    event::{self, Event, content_id, day, iso},
};
use eventlog::Draft;
use model::{BiomarkerDay, DailySummary, EventId, Number, Risk, Text};
use serde::Serialize;

const SUMMARY: &str = "manpasik.coaching.daily_summary";
const WITHDRAWN: &str = "manpasik.coaching.daily_summary.withdrawn";

/// What is told; the names are those of the table `daily_summaries`.
#[derive(Serialize)]
struct Said<'a> {
    summary_id: String,
    day: String,
    utc_offset_minutes: i16,
    ends_at: String,
    kind: &'static str,
    measurements: u32,
    to_repeat: u32,
    alerts_moderate: u32,
    alerts_high: u32,
    alerts_critical: u32,
    template_version: &'a str,
    /// To be shown as it is.
    text: &'a Text,
    biomarkers: Vec<Of<'a>>,
}

/// What was measured of one biomarker.
#[derive(Serialize)]
struct Of<'a> {
    biomarker: &'a str,
    unit: &'a str,
    count: u32,
    lowest: Option<Number>,
    highest: Option<Number>,
    last: Option<Number>,
    last_at: Option<String>,
    /// Null where no rule says anything, which does not say that all is well.
    risk_level: Option<&'static str>,
}

/// What is said of a summary that does not hold any more.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    summary_id: String,
    day: String,
}

/// The records for those of `summaries`, which are consolidated and in order, whose day is over.
pub(super) fn drafts(summaries: &[(DailySummary, i64)], partitions: u32) -> Vec<Draft> {
    let over: Vec<_> = summaries.iter().filter(|(summary, _)| summary.is_over).cloned().collect();
    event::drafts((COACHINGS, partitions), &over, id, told, withdrawn)
}

fn id(summary: &DailySummary) -> EventId {
    let content = said(summary);
    content_id(COACHINGS, &content.summary_id, &content)
}

fn said(summary: &DailySummary) -> Said<'_> {
    Said {
        summary_id: summary.id().to_string(),
        day: day(summary.day),
        utc_offset_minutes: summary.offset,
        ends_at: iso(summary.ends_at),
        kind: summary.kind.name(),
        measurements: summary.measurements,
        to_repeat: summary.to_repeat,
        alerts_moderate: summary.alerts.moderate,
        alerts_high: summary.alerts.high,
        alerts_critical: summary.alerts.critical,
        template_version: &summary.version,
        text: &summary.text,
        biomarkers: summary.biomarkers.iter().map(Of::from).collect(),
    }
}

impl<'a> From<&'a BiomarkerDay> for Of<'a> {
    fn from(BiomarkerDay { name, unit, count, lowest, highest, last, worst }: &'a BiomarkerDay) -> Self {
        Self {
            biomarker: name,
            unit,
            count: *count,
            lowest: *lowest,
            highest: *highest,
            last: last.map(|(_, value)| value),
            last_at: last.map(|(at, _)| iso(at)),
            risk_level: worst.map(Risk::name),
        }
    }
}

fn told(id: EventId, summary: &DailySummary) -> Event<Said<'_>> {
    about(id, SUMMARY, summary, said(summary))
}

fn withdrawn(id: EventId, withdraws: String, summary: &DailySummary) -> Event<Withdrawn> {
    let (summary_id, day) = (summary.id().to_string(), day(summary.day));
    about(id, WITHDRAWN, summary, Withdrawn { withdraws, summary_id, day })
}

fn about<P>(id: EventId, kind: &str, summary: &DailySummary, payload: P) -> Event<P> {
    Event {
        id,
        kind: kind.to_owned(),
        at: summary.ends_at,
        user: summary.user,
        subject: summary.id().to_string(),
        correlation: summary.id().to_string(),
        sequence: event::sortable(summary.ends_at),
        payload,
    }
}
