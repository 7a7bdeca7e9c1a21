//! What every event published has: the JSON envelope as value, its mirror as `CloudEvents` headers.
//!
//! `CloudEvents` 1.0, Kafka protocol binding, binary mode; extensions `partitionkey` and `sequence`.
//! The value is the same envelope every service of the platform writes ([`model::Envelope`]); the
//! headers let tools route it without reading it.

use super::{header, milliseconds};
use crate::Digest;
use chrono::{DateTime, SecondsFormat, Utc};
use eventlog::{Draft, partition_of};
use model::{Date, Day, Envelope, EventId, Micros, SessionId, UserId, time::DAY};
use serde::Serialize;
use std::collections::BTreeSet;

/// Service that speaks in the envelope.
const SOURCE: &str = "manpasik-pipeline";
/// Version of the payloads' shape: minor for what is added, major for a new topic.
const VERSION: &str = "1.0";

/// One event on its way out.
pub(super) struct Event<P> {
    /// Identity: equal facts have equal ids.
    pub(super) id: EventId,
    /// Full name of what happened.
    pub(super) kind: String,
    /// When, in event time.
    pub(super) at: Micros,
    /// Person it is about; also the key, so that one person's events keep their order.
    pub(super) user: UserId,
    /// What the event is about, for routing: a session where there is one.
    pub(super) subject: String,
    /// What belongs together over several events.
    pub(super) correlation: String,
    /// Orders the events of one subject, as text.
    pub(super) sequence: String,
    /// What is said.
    pub(super) payload: P,
}

impl<P: Serialize> Event<P> {
    /// The record for one of the `partitions` of `topic`.
    pub(super) fn draft(self, topic: &str, partitions: u32) -> Draft {
        let key = self.user.to_string();
        let envelope = Envelope {
            event_id: self.id.to_string(),
            event_type: self.kind,
            version: VERSION.to_owned(),
            timestamp: iso(self.at),
            source: SOURCE.to_owned(),
            correlation_id: Some(self.correlation),
            user_id: Some(key.clone()),
            payload: self.payload,
        };
        let schema = format!("https://manpasik.example/schema/{}/{VERSION}", envelope.event_type);
        let headers = vec![
            header("ce_specversion", "1.0"),
            header("ce_id", envelope.event_id.as_str()),
            header("ce_type", envelope.event_type.as_str()),
            header("ce_source", format!("/{SOURCE}")),
            header("ce_subject", self.subject),
            header("ce_time", envelope.timestamp.as_str()),
            header("ce_dataschema", schema),
            header("ce_partitionkey", key.as_str()),
            header("ce_sequence", self.sequence),
            header("content-type", "application/json"),
        ];
        Draft {
            topic: topic.into(),
            partition: partition_of(key.as_bytes(), partitions),
            timestamp_ms: milliseconds(self.at),
            key: Some(key.into_bytes()),
            value: serde_json::to_vec(&envelope).expect("payloads are text, integers and finite numbers"),
            headers,
        }
    }
}

/// ISO 8601 in UTC with microseconds; years a calendar cannot hold become the nearest it can.
pub(super) fn iso(at: Micros) -> String {
    let bound = if at < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(at).unwrap_or(bound).to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A day of a person's calendar in ISO 8601; one a calendar cannot hold becomes the nearest it can.
pub(super) fn day(day: Day) -> String {
    let date = Date::numbered(day);
    date.map_or_else(|| iso(Micros::from(day).saturating_mul(DAY)), |date| date.to_string())
}

/// An integer as text that sorts as the integer does.
pub(super) fn sortable(at: Micros) -> String {
    // Moves the range of i64 to that of u64 without changing the order.
    format!("{:020}", at.cast_unsigned() ^ (1 << 63))
}

/// The records of the log something rests on, as events tell them.
#[derive(Serialize)]
pub(super) struct Offsets {
    topic: &'static str,
    partition: u32,
    first_offset: u64,
    last_offset: u64,
}

impl From<model::Span> for Offsets {
    fn from(span: model::Span) -> Self {
        let model::Span { input, partition, first, last } = span;
        Self { topic: input.topic(), partition, first_offset: first, last_offset: last }
    }
}

/// What is said of something about a measurement that does not hold any more.
#[derive(Serialize)]
pub(super) struct Withdrawn {
    withdraws: String,
    measurement_session_id: String,
    measurement_revision: u32,
}

impl Withdrawn {
    pub(super) fn of(withdraws: String, session: SessionId, revision: u32) -> Self {
        Self { withdraws, measurement_session_id: session.to_string(), measurement_revision: revision }
    }
}

/// An event about the measurement of a session, in this revision.
pub(super) fn of_measurement<P>(
    (id, kind): (EventId, &str),
    at: Micros,
    user: UserId,
    (session, revision): (SessionId, u32),
    payload: P,
) -> Event<P> {
    Event {
        id,
        kind: kind.to_owned(),
        at,
        user,
        subject: session.to_string(),
        correlation: session.to_string(),
        sequence: format!("{revision:010}"),
        payload,
    }
}

/// An identity that follows from what is said on `topic` of what belongs together.
pub(super) fn content_id(topic: &str, correlation: &str, content: &impl Serialize) -> EventId {
    let bytes = serde_json::to_vec(content).expect("payloads are text, integers and finite numbers");
    EventId::derive(&[topic, correlation, &Digest::of(&bytes).to_string()])
}

/// The records of `topic` for consolidated changes of facts whose identity is what they say, withdrawals first.
///
/// A fact that is told again under its identity is not withdrawn. `withdraw` is given the identity of the withdrawal and
/// that of what it takes back.
pub(super) fn drafts<'a, R, T: Serialize, W: Serialize>(
    (topic, partitions): (&str, u32),
    changes: &'a [(R, i64)],
    id: impl Fn(&R) -> EventId,
    tell: impl Fn(EventId, &'a R) -> Event<T>,
    withdraw: impl Fn(EventId, String, &'a R) -> Event<W>,
) -> Vec<Draft> {
    let (mut told, mut gone) = (Vec::new(), Vec::new());
    for (fact, difference) in changes {
        if *difference > 0 { told.push((id(fact), fact)) } else { gone.push((id(fact), fact)) }
    }
    let again: BTreeSet<EventId> = told.iter().map(|(id, _)| *id).collect();
    gone.retain(|(id, _)| !again.contains(id));
    let withdrawals = gone.into_iter().map(|(id, fact)| {
        let withdraws = id.to_string();
        let id = EventId::derive(&[topic, "withdrawn", &withdraws]);
        withdraw(id, withdraws, fact).draft(topic, partitions)
    });
    withdrawals.chain(told.into_iter().map(|(id, fact)| tell(id, fact).draft(topic, partitions))).collect()
}

/// Of consolidated changes of facts that are told again with every revision: those that are gone, and those that stand.
/// A fact that is gone while another of the `same` stands was only revised.
pub(super) fn gone_and_standing<R>(
    changes: &[(R, i64)],
    same: impl Fn(&R, &R) -> bool,
) -> (Vec<&R>, Vec<&R>) {
    let revised = |group: &&[(R, i64)]| group.iter().any(|(_, difference)| *difference > 0);
    let (standing, gone): (Vec<_>, Vec<_>) = changes.chunk_by(|(a, _), (b, _)| same(a, b)).partition(revised);
    let standing = standing.into_iter().flatten().filter(|(_, difference)| *difference > 0);
    (gone.into_iter().flatten().map(|(fact, _)| fact).collect(), standing.map(|(fact, _)| fact).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_has_a_text_and_texts_sort_as_instants_do() {
        assert_eq!(iso(1_700_000_000_123_456), "2023-11-14T22:13:20.123456Z");
        assert!(iso(Micros::MIN).starts_with('-') && iso(Micros::MAX).starts_with('+'));
        let texts = [Micros::MIN, -1, 0, 1, Micros::MAX].map(sortable);
        assert!(texts.is_sorted() && texts[0] != texts[1], "{texts:?}");
    }
}
