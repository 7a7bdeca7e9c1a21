//! Keeps the health record of each session of a cartridge: the measurement, joined with its analysis. Not a diagnosis.
//!
//! # Status
//! By the meaning of the names in FHIR R4: `preliminary` until it is verified (there is no analysis of this revision, or
//! the rules ask for another measurement), `final` as it was first completed, `amended` from its first revision on.
//!
//! # Invariants
//! - A session has one record at a time, of one revision; an analysis of another revision says nothing of it.
//! - It is a function of the measurements and analyses that stand, not of how or when they came.
//!
//! # Retractions
//! Follow both.
//!
//! # Why forgetting does not show
//! A session is remembered for as long as an analysis can be revised. One whose packets go on after it was forgotten where
//! they are read leaves two measurements: the one that rests on more samples is its record.
//!
//! # Bound
//! What the records of 30 horizons say.

use crate::{
    Collection,
    cartridge::registry,
    gather::{Sum, gather},
    session::UNENDED,
    state::Memory,
};
use model::{
    Analysis, Claimed, HealthRecord, Judged, Measurement, Micros, RecordStatus, Risk, SessionId, Span,
};
use serde::{Deserialize, Serialize};

/// A record of each session of a cartridge.
pub fn records<'scope>(
    measurements: Collection<'scope, Measurement>,
    analyses: Collection<'scope, Analysis>,
    memory: &Memory<'scope>,
) -> Collection<'scope, HealthRecord> {
    let measured = measurements.map(|measurement| {
        let (session, heard) = (measurement.session, measurement.completed_at);
        (session, Fact::Measured(measurement.n_real, Box::new(draft(measurement))), heard)
    });
    let analysed = analyses.map(|analysis| {
        let (session, heard) = (analysis.session, analysis.at);
        (session, Fact::Analysed(Box::new(Verdict::from(analysis))), heard)
    });
    gather::<Record>(measured.concat(analysed), memory).flat_map(|record| record)
}

/// What is known of a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    /// What was measured, after the number of samples it rests on: the record before anybody judged it.
    Measured(u32, Box<HealthRecord>),
    /// What the rules say.
    Analysed(Box<Verdict>),
}

/// What of an analysis stands in a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Verdict {
    at: Micros,
    revision: u32,
    packets: Span,
    biomarker: Option<String>,
    level: Option<Risk>,
    needs_retest: bool,
    claims: Vec<Claimed>,
}

impl From<Analysis> for Verdict {
    fn from(analysis: Analysis) -> Self {
        let (level, needs_retest) = (analysis.level(), analysis.needs_retest());
        let Analysis { at, revision, packets, biomarker, judged, .. } = analysis;
        let claims = judged.into_iter().filter_map(|Judged { rule, level, .. }| {
            Some(Claimed { rule: rule.id, level: level?, claim: rule.claim? })
        });
        Self { at, revision, packets, biomarker, level, needs_retest, claims: claims.collect() }
    }
}

impl Verdict {
    /// Whether it is of this draft.
    fn is_of(&self, draft: &HealthRecord) -> bool {
        (self.at, self.revision, self.packets) == (draft.at, draft.revision, draft.packets)
    }
}

/// The record of a measurement that nobody has judged.
fn draft(measurement: Measurement) -> HealthRecord {
    let Measurement { session, completed_at, started_at, user, device, cartridge, lot, revision, .. } =
        measurement;
    let Measurement { value, uncertainty, unit, confidence, calibration_status, warnings, packets, .. } =
        measurement;
    HealthRecord {
        at: completed_at,
        session,
        user,
        device,
        started_at,
        revision,
        status: RecordStatus::Preliminary,
        cartridge,
        cartridge_name: registry::profile(cartridge).name.to_owned(),
        lot,
        biomarker: None,
        value,
        uncertainty,
        unit,
        confidence,
        calibration_status,
        warnings,
        level: None,
        needs_retest: false,
        claims: Vec::new(),
        packets,
    }
}

#[derive(Clone)]
struct Record;

impl Sum for Record {
    type Key = SessionId;
    type Fact = Fact;
    /// None of what was only analysed.
    type Row = Option<HealthRecord>;

    const STEP: &'static str = "health records";
    const VERSION: u32 = 1;

    fn route(session: &SessionId) -> u64 {
        session.route()
    }

    fn row<'facts>(_session: &SessionId, facts: impl Iterator<Item = &'facts Fact>) -> Option<HealthRecord> {
        let (mut measured, mut verdicts) = (None, Vec::new());
        for fact in facts {
            match fact {
                // Facts come in order: the one with the most samples is the last, of two alike the newest.
                Fact::Measured(_, draft) => measured = Some(draft),
                Fact::Analysed(verdict) => verdicts.push(verdict),
            }
        }
        let draft = HealthRecord::clone(measured?);
        let Some(verdict) = verdicts.into_iter().find(|verdict| verdict.is_of(&draft)) else {
            return Some(draft);
        };
        let Verdict { biomarker, level, needs_retest, claims, .. } = Verdict::clone(verdict);
        let status = RecordStatus::of(draft.revision, needs_retest);
        Some(HealthRecord { status, biomarker, level, needs_retest, claims, ..draft })
    }

    /// What is revised later than that stays said.
    fn horizons(_row: &Option<HealthRecord>) -> Option<u32> {
        Some(UNENDED as u32)
    }
}

#[cfg(test)]
mod tests;
