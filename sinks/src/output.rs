//! Everything one epoch produced, in one canonical form.
//!
//! # Invariants
//! - Rows are distinct, ordered by their type's `Ord`, and none has a difference of zero: the form
//!   depends on the results, not on which worker found them or when.

use differential_dataflow::consolidation::consolidate;
use model::planted::{self, Bug};
use model::{
    Alert, AlertChange, Analysis, Beat, Breathing, CartridgeSupply, Coaching, DailySummary,
    DeviceCalibration, Fault, FeatureWindow, Fingerprint, GlucoseEpisode, GlucoseReading, GlucoseWindow,
    GoalProgress, HealthRecord, LaboratoryResult, Measurement, Notification, NotificationListed, PulseWindow,
    Rhythm, RiskDetected, Session, SessionBeginning, SessionEnd, Unread, Vitals,
};

/// The changes of one epoch, by kind: each a row and by how much its count changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Optical pulse windows.
    pub windows: Vec<(PulseWindow, i64)>,
    /// Observations of vital signs.
    pub vitals: Vec<(Vitals, i64)>,
    /// Sessions as they stand.
    pub sessions: Vec<(Session, i64)>,
    /// Alerts as they stand.
    pub alerts: Vec<(Alert, i64)>,
    /// What happened to alerts.
    pub changes: Vec<(AlertChange, i64)>,
    /// Records that could not be used.
    pub faults: Vec<(Fault, i64)>,
    /// Windows of breathing.
    pub breathings: Vec<(Breathing, i64)>,
    /// Beats of electrocardiograms.
    pub beats: Vec<(Beat, i64)>,
    /// Windows of heart rate variability.
    pub rhythms: Vec<(Rhythm, i64)>,
    /// Results of cartridges.
    pub measurements: Vec<(Measurement, i64)>,
    /// Fingerprints of sessions.
    pub fingerprints: Vec<(Fingerprint, i64)>,
    /// Calibrations in force.
    pub calibrations: Vec<(DeviceCalibration, i64)>,
    /// Cartridges as they stand.
    pub cartridges: Vec<(CartridgeSupply, i64)>,
    /// Windows of cartridges' sessions.
    pub features: Vec<(FeatureWindow, i64)>,
    /// Sessions that began, as their packets show.
    pub beginnings: Vec<(SessionBeginning, i64)>,
    /// Sessions that ended, as their packets show.
    pub ends: Vec<(SessionEnd, i64)>,
    /// What the rules say of each measurement.
    pub analyses: Vec<(Analysis, i64)>,
    /// What people are told of their measurements.
    pub coachings: Vec<(Coaching, i64)>,
    /// What each day of each person came to.
    pub summaries: Vec<(DailySummary, i64)>,
    /// How each period of each goal stands.
    pub goals: Vec<(GoalProgress, i64)>,
    /// Notifications that went.
    pub sent: Vec<(Notification, i64)>,
    /// The same, and whether they were read.
    pub notifications: Vec<(NotificationListed, i64)>,
    /// How many each person has not read.
    pub unread: Vec<(Unread, i64)>,
    /// Results of cartridges as health records have them.
    pub records: Vec<(HealthRecord, i64)>,
    /// Readings of continuous glucose.
    pub glucose: Vec<(GlucoseReading, i64)>,
    /// Days and fortnights of it.
    pub worn: Vec<(GlucoseWindow, i64)>,
    /// Episodes of low glucose.
    pub episodes: Vec<(GlucoseEpisode, i64)>,
    /// Results of laboratories as they stand.
    pub laboratory: Vec<(LaboratoryResult, i64)>,
    /// Risks from HIGH on, with who is to hear of them.
    pub detected: Vec<(RiskDetected, i64)>,
}

impl Output {
    /// Puts what the workers found together; equal rows become one, what cancels out disappears.
    ///
    /// # Examples
    /// ```
    /// # use sinks::Output;
    /// let session = |ended_at| model::Session {
    ///     session: model::SessionId::derive(&["s"]), user: None, device: None,
    ///     started_at: Some(0), ended_at, status: None, stream: None,
    /// };
    /// let one = Output { sessions: vec![(session(None), 1)], ..Output::default() };
    /// let two = Output { sessions: vec![(session(Some(5)), 1), (session(None), -1)], ..Output::default() };
    /// assert_eq!(Output::merge([one, two]).sessions, [(session(Some(5)), 1)]);
    /// ```
    pub fn merge(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::default();
        for part in parts {
            whole.windows.extend(part.windows);
            whole.vitals.extend(part.vitals);
            whole.sessions.extend(part.sessions);
            whole.alerts.extend(part.alerts);
            whole.changes.extend(part.changes);
            whole.faults.extend(part.faults);
            whole.breathings.extend(part.breathings);
            whole.beats.extend(part.beats);
            whole.rhythms.extend(part.rhythms);
            whole.measurements.extend(part.measurements);
            whole.fingerprints.extend(part.fingerprints);
            whole.calibrations.extend(part.calibrations);
            whole.cartridges.extend(part.cartridges);
            whole.features.extend(part.features);
            whole.beginnings.extend(part.beginnings);
            whole.ends.extend(part.ends);
            whole.analyses.extend(part.analyses);
            whole.coachings.extend(part.coachings);
            whole.summaries.extend(part.summaries);
            whole.goals.extend(part.goals);
            whole.sent.extend(part.sent);
            whole.notifications.extend(part.notifications);
            whole.unread.extend(part.unread);
            whole.records.extend(part.records);
            whole.glucose.extend(part.glucose);
            whole.worn.extend(part.worn);
            whole.episodes.extend(part.episodes);
            whole.laboratory.extend(part.laboratory);
            whole.detected.extend(part.detected);
        }
        if planted::is(Bug::WorkerOrder) {
            return whole;
        }
        consolidate(&mut whole.windows);
        consolidate(&mut whole.vitals);
        consolidate(&mut whole.sessions);
        consolidate(&mut whole.alerts);
        consolidate(&mut whole.changes);
        consolidate(&mut whole.faults);
        consolidate(&mut whole.breathings);
        consolidate(&mut whole.beats);
        consolidate(&mut whole.rhythms);
        consolidate(&mut whole.measurements);
        consolidate(&mut whole.fingerprints);
        consolidate(&mut whole.calibrations);
        consolidate(&mut whole.cartridges);
        consolidate(&mut whole.features);
        consolidate(&mut whole.beginnings);
        consolidate(&mut whole.ends);
        consolidate(&mut whole.analyses);
        consolidate(&mut whole.coachings);
        consolidate(&mut whole.summaries);
        consolidate(&mut whole.goals);
        consolidate(&mut whole.sent);
        consolidate(&mut whole.notifications);
        consolidate(&mut whole.unread);
        consolidate(&mut whole.records);
        consolidate(&mut whole.glucose);
        consolidate(&mut whole.worn);
        consolidate(&mut whole.episodes);
        consolidate(&mut whole.laboratory);
        consolidate(&mut whole.detected);
        whole
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        let Self { changes, beginnings, ends, detected, sent, .. } = self;
        let only_told = [changes.len(), beginnings.len(), ends.len(), detected.len(), sent.len()];
        !self.changes_tables() && only_told.into_iter().all(|events| events == 0)
    }

    /// Whether a row of any table changed.
    pub(crate) fn changes_tables(&self) -> bool {
        let Self { windows, vitals, sessions, alerts, changes: _, faults, .. } = self;
        let Self { breathings, beats, rhythms, measurements, fingerprints, features, .. } = self;
        let Self { calibrations, cartridges, analyses, coachings, .. } = self;
        let results = [windows.len(), vitals.len(), sessions.len(), alerts.len(), faults.len()];
        let more = [breathings.len(), beats.len(), rhythms.len(), measurements.len(), fingerprints.len()];
        let stands = [features.len(), calibrations.len(), cartridges.len(), self.records.len()];
        let said = [analyses.len(), coachings.len(), self.notifications.len(), self.unread.len()];
        let followed = [self.summaries.len(), self.goals.len()];
        let read = [self.glucose.len(), self.worn.len(), self.episodes.len(), self.laboratory.len()];
        results
            .into_iter()
            .chain(more)
            .chain(stands)
            .chain(said)
            .chain(followed)
            .chain(read)
            .any(|rows| rows > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn neither_workers_nor_order_show(
            changes in prop::collection::vec((0_u32..6, -2_i64..3, 0_usize..4), 0..40).prop_shuffle(),
        ) {
            let output = |of: &[(u32, i64, usize)]| Output {
                windows: of.iter().map(|(n, difference, _)| (samples::window(*n, 0), *difference)).collect(),
                faults: of.iter().map(|(n, difference, _)| (samples::fault(*n), *difference)).collect(),
                ..Output::default()
            };
            let by_worker = (0..4).map(|worker| {
                let part: Vec<_> = changes.iter().copied().filter(|change| change.2 == worker).collect();
                output(&part)
            });
            let mut in_order = changes.clone();
            in_order.sort_unstable();
            let merged = Output::merge(by_worker);
            prop_assert_eq!(&merged, &Output::merge([output(&in_order)]));

            prop_assert!(merged.windows.is_sorted_by(|a, b| a.0 < b.0));
            for n in 0..6 {
                let sum: i64 = changes.iter().filter(|change| change.0 == n).map(|change| change.1).sum();
                let row = samples::fault(n);
                let found = merged.faults.iter().find(|(fault, _)| *fault == row).map_or(0, |(_, count)| *count);
                prop_assert_eq!(found, sum);
            }
            prop_assert!(merged.faults.iter().all(|(_, count)| *count != 0));
        }
    }
}
