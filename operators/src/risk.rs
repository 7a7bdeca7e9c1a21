//! Finds risks in facts: changes of alerts, and the alerts they add up to.
//!
//! Not a diagnosis. Every limit is published; its source stands beside it.
//!
//! # Retractions
//! A correction of a window or an observation retracts the changes it made untrue and asserts the
//! ones that hold now; [`alerts`] follows.

pub mod band;
pub mod bound;
pub mod news2;
pub mod watch;

use crate::{Collection, timeline::FoldTimeline};
use model::{Alert, AlertChange, ChangeKind, PulseWindow, SessionId, UserId, Vitals};
use serde::Deserialize;

/// Options of all rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// NEWS2 lower bound over vital signs.
    pub news2: bound::Options,
    /// NEWS2 pulse band over optical pulse windows.
    pub pulse: watch::Options,
}

/// Detects risks in vital signs and in pulse windows.
pub fn detect<'scope>(
    vitals: Collection<'scope, Vitals>,
    windows: Collection<'scope, PulseWindow>,
    options: &Options,
) -> Collection<'scope, AlertChange> {
    let by_user = vitals.map(|vitals| (vitals.user, vitals));
    let by_session = windows.map(|window| (window.session, window));
    let bound = bound::Bound::new(options.news2.clone());
    let band = band::Band::new(options.pulse.clone());
    by_user
        .fold_timeline("News2LowerBound", |user: &UserId| user.route(), bound)
        .concat(by_session.fold_timeline("PulseBand", |session: &SessionId| session.route(), band))
}

/// Folds changes to alerts as they stand.
pub fn alerts(changes: Collection<'_, AlertChange>) -> Collection<'_, Alert> {
    changes
        .map(|change| (change.alert, change))
        .reduce_named("Alerts", |_alert, changes, alerts| {
            // Changes are ordered by time: the first raised the alert, the last says how it stands.
            let raised = changes.iter().find(|(change, _)| change.kind == ChangeKind::Raised);
            let (last, _) = changes.last().expect("a key has at least one value");
            let raised_at = raised.map_or(last.at, |(change, _)| change.at);
            alerts.push((Alert { raised_at, last: (*last).clone() }, 1));
        })
        .map(|(_, alert)| alert)
}
