//! What is known of the rows of a session that no late packet can change: states of filters, and running summaries.
//!
//! Rows run through the steps of signals.md §4.2 to §4.4 in blocks of any length: outliers of detectors and references
//! (a delay of five rows), difference and calibration, low-pass. A missing stretch, or a new segment, lets the waiting rows out
//! and starts outlier window and filter anew behind it; in between the course stands still.
//!
//! # Invariants
//! - A pure function of the rows: the same bits however they are cut into blocks, and so is every window described.
//! - No number is larger than [`LARGEST`]; one that would be counts as zero and is counted.
//!
//! # Bound
//! A ring of ten seconds, 192 points, and numbers that do not grow: 0.3 MB for 88 channels at 50 Hz.

use super::{
    baseline::Baseline,
    correction::{Correction, ambient},
    features::{Described, Gone},
    journal::Journal,
    plan::{Lengths, Plan, Shape, Tools},
    recent::{Mark, Row},
    ring::Ring,
    trend::Trend,
};
use dsp::{differential::Differential, ema, fingerprint, hampel};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What surrounds a device, at the end of a row: temperature, °C, relative humidity, %, air pressure, kPa.
pub(super) const AMBIENT: usize = 3;
/// Largest magnitude that is calculated with, in any unit: its square and its 32-bit float are finite.
pub(crate) const LARGEST: f64 = 1e30;

/// What is counted, in rows but for outliers and unusable values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) slots: i64,
    pub(super) real: u32,
    pub(super) imputed: u32,
    pub(super) outliers: u32,
    /// Corrected values that were too large.
    pub(super) unusable: u32,
}

/// The rows an outlier window is judged by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Window {
    samples: Vec<f32>,
    imputed: Vec<bool>,
}

/// Exponential averages of one channel's increments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Transient {
    last: Option<f64>,
    averages: [f64; ema::AVERAGES],
    pub(super) most: [f64; ema::AVERAGES],
    pub(super) least: [f64; ema::AVERAGES],
}

/// The settled part of a session; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) channels: usize,
    pub(super) referenced: bool,
    /// Rows in the outlier windows that were not judged yet, with temperature and humidity.
    waiting: VecDeque<(Mark, [f32; AMBIENT])>,
    detection: Window,
    reference: Window,
    /// Whether the low-pass begins with the next row.
    fresh: bool,
    low_pass: Vec<f64>,
    pub(super) transients: Vec<Transient>,
    pub(super) ring: Ring,
    pub(super) baseline: Baseline,
    pub(super) trend: Trend,
    pub(super) journal: Journal,
    /// Power from 1 to 10 Hz of each channel, summed over segments.
    pub(super) power: Vec<f64>,
    pub(super) segments: u32,
    /// Sums of the references over real and imputed rows.
    pub(super) references: Vec<f64>,
    pub(super) counts: Counts,
    /// Lowest and highest temperature, °C.
    pub(super) celsius: Option<(f32, f32)>,
    pub(super) last_ambient: [f32; AMBIENT],
    /// Sums of what surrounded the rows that arrived.
    ambient: [f64; AMBIENT],
    described: Gone,
}

/// What a course is taken on with.
struct Desk<'plan> {
    lengths: &'plan Lengths,
    tools: &'plan mut Tools,
    shape: &'plan mut Shape,
    differential: Differential,
    /// Windows that became complete.
    found: Vec<Described>,
}

/// A row that was judged: what stands in it, what surrounded it, and how many of its values were too large.
struct Judged {
    mark: Mark,
    ambient: [f32; AMBIENT],
    unusable: u32,
}

impl<'plan> Desk<'plan> {
    fn new(channels: usize, correction: &Correction, plan: &'plan mut Plan) -> Self {
        let (lengths, tools, shape) = plan.parts(channels);
        Self { lengths, tools, shape, differential: correction.differential(), found: Vec::new() }
    }
}

impl Course {
    pub(super) fn new(channels: usize, referenced: bool, lengths: &Lengths) -> Self {
        Self {
            channels,
            referenced,
            waiting: VecDeque::new(),
            detection: Window::default(),
            reference: Window::default(),
            fresh: true,
            low_pass: Vec::new(),
            transients: vec![Transient::default(); channels],
            ring: Ring::new(channels, lengths.ring),
            baseline: Baseline::new(channels),
            trend: Trend::new(channels, lengths.point),
            journal: Journal::default(),
            power: vec![0.0; channels],
            segments: 0,
            references: vec![0.0; channels],
            counts: Counts::default(),
            celsius: None,
            last_ambient: [0.0; AMBIENT],
            ambient: [0.0; AMBIENT],
            described: Gone,
        }
    }

    /// The means of what surrounded the rows that arrived.
    pub(super) fn surroundings(&self) -> [Option<f64>; AMBIENT] {
        let real = f64::from(self.counts.real);
        self.ambient.map(|sum| (real > 0.0).then(|| sum / real))
    }

    /// Takes the next rows; gives the windows that became complete with them.
    pub(super) fn take<'row>(
        &mut self,
        rows: impl Iterator<Item = std::borrow::Cow<'row, Row>>,
        correction: &Correction,
        plan: &mut Plan,
    ) -> Vec<Described> {
        let mut desk = Desk::new(self.channels, correction, plan);
        self.load(desk.shape);
        for row in rows {
            match row.mark {
                Mark::Missing => self.pass_over(1, &mut desk),
                Mark::First => {
                    self.interrupt(&mut desk);
                    self.push(&row, desk.shape);
                }
                Mark::Real | Mark::Imputed => self.push(&row, desk.shape),
            }
        }
        self.run(&mut desk);
        self.save(desk.shape);
        desk.found
    }

    /// Passes over `count` missing rows.
    pub(super) fn miss(&mut self, count: i64, correction: &Correction, plan: &mut Plan) -> Vec<Described> {
        let mut desk = Desk::new(self.channels, correction, plan);
        self.load(desk.shape);
        self.pass_over(count, &mut desk);
        self.save(desk.shape);
        desk.found
    }

    /// Lets the waiting rows out: nothing follows.
    pub(super) fn close(&mut self, correction: &Correction, plan: &mut Plan) -> Vec<Described> {
        let found = self.miss(0, correction, plan);
        if self.baseline.is_open() {
            let (_, _, shape) = plan.parts(self.channels);
            self.baseline.close(&self.ring, &mut shape.columns);
        }
        found
    }

    /// Bytes it takes, its own and on the heap.
    pub(super) fn bytes(&self) -> usize {
        let numbers = self.low_pass.len() + self.power.len() + self.references.len();
        let samples = self.detection.samples.len() + self.reference.samples.len();
        let rows = self.ring.len() * (self.channels * size_of::<f32>() + size_of::<Mark>());
        size_of::<Self>()
            + numbers * size_of::<f64>()
            + samples * size_of::<f32>()
            + rows
            + super::trend::MOST_POINTS * self.channels * size_of::<f32>()
            + self.channels * (size_of::<Transient>() + 8 * size_of::<f64>())
    }

    fn load(&mut self, shape: &mut Shape) {
        let fits = "the bank was planned for these channels, and saved the rows itself";
        for (bank, window) in
            [(&mut shape.detection, &mut self.detection), (&mut shape.reference, &mut self.reference)]
        {
            let state = hampel::State {
                samples: std::mem::take(&mut window.samples),
                imputed: std::mem::take(&mut window.imputed),
            };
            bank.restore(&state).expect(fits);
            (window.samples, window.imputed) = (state.samples, state.imputed);
        }
        shape.detection_rows.clear();
        shape.reference_rows.clear();
    }

    fn save(&mut self, shape: &Shape) {
        for (bank, window) in
            [(&shape.detection, &mut self.detection), (&shape.reference, &mut self.reference)]
        {
            let mut state = hampel::State {
                samples: std::mem::take(&mut window.samples),
                imputed: std::mem::take(&mut window.imputed),
            };
            bank.save(&mut state);
            (window.samples, window.imputed) = (state.samples, state.imputed);
        }
    }

    /// Puts a row into the outlier windows, and judges the one five rows before.
    fn push(&mut self, row: &Row, shape: &mut Shape) {
        let imputed = row.mark == Mark::Imputed;
        let (samples, ambient) = row.values.split_last_chunk().expect("a row ends with what surrounded it");
        let (detection, reference) = samples.split_at(self.channels);
        self.waiting.push_back((row.mark, *ambient));
        if let Some(judged) = shape.detection.push(detection, imputed) {
            self.counts.outliers += note(judged, &mut shape.detection_rows);
        }
        if self.referenced
            && let Some(judged) = shape.reference.push(reference, imputed)
        {
            self.counts.outliers += note(judged, &mut shape.reference_rows);
        }
    }

    /// Ends a segment.
    fn interrupt(&mut self, desk: &mut Desk) {
        let outliers = &mut self.counts.outliers;
        let Shape { detection, reference, detection_rows, reference_rows, .. } = &mut *desk.shape;
        detection.finish(|row| *outliers += note(row, detection_rows));
        reference.finish(|row| *outliers += note(row, reference_rows));
        self.run(desk);
        self.fresh = true;
    }

    fn pass_over(&mut self, count: i64, desk: &mut Desk) {
        self.interrupt(desk);
        // Beyond these nothing that is kept changes any more.
        let walked = count.min(2 * desk.lengths.ring as i64 + desk.lengths.baseline);
        for _ in 0..walked {
            self.advance(None, Mark::Missing, desk);
        }
        self.counts.slots += count - walked;
    }

    /// Corrects and filters the rows that were judged.
    fn run(&mut self, desk: &mut Desk) {
        let channels = self.channels;
        let rows = desk.shape.detection_rows.len() / channels;
        if rows == 0 {
            return;
        }
        if !self.referenced {
            desk.shape.reference_rows.resize(rows * channels, 0.0);
        }
        let waiting = self.waiting.drain(..rows);
        let mut judged: Vec<Judged> =
            waiting.map(|(mark, ambient)| Judged { mark, ambient, unusable: 0 }).collect();
        let mut corrected = std::mem::take(&mut desk.shape.corrected);
        corrected.resize(rows * channels, 0.0);
        for (row, (values, judged)) in corrected.chunks_exact_mut(channels).zip(&mut judged).enumerate() {
            self.correct(row, values, judged, desk);
        }
        let mut smooth = std::mem::take(&mut desk.shape.smooth);
        smooth.clone_from(&corrected);
        self.filter(&mut smooth, desk);
        let pairs = corrected.chunks_exact(channels).zip(smooth.chunks_exact(channels));
        for (pair, judged) in pairs.zip(&judged) {
            if judged.mark.is_real() {
                let celsius = judged.ambient[0];
                let (low, high) = self.celsius.unwrap_or((celsius, celsius));
                self.celsius = Some((low.min(celsius), high.max(celsius)));
            }
            self.counts.unusable += judged.unusable;
            self.advance(Some(pair), judged.mark, desk);
        }
        (desk.shape.corrected, desk.shape.smooth) = (corrected, smooth);
        desk.shape.detection_rows.clear();
        desk.shape.reference_rows.clear();
    }

    /// Corrects the row that is number `row` of those judged.
    fn correct(&mut self, row: usize, values: &mut [f64], judged: &mut Judged, desk: &mut Desk) {
        let slot = self.counts.slots + row as i64;
        let places = row * self.channels..(row + 1) * self.channels;
        let detection = &desk.shape.detection_rows[places.clone()];
        let reference = &desk.shape.reference_rows[places];
        desk.differential.apply(detection, reference, ambient(judged.ambient), values);
        for value in &mut *values {
            // Not a number is not less either.
            if value.abs() <= LARGEST {
                *value += 0.0;
            } else {
                *value = 0.0;
                judged.unusable += 1;
            }
        }
        let noted = if self.referenced { reference } else { &[] };
        self.journal.filtered(slot, detection, noted, &mut desk.tools.bytes);
        self.journal.corrected(slot, values, &mut desk.tools.bytes);
        for (sum, value) in self.references.iter_mut().zip(reference) {
            *sum += value;
        }
        self.last_ambient = judged.ambient;
        if judged.mark.is_real() {
            for (sum, value) in self.ambient.iter_mut().zip(judged.ambient) {
                *sum += f64::from(value);
            }
            if slot < desk.lengths.baseline {
                self.baseline.take(detection, reference);
            }
        }
    }

    /// Low-pass and transients.
    fn filter(&mut self, smooth: &mut [f64], desk: &mut Desk) {
        let low_pass = &mut desk.shape.low_pass;
        let fresh = std::mem::take(&mut self.fresh);
        if fresh {
            low_pass.settle(&smooth[..self.channels]);
        } else {
            low_pass
                .restore(&self.low_pass)
                .expect("the bank was planned for these channels, and saved it itself");
        }
        low_pass.process(smooth);
        self.low_pass.clear();
        self.low_pass.extend_from_slice(low_pass.state());
        for (channel, transient) in self.transients.iter_mut().enumerate() {
            let mut ema = desk.tools.ema;
            let Transient { last, averages, most, least } = *transient;
            ema.restore(ema::State { last: last.filter(|_| !fresh), averages, most, least });
            for value in smooth[channel..].iter().step_by(self.channels) {
                ema.step(*value);
            }
            let ema::State { last, averages, most, least } = ema.state();
            *transient = Transient { last, averages, most, least };
        }
    }

    /// Counts a row, corrected and smooth, or a missing one; reads what has become complete with it.
    fn advance(&mut self, row: Option<(&[f64], &[f64])>, mark: Mark, desk: &mut Desk) {
        let Desk { lengths, tools, shape, found, .. } = desk;
        self.ring.push(row.map(|(corrected, _)| corrected), mark);
        self.trend.push(self.counts.slots, row.map(|(_, smooth)| smooth));
        self.counts.slots += 1;
        self.counts.real += u32::from(mark.is_real());
        self.counts.imputed += u32::from(mark == Mark::Imputed);
        let (slots, segment) = (self.counts.slots, lengths.segment as i64);
        if slots == lengths.baseline {
            self.baseline.close(&self.ring, &mut shape.columns);
        }
        if slots >= segment && (slots - segment) % (segment - segment / 2) == 0 {
            self.add_power(lengths, tools, shape);
        }
        let since = slots - lengths.window as i64;
        if lengths.hop.is_some_and(|hop| since >= 0 && since % hop == 0) {
            found.extend(Described::read(self, (lengths, tools, shape)));
        }
    }

    /// Adds the power of the segment that ends here, unless a row of it is missing.
    fn add_power(&mut self, lengths: &Lengths, tools: &mut Tools, shape: &mut Shape) {
        if self.ring.marks(lengths.segment).any(|mark| mark == Mark::Missing) {
            return;
        }
        let rows = self.ring.columns(lengths.segment, &mut shape.columns);
        for (power, column) in self.power.iter_mut().zip(shape.columns.chunks_exact(rows)) {
            let step_hz = tools.welch.step_hz();
            let decibels = fingerprint::power_db(tools.welch.density(column), step_hz, lengths.rate_hz);
            *power += decibels.map_or(0.0, |decibels| 10.0_f64.powf(decibels / 10.0));
        }
        self.segments += 1;
    }
}

/// Keeps a judged row; gives how many outliers it had.
fn note(row: hampel::Row, rows: &mut Vec<f64>) -> u32 {
    rows.extend_from_slice(row.values);
    row.outliers.iter().map(|outlier| u32::from(*outlier)).sum()
}
