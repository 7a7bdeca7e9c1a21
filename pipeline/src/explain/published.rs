//! What stands of each alert: the changes told, by identity, less those withdrawn.
//!
//! One fold for what is on the topic and for what comes out of the graph, so that both mean the same.
//!
//! # Invariants
//! - A change told again under its identity takes the place of the one before; one withdrawn leaves.

use super::Selection;
use crate::Error;
use eventlog::{Budget, Header, Log, TopicPartition, read_range};
use model::{Envelope, EventId, Input, SessionId, Span, UserId};
use serde::Deserialize;
use sinks::topics::ALERTS;
use std::collections::BTreeMap;

const BUDGET: Budget = Budget { records: 10_000, bytes: 8 << 20 };

/// A record of a change but for its place, which is another wherever it is written.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Vec<u8>,
    pub(super) headers: Vec<Header>,
    pub(super) timestamp_ms: i64,
}

/// The changes of one alert that stand, by identity.
#[derive(Clone, Default)]
pub(super) struct Standing {
    pub(super) told: BTreeMap<String, Told>,
    withdrawn: u64,
}

impl Standing {
    pub(super) fn told(
        key: Option<Vec<u8>>,
        value: Vec<u8>,
        headers: Vec<Header>,
        timestamp_ms: i64,
    ) -> Told {
        Told { key, value, headers, timestamp_ms }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.told == other.told
    }

    pub(super) fn count(&self) -> usize {
        self.told.len()
    }

    pub(super) const fn withdrawn(&self) -> u64 {
        self.withdrawn
    }
}

/// An alert as its records tell it.
pub(super) struct Alert {
    pub(super) id: EventId,
    pub(super) rule: String,
    pub(super) rule_version: String,
    pub(super) user: UserId,
    pub(super) session: Option<SessionId>,
    /// Evidence of all its changes, withdrawn ones included.
    pub(super) spans: Vec<Span>,
    pub(super) standing: Standing,
}

/// What is read of a record; the rest is compared as bytes.
#[derive(Deserialize)]
struct Payload {
    alert_id: EventId,
    rule: String,
    rule_version: String,
    #[serde(default)]
    session_id: Option<SessionId>,
    #[serde(default)]
    withdraws: Option<String>,
    #[serde(default)]
    offsets: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    topic: String,
    partition: u32,
    first_offset: u64,
    last_offset: u64,
}

/// Adds a record to what is known of its alert; gives which that is.
pub(super) fn take(alerts: &mut BTreeMap<EventId, Alert>, told: Told) -> Result<EventId, Error> {
    let unreadable = || {
        let what = "a record of the topic of alerts is of another version: use the version that runs";
        Error::Unexplained(what.into())
    };
    let read: Envelope<Payload> = serde_json::from_slice(&told.value).map_err(|_| unreadable())?;
    let user = read.user_id.as_deref().and_then(|user| user.parse().ok()).ok_or_else(unreadable)?;
    let Payload { alert_id: id, rule, rule_version, session_id, withdraws, offsets } = read.payload;
    let alert = alerts.entry(id).or_insert_with(|| Alert {
        id,
        rule,
        rule_version: rule_version.clone(),
        user,
        session: session_id,
        spans: Vec::new(),
        standing: Standing::default(),
    });
    // Withdrawals do not name it.
    alert.session = alert.session.or(session_id);
    for Place { topic, partition, first_offset, last_offset } in offsets {
        let input = Input::named(&topic).ok_or_else(unreadable)?;
        alert.spans.push(Span { input, partition, first: first_offset, last: last_offset });
    }
    match withdraws {
        None => {
            alert.rule_version = rule_version;
            alert.standing.told.insert(read.event_id, told);
        }
        Some(back) => {
            alert.standing.told.remove(&back);
            alert.standing.withdrawn += 1;
        }
    }
    Ok(id)
}

/// Everything on the topic.
pub(super) struct Published {
    alerts: BTreeMap<EventId, Alert>,
}

impl Published {
    pub(super) fn read(log: &dyn Log) -> Result<Self, Error> {
        let (mut alerts, mut reader) = (BTreeMap::new(), log.reader()?);
        for partition in 0..log.partitions(ALERTS)? {
            let at = TopicPartition::new(ALERTS, partition);
            let (range, mut failed) = (log.range(&at)?, None);
            read_range(&mut *reader, &at, range, BUDGET, |record| {
                let told = Standing::told(record.key, record.value, record.headers, record.timestamp_ms);
                if let Err(error) = take(&mut alerts, told) {
                    failed = Some(error);
                }
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(Self { alerts })
    }

    pub(super) fn has(&self, alert: EventId) -> bool {
        self.alerts.contains_key(&alert)
    }

    pub(super) fn select(&self, selection: Selection) -> Result<Vec<&Alert>, Error> {
        match selection {
            Selection::All(limit) => Ok(self.alerts.values().take(limit.unwrap_or(usize::MAX)).collect()),
            Selection::One(id) => {
                let unknown = || {
                    Error::Unexplained(format!(
                        "the topic {ALERTS} holds no alert {id}: `manpasik sql \"SELECT alert_id, rule, onset FROM \
                         alerts\"` lists them"
                    ))
                };
                Ok(vec![self.alerts.get(&id).ok_or_else(unknown)?])
            }
        }
    }
}
