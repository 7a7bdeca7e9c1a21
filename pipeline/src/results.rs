//! What comes out of the graph, held until the epoch loop takes it.

use model::{
    Alert, AlertChange, Analysis, Beat, Breathing, CartridgeSupply, Coaching, DailySummary,
    DeviceCalibration, Fault, FeatureWindow, Fingerprint, GlucoseEpisode, GlucoseReading, GlucoseWindow,
    GoalProgress, HealthRecord, LaboratoryResult, Measurement, Notification, NotificationListed, PulseWindow,
    Rhythm, RiskDetected, Session, SessionBeginning, SessionEnd, Unread, Vitals,
};
use operators::sequence::Tally;
use sinks::{Captured, Output};

/// What comes out of the graph on one worker, until the epoch loop takes it.
#[derive(Debug)]
pub struct Results {
    pub(crate) windows: Captured<PulseWindow>,
    pub(crate) vitals: Captured<Vitals>,
    pub(crate) sessions: Captured<Session>,
    pub(crate) alerts: Captured<Alert>,
    pub(crate) changes: Captured<AlertChange>,
    pub(crate) faults: Captured<Fault>,
    pub(crate) breathings: Captured<Breathing>,
    pub(crate) beats: Captured<Beat>,
    pub(crate) rhythms: Captured<Rhythm>,
    pub(crate) measurements: Captured<Measurement>,
    pub(crate) fingerprints: Captured<Fingerprint>,
    pub(crate) calibrations: Captured<DeviceCalibration>,
    pub(crate) cartridges: Captured<CartridgeSupply>,
    pub(crate) features: Captured<FeatureWindow>,
    pub(crate) beginnings: Captured<SessionBeginning>,
    pub(crate) ends: Captured<SessionEnd>,
    pub(crate) analyses: Captured<Analysis>,
    pub(crate) coachings: Captured<Coaching>,
    pub(crate) summaries: Captured<DailySummary>,
    pub(crate) goals: Captured<GoalProgress>,
    pub(crate) sent: Captured<Notification>,
    pub(crate) notifications: Captured<NotificationListed>,
    pub(crate) unread: Captured<Unread>,
    pub(crate) records: Captured<HealthRecord>,
    pub(crate) glucose: Captured<GlucoseReading>,
    pub(crate) worn: Captured<GlucoseWindow>,
    pub(crate) episodes: Captured<GlucoseEpisode>,
    pub(crate) laboratory: Captured<LaboratoryResult>,
    pub(crate) detected: Captured<RiskDetected>,
    pub(crate) tallies: Captured<Tally>,
}

impl Results {
    /// Takes everything up to and including `epoch`, once the probe has passed it.
    pub fn take(&self, epoch: model::Epoch) -> (Output, Tally) {
        let output = Output {
            windows: self.windows.take(epoch),
            vitals: self.vitals.take(epoch),
            sessions: self.sessions.take(epoch),
            alerts: self.alerts.take(epoch),
            changes: self.changes.take(epoch),
            faults: self.faults.take(epoch),
            breathings: self.breathings.take(epoch),
            beats: self.beats.take(epoch),
            rhythms: self.rhythms.take(epoch),
            measurements: self.measurements.take(epoch),
            fingerprints: self.fingerprints.take(epoch),
            calibrations: self.calibrations.take(epoch),
            cartridges: self.cartridges.take(epoch),
            features: self.features.take(epoch),
            beginnings: self.beginnings.take(epoch),
            ends: self.ends.take(epoch),
            analyses: self.analyses.take(epoch),
            coachings: self.coachings.take(epoch),
            summaries: self.summaries.take(epoch),
            goals: self.goals.take(epoch),
            sent: self.sent.take(epoch),
            notifications: self.notifications.take(epoch),
            unread: self.unread.take(epoch),
            records: self.records.take(epoch),
            glucose: self.glucose.take(epoch),
            worn: self.worn.take(epoch),
            episodes: self.episodes.take(epoch),
            laboratory: self.laboratory.take(epoch),
            detected: self.detected.take(epoch),
        };
        let mut tally = Tally::default();
        for (part, _) in self.tallies.take(epoch) {
            tally += part;
        }
        (output, tally)
    }
}
