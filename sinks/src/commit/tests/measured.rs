//! What signals and cartridges leave goes the way of everything else; who follows the fingerprints knows, at every
//! epoch and after every start, exactly those that stand.

use super::{Rig, binding};
use crate::{Output, samples};
use model::{
    CalibrationStatus, Fingerprint, NotificationListed, SessionId,
    similar::{Follows, Neighbour, Similar, Unanswered},
};
use std::{collections::BTreeMap, sync::Arc};

/// Follows by remembering: every other session is a neighbour.
#[derive(Clone, Debug, Default)]
struct Standing(BTreeMap<SessionId, Fingerprint>);

pub(super) fn follow() -> Box<dyn Follows> {
    Box::new(Standing::default())
}

impl Follows for Standing {
    fn apply(&mut self, changes: &[(Fingerprint, i64)]) {
        for (fingerprint, _) in changes.iter().filter(|(_, difference)| *difference < 0) {
            let gone = self.0.remove(&fingerprint.session);
            assert_eq!(gone.as_ref(), Some(fingerprint), "what goes was there");
        }
        for (fingerprint, _) in changes.iter().filter(|(_, difference)| *difference > 0) {
            assert_eq!(self.0.insert(fingerprint.session, fingerprint.clone()), None, "what comes is new");
        }
    }

    fn version(&self) -> Arc<dyn Similar> {
        Arc::new(self.clone())
    }
}

impl Similar for Standing {
    fn nearest(&self, _session: SessionId, _count: usize) -> Result<Vec<Neighbour>, Unanswered> {
        let neighbour = |one: &Fingerprint| Neighbour {
            session: one.session,
            user: one.user,
            measured_at: one.measured_at,
            cosine: one.vector.values().iter().sum(),
            certain: true,
            older_by: i64::from(one.revision),
            drifted: false,
        };
        Ok(self.0.values().map(neighbour).collect())
    }
}

fn listed(e: u32, read_at: Option<model::Micros>) -> NotificationListed {
    NotificationListed { notification: samples::notification(e), is_expired: e.is_multiple_of(3), read_at }
}

/// New results, and corrections of those before.
fn output(epoch: u64) -> Output {
    let e = epoch as u32;
    let mut output = Output {
        breathings: vec![(samples::breathing(e, 0), 1)],
        beats: (0..2).map(|i| (samples::beat(e * 2 + i), 1)).collect(),
        rhythms: vec![(samples::rhythm(e), 1)],
        measurements: vec![(samples::measurement(e, 0), 1)],
        fingerprints: vec![(samples::fingerprint(e, 0), 1)],
        calibrations: vec![(samples::calibration(e, CalibrationStatus::Needed), 1)],
        features: vec![(samples::features(e, 0), 1)],
        cartridges: vec![(samples::cartridge(e, 5), 1)],
        analyses: vec![(samples::analysis(e, 0), 1)],
        coachings: vec![(samples::coaching(e, 0), 1)],
        notifications: vec![(listed(e, None), 1)],
        records: vec![(samples::record(e, 0), 1)],
        summaries: vec![(samples::summary(e, 1), 1)],
        goals: vec![(samples::goal(e, 1), 1)],
        glucose: vec![(samples::reading(e), 1)],
        worn: vec![(samples::worn(e, 200), 1)],
        episodes: vec![(samples::episode(e, false), 1)],
        laboratory: vec![(samples::laboratory(e, 0), 1)],
        ..Output::default()
    };
    if let Some(e) = e.checked_sub(2) {
        output.measurements.extend([(samples::measurement(e, 0), -1), (samples::measurement(e, 1), 1)]);
        output.fingerprints.extend([(samples::fingerprint(e, 0), -1), (samples::fingerprint(e, 1), 1)]);
        output.analyses.extend([(samples::analysis(e, 0), -1), (samples::analysis(e, 1), 1)]);
        output.coachings.extend([(samples::coaching(e, 0), -1), (samples::coaching(e, 1), 1)]);
        output.records.extend([(samples::record(e, 0), -1), (samples::record(e, 1), 1)]);
        output.notifications.extend([(listed(e, None), -1), (listed(e, Some(samples::START)), 1)]);
        output.summaries.extend([(samples::summary(e, 1), -1), (samples::summary(e, 2), 1)]);
        output.goals.extend([(samples::goal(e, 1), -1), (samples::goal(e, 2), 1)]);
        output.worn.extend([(samples::worn(e, 200), -1), (samples::worn(e, 201), 1)]);
        output.episodes.extend([(samples::episode(e, false), -1), (samples::episode(e, true), 1)]);
        output.laboratory.extend([(samples::laboratory(e, 0), -1), (samples::laboratory(e, 1), 1)]);
        output.features.extend([(samples::features(e, 0), -1), (samples::features(e, 1), 1)]);
        output.beats.push((samples::beat(e * 2), -1));
        let (needed, valid) = (CalibrationStatus::Needed, CalibrationStatus::Valid);
        let calibration = |status, difference| (samples::calibration(e, status), difference);
        output.calibrations.extend([calibration(needed, -1), calibration(valid, 1)]);
        output.cartridges.extend([(samples::cartridge(e, 5), -1), (samples::cartridge(e, 0), 1)]);
    }
    Output::merge([output])
}

/// Sessions and revisions that are known.
fn known(rig: &Rig) -> Vec<(SessionId, i64)> {
    let similar = Arc::clone(&rig.shelf.take().similar);
    let found = similar.nearest(SessionId::derive(&["any"]), 1).unwrap();
    found.iter().map(|one| (one.session, one.older_by)).collect()
}

fn due(epochs: u32) -> Vec<(SessionId, i64)> {
    let all = (0..epochs).map(|e| (samples::fingerprint(e, 0).session, i64::from(e + 2 < epochs)));
    all.collect::<BTreeMap<_, _>>().into_iter().collect()
}

#[test]
fn results_of_signals_and_cartridges_are_kept_and_found_again_by_every_start() {
    let rig = Rig::new();
    for epoch in 0..12_u64 {
        // A start now and then, most of them with rows that are not in the lake yet.
        let (mut committer, bindings) = rig.open_with(&rig.options()).unwrap();
        for binding in &bindings {
            committer.replay(binding, &output(binding.epoch)).unwrap();
        }
        committer.ready();
        assert_eq!(known(&rig), due(epoch as u32));
        committer.commit(binding(epoch), &output(epoch)).unwrap();
        assert_eq!(known(&rig), due(epoch as u32 + 1));
    }
    let rows = rig.rows();
    let signals = ["breathings", "beats", "rhythms"].map(|table| rows[table].len());
    assert_eq!(signals, [12, 24 - 10, 12]);
    let tables = [
        "measurements",
        "fingerprints",
        "calibrations",
        "cartridges",
        "features",
        "analyses",
        "coachings",
        "notifications",
        "health_records",
        "daily_summaries",
        "goals",
        "glucose_readings",
        "glucose_windows",
        "glucose_episodes",
        "laboratory_results",
    ];
    assert_eq!(tables.map(|table| rows[table].len()), [12; 15]);
}
