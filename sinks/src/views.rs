//! All tables as readers see them: the files of the lake, and what changed since they were written.
//!
//! # Invariants
//! - Readers get all tables of one committed epoch in one swap of the shelf.
//! - Live rows and the rows of the files, without the hidden ones, are the rows that stand; none twice.

use crate::{Binding, Error, Output, lake::Lake};
use arrow::array::{Array, AsArray, RecordBatch};
use model::{
    Alert, Analysis, Beat, Breathing, CartridgeSupply, Coaching, DailySummary, DeviceCalibration, Fault,
    FeatureWindow, Fingerprint, GlucoseEpisode, GlucoseReading, GlucoseWindow, GoalProgress, HealthRecord,
    LaboratoryResult, Measurement, NotificationListed, PulseWindow, Rhythm, Session, Unread, Vitals,
    similar::{Follows, Nothing, Similar},
    table::Row,
    view::{LakeFile, RowId, Snapshot, TableView},
};
use std::sync::Arc;

mod cut;
mod rows;

pub(crate) use cut::Cut;
pub(crate) use rows::Rows;

/// Number of tables.
const TABLES: usize = 24;

/// Every table, and which fingerprints are alike.
#[derive(Debug)]
pub(crate) struct Views {
    similar: Box<dyn Follows>,
    /// What it is now: the same for every epoch that changes no fingerprint.
    alike: Arc<dyn Similar>,
    rows: [Rows; TABLES],
    files: [Arc<Vec<LakeFile>>; TABLES],
}

impl Views {
    /// The tables as `lake` holds them.
    pub(crate) fn new(lake: &Lake) -> Self {
        let rows = [
            Rows::new(PulseWindow::table()),
            Rows::new(Vitals::table()),
            Rows::new(Session::table()),
            Rows::new(Alert::table()),
            Rows::new(Fault::table()),
            Rows::new(Breathing::table()),
            Rows::new(Beat::table()),
            Rows::new(Rhythm::table()),
            Rows::new(Measurement::table()),
            Rows::new(Fingerprint::table()),
            Rows::new(DeviceCalibration::table()),
            Rows::new(CartridgeSupply::table()),
            Rows::new(FeatureWindow::table()),
            Rows::new(Analysis::table()),
            Rows::new(Coaching::table()),
            Rows::new(NotificationListed::table()),
            Rows::new(Unread::table()),
            Rows::new(HealthRecord::table()),
            Rows::new(DailySummary::table()),
            Rows::new(GoalProgress::table()),
            Rows::new(GlucoseReading::table()),
            Rows::new(GlucoseWindow::table()),
            Rows::new(GlucoseEpisode::table()),
            Rows::new(LaboratoryResult::table()),
        ];
        let mut views =
            Self { rows, files: Default::default(), similar: Box::new(Nothing), alike: Arc::new(Nothing) };
        views.load_files(lake);
        views
    }

    /// The same, with `similar` told of every fingerprint the lake holds, and of every change from now on.
    pub(crate) fn followed_by(self, mut similar: Box<dyn Follows>, lake: &Lake) -> Result<Self, Error> {
        lake.tell_fingerprints(&mut *similar)?;
        Ok(Self { alike: similar.version(), similar, ..self })
    }

    /// Takes the changes of one more epoch.
    pub(crate) fn apply(&mut self, output: &Output) -> Result<(), Error> {
        let [
            windows,
            vitals,
            sessions,
            alerts,
            dead_letters,
            breathings,
            beats,
            rhythms,
            measurements,
            fingerprints,
            calibrations,
            cartridges,
            features,
            analyses,
            coachings,
            notifications,
            unread,
            records,
            summaries,
            goals,
            glucose,
            worn,
            episodes,
            laboratory,
        ] = &mut self.rows;
        windows.apply(&output.windows)?;
        vitals.apply(&output.vitals)?;
        sessions.apply(&output.sessions)?;
        alerts.apply(&output.alerts)?;
        dead_letters.apply(&output.faults)?;
        breathings.apply(&output.breathings)?;
        beats.apply(&output.beats)?;
        rhythms.apply(&output.rhythms)?;
        measurements.apply(&output.measurements)?;
        fingerprints.apply(&output.fingerprints)?;
        calibrations.apply(&output.calibrations)?;
        cartridges.apply(&output.cartridges)?;
        features.apply(&output.features)?;
        analyses.apply(&output.analyses)?;
        coachings.apply(&output.coachings)?;
        notifications.apply(&output.notifications)?;
        unread.apply(&output.unread)?;
        records.apply(&output.records)?;
        summaries.apply(&output.summaries)?;
        goals.apply(&output.goals)?;
        glucose.apply(&output.glucose)?;
        worn.apply(&output.worn)?;
        episodes.apply(&output.episodes)?;
        laboratory.apply(&output.laboratory)?;
        if !output.fingerprints.is_empty() {
            self.similar.apply(&output.fingerprints);
            self.alike = self.similar.version();
        }
        Ok(())
    }

    /// What a flush is to write now of every table; one that was under way is given up.
    pub(crate) fn cut(&mut self) -> Vec<Cut> {
        self.rows.iter_mut().map(Rows::cut).collect()
    }

    /// Whether a flush is under way.
    pub(crate) fn is_cut(&self) -> bool {
        self.rows.iter().any(Rows::is_cut)
    }

    /// The flush under way came to nothing.
    pub(crate) fn give_up(&mut self) {
        self.rows.iter_mut().for_each(Rows::give_up);
    }

    /// Changes that wait for the lake: rows to add and rows to remove.
    pub(crate) fn pending(&self) -> usize {
        self.rows.iter().map(Rows::pending).sum()
    }

    /// Memory of the live rows, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.iter().map(Rows::bytes).sum()
    }

    /// The lake holds what was cut.
    pub(crate) fn flushed(&mut self, lake: &Lake) {
        self.rows.iter_mut().for_each(Rows::flushed);
        self.load_files(lake);
    }

    fn load_files(&mut self, lake: &Lake) {
        for (files, rows) in self.files.iter_mut().zip(&self.rows) {
            *files = Arc::new(lake.files(rows.table().name));
        }
    }

    /// What readers get once the epoch of `binding` is committed.
    pub(crate) fn snapshot(&self, binding: Option<&Binding>) -> Snapshot {
        let view = |(rows, files): (&Rows, &Arc<Vec<LakeFile>>)| {
            let (live, hidden) = (rows.live().to_vec(), rows.hidden());
            (rows.table().name, TableView { live, hidden, files: Arc::clone(files) })
        };
        Snapshot {
            as_of_epoch: binding.map(|binding| binding.epoch),
            tables: self.rows.iter().zip(&self.files).map(view).collect(),
            progress: binding.map(Binding::progress).unwrap_or_default(),
            similar: Arc::clone(&self.alike),
            ..Snapshot::default()
        }
    }
}

/// The identities of the rows of `batch`, whose first column they are.
pub(crate) fn identities(batch: &RecordBatch) -> Vec<RowId> {
    let ids = batch.column(0).as_fixed_size_binary();
    (0..ids.len()).map(|row| ids.value(row).try_into().expect("a row id has 16 bytes")).collect()
}

#[cfg(test)]
mod tests;
