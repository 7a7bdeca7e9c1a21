//! The fingerprint of a session, layout 1 or raw (signals.md §4.8).
//!
//! An array of 8 gas or ion sensors fills its eight places of layout 1 and leaves the others missing. 88 channels fill as much
//! as their session was long enough for. They are normalised by what is frozen for their kind and layout ([`Normalisers`]).
//!
//! # Invariants
//! A cartridge that nobody named leaves no fingerprint: it could be compared with nothing.

use super::{
    chain::Session,
    course::Course,
    journal,
    normaliser::{self, Normalisers},
    outcome::Channels,
    plan::Lengths,
    registry::{Profile, Sensors},
};
use dsp::fingerprint::{self, LEAST_BASELINE, LEAST_POWER, Layout, Part, unit};
use model::{Fingerprint, Vector};

/// What a fingerprint is made of.
pub(super) struct Print<'session> {
    pub(super) session: &'session Session,
    pub(super) course: &'session Course,
    pub(super) profile: &'session Profile,
    pub(super) channels: &'session Channels,
    pub(super) lengths: &'session Lengths,
    pub(super) normalisers: &'session Normalisers,
}

impl Print<'_> {
    /// The fingerprint, if the cartridge is known, its channels have a layout, and anything was measured.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        let cartridge = self.session.identity.tag()?.kind?;
        let layout = self.layout().filter(|_| !self.channels.plateaus.is_empty())?;
        let dimensions = layout.dimensions();
        let mut raw = fingerprint::Fingerprint::new(layout);
        let parts: Vec<Part> = (0..self.course.channels).map(|channel| self.part(channel)).collect();
        let sensors: Vec<Option<f64>> = parts.iter().map(|part| part.steady).collect();
        match (self.course.channels, self.profile.sensors) {
            (fingerprint::SENSORS, Sensors::Gas) => raw.fill(&[], &sensors, &[]),
            (fingerprint::SENSORS, _) => raw.fill(&[], &[], &sensors),
            _ => raw.fill(&parts, &[], &[]),
        }
        let (name, normaliser) = self.normalisers.of(cartridge, layout);
        let (mut scores, mut direction) = (vec![0.0; dimensions], vec![0.0; dimensions]);
        let mask = normaliser.normalise(&raw, &mut scores).ok()?;
        unit(&scores, &mut direction).ok()?;
        let vector = Vector::finite(direction)?;
        let calibration = self.session.identity.calibration();
        Some(Fingerprint {
            session: self.session.id,
            measured_at: self.session.end,
            revision: self.session.revision,
            user: self.session.user,
            cartridge,
            layout: normaliser::name(layout),
            normaliser: name,
            calibration: calibration.map(|calibration| calibration.id.clone()),
            calibrated_until: calibration.map(|calibration| calibration.valid_until),
            mask: mask.to_bytes()[..dimensions / 8].to_vec(),
            hash: journal::hash(vector.values()),
            vector,
        })
    }

    /// The longest layout that the data fill.
    fn layout(&self) -> Option<Layout> {
        match (self.course.channels, self.profile.sensors) {
            (fingerprint::SENSORS, Sensors::Gas) => Some(Layout::Enhanced),
            (fingerprint::SENSORS, Sensors::Ions) => Some(Layout::Full),
            (fingerprint::CHANNELS, _) if self.course.segments > 0 => Some(Layout::Full),
            (fingerprint::CHANNELS, _)
                if self.course.counts.slots >= self.lengths.baseline + self.lengths.steady =>
            {
                Some(Layout::Enhanced)
            }
            (fingerprint::CHANNELS, _) => Some(Layout::Basic),
            (448, _) => Some(Layout::Raw448),
            (896, _) => Some(Layout::Raw896),
            _ => None,
        }
    }

    fn part(&self, channel: usize) -> Part {
        let baseline = self.channels.baselines[channel];
        let change = self.channels.plateaus[channel] - baseline;
        let steady = match self.profile.sensors {
            Sensors::Gas => (baseline.abs() >= LEAST_BASELINE).then(|| change / baseline),
            Sensors::Electrodes | Sensors::Ions => Some(change),
        };
        let transient = self.course.transients[channel];
        let segments = f64::from(self.course.segments);
        let power = self.course.power[channel] / segments;
        Part {
            steady,
            relative: Some(fingerprint::relative(change, baseline)),
            rises: transient.most.map(Some),
            falls: transient.least.map(Some),
            slope: Some(self.channels.slopes[channel]),
            power_db: (segments > 0.0).then(|| 10.0 * power.max(LEAST_POWER).log10()),
        }
    }
}
