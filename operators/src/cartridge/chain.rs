//! One cartridge session: ordered packets in, a measurement and its corrections out.
//!
//! A row enters the course once it lies so far behind the newest one that no late packet can reach it: the lateness, a short
//! gap, and a tenth for the clock. When the session ends, a copy of the course takes the rest. A late packet fills its slots
//! among the recent rows, and if the session has ended the rest is taken again.
//!
//! What a packet says of the cartridge counts if it is among the first 200 ms of the session: that much is certain to be known
//! before the first row enters the course.
//!
//! A window that is described leaves with the row that completes it, or when the session ends, if it lies in the rest; then
//! it stays revisable until its rows have entered the course or the session rests.
//!
//! A packet of another shape than the session's first counts as lost and is warned of.
//!
//! # Invariants
//! - A measurement is a function of its session's packets: the same whether one came in time or late.
//! - After [`Chain::rest`] a session that goes on is a new measurement, with its own beginning.
//!
//! # Bound
//! 5.7 s of rows, and the course: 0.5 MB for 88 channels with references at 50 Hz, however long the session is. It grows with
//! channels and rate.

use super::{
    Changes,
    correction::{Correction, Identity},
    course::{AMBIENT, Course},
    features::Described,
    outcome,
    plan::{Lengths, Plan},
    recent::{Mark, Recent, Row},
    registry::{self, Profile},
};
use crate::sequence::clock::Placed;
use model::{
    Arrival, Environment, FeatureWindow, Fingerprint, Measurement, Micros, Origin, Packet, SessionId, Span,
    UserId,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One session; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    session: SessionId,
    origin: Origin,
    imputed: i64,
    /// Present between the first packet and the rest.
    running: Option<Box<Running>>,
}

/// What a result says of its session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) user: UserId,
    pub(super) device: Option<Box<str>>,
    pub(super) started_at: Micros,
    /// Time just after the newest sample.
    pub(super) end: Micros,
    pub(super) revision: u32,
    pub(super) packets: Span,
    pub(super) identity: Identity,
    pub(super) battery_percent: u8,
    pub(super) self_test_failed: bool,
    /// Packets of another shape.
    pub(super) strange: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Running {
    session: Session,
    /// Index of the first row.
    first: i64,
    /// Longest hole that is interpolated, rows.
    short: u32,
    recent: Recent,
    /// Present once the first row entered the course.
    correction: Option<Correction>,
    course: Course,
    left: Left,
    /// Whether packets were appended since.
    open: bool,
    /// Late packets since.
    late: u32,
}

/// What left when the session ended; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) enum Left {
    /// Nothing: the session has not ended yet.
    #[default]
    Nothing,
    /// All that can be revised is the result. This and nothing are written as the option of a former form was.
    Result(Measurement, Option<Fingerprint>),
    /// Windows of the rest, too; at least one.
    Windows(Measurement, Option<Fingerprint>, Vec<FeatureWindow>),
}

impl Left {
    fn of(measurement: Measurement, print: Option<Fingerprint>, windows: Vec<FeatureWindow>) -> Self {
        if windows.is_empty() {
            Self::Result(measurement, print)
        } else {
            Self::Windows(measurement, print, windows)
        }
    }

    fn is_some(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Takes it back.
    fn retract(self, out: &mut Changes) {
        let (measurement, print, windows) = match self {
            Self::Nothing => return,
            Self::Result(measurement, print) => (measurement, print, Vec::new()),
            Self::Windows(measurement, print, windows) => (measurement, print, windows),
        };
        out.measurements.push((measurement, -1));
        out.fingerprints.extend(print.map(|print| (print, -1)));
        out.features.extend(windows.into_iter().map(|window| (window, -1)));
    }

    /// Gives up the window that begins at `start`: from now on it is final.
    fn settle(&mut self, start: Micros) -> Option<FeatureWindow> {
        let Self::Windows(_, _, windows) = self else { return None };
        let place = windows.iter().position(|window| window.start == start)?;
        let window = windows.remove(place);
        if windows.is_empty()
            && let Self::Windows(measurement, print, _) = std::mem::take(self)
        {
            *self = Self::Result(measurement, print);
        }
        Some(window)
    }

    /// Bytes its windows take.
    fn bytes(&self) -> usize {
        let Self::Windows(_, _, windows) = self else { return 0 };
        let values = |window: &FeatureWindow| {
            size_of::<f32>() * window.values.as_ref().map_or(0, |values| values.values().len())
        };
        windows.iter().map(|window| size_of::<FeatureWindow>() + values(window)).sum()
    }
}

/// The samples of a packet.
struct Samples<'packet> {
    channels: usize,
    count: usize,
    det: &'packet [f32],
    reference: &'packet [f32],
    environment: &'packet Environment,
}

impl<'packet> Samples<'packet> {
    /// None for an end, and for a packet whose blocks are not as long as it says.
    fn of(packet: &'packet Packet) -> Option<Self> {
        let Arrival::Samples { channels, samples, det, reference, environment } = &packet.arrival else {
            return None;
        };
        let (channels, count) = (usize::from(*channels), usize::from(*samples));
        let whole = det.len() == channels * count && (reference.is_empty() || reference.len() == det.len());
        (whole && !det.is_empty()).then_some(Self { channels, count, det, reference, environment })
    }

    fn fits(&self, course: &Course) -> bool {
        self.channels == course.channels && self.reference.is_empty() != course.referenced
    }

    /// All values of one sample, turned from channel after channel.
    fn row(&self, sample: usize) -> Vec<f32> {
        let column = |block: &'packet [f32]| block.iter().skip(sample).step_by(self.count).copied();
        let mut values = Vec::with_capacity(self.channels * 2 + AMBIENT);
        values.extend(column(self.det));
        values.extend(column(self.reference));
        let Environment { temperature_c, humidity_percent, pressure_kpa, .. } = *self.environment;
        let ambient: [f32; AMBIENT] = [temperature_c, humidity_percent, pressure_kpa];
        values.extend(ambient);
        values
    }
}

impl Chain {
    /// A chain for the session of `packet`.
    pub fn new(_plan: &Plan, packet: &Packet) -> Self {
        Self { session: packet.session, origin: packet.origin, imputed: 0, running: None }
    }

    /// Appends the next packet in order. Only windows leave before the session ends.
    pub fn append(&mut self, placed: &Placed, plan: &mut Plan, out: &mut Changes) {
        let Some(samples) = Samples::of(&placed.packet) else { return };
        let (id, origin) = (self.session, self.origin);
        let running =
            self.running.get_or_insert_with(|| Box::new(Running::begin(id, origin, placed, &samples, plan)));
        running.append(placed, &samples, plan, out);
    }

    /// Fills the slots of a late packet; [`Chain::settle`] sends the correction.
    pub fn amend(&mut self, placed: &Placed) {
        if let (Some(running), Some(samples)) = (&mut self.running, Samples::of(&placed.packet)) {
            running.amend(placed, &samples);
        }
    }

    /// Corrects the measurement of a session that has ended: once, however many late packets there were.
    pub fn settle(&mut self, plan: &mut Plan, out: &mut Changes) {
        if let Some(running) = &mut self.running
            && running.late > 0
            && !running.open
            && running.left.is_some()
        {
            running.leave(running.late, plan, out);
        }
    }

    /// The session ended: its measurement leaves, or replaces the one it left when it ended before.
    pub fn finish(&mut self, plan: &mut Plan, out: &mut Changes) {
        if let Some(running) = &mut self.running
            && running.open
        {
            let later = running.late + u32::from(running.left.is_some());
            running.leave(later, plan, out);
        }
    }

    /// Forgets the samples of a session that is over.
    pub fn rest(&mut self) {
        self.imputed += self.imputed();
        self.running = None;
    }

    /// Rows imputed since the last call, less those a late packet replaced.
    pub fn imputed(&mut self) -> i64 {
        let recent = self.running.as_mut().map_or(0, |running| running.recent.take_imputed());
        std::mem::take(&mut self.imputed) + recent
    }

    /// Bytes the session takes in memory.
    pub fn bytes(&self) -> usize {
        let Some(running) = &self.running else { return size_of::<Self>() };
        let row = |row: &Row| size_of::<Row>() + row.values.capacity() * size_of::<f32>();
        size_of::<Self>()
            + size_of::<Running>()
            + running.recent.rows().map(row).sum::<usize>()
            + running.course.bytes()
            + running.left.bytes()
    }
}

impl Running {
    fn begin(id: SessionId, origin: Origin, placed: &Placed, samples: &Samples, plan: &Plan) -> Self {
        let offset = placed.packet.origin.offset;
        Self {
            session: Session {
                id,
                user: placed.packet.user,
                device: placed.packet.device.clone(),
                started_at: placed.at,
                end: placed.at,
                revision: 0,
                packets: Span { first: offset, last: offset, ..Span::from(origin) },
                identity: Identity::default(),
                battery_percent: samples.environment.battery_percent,
                self_test_failed: false,
                strange: 0,
            },
            first: placed.index,
            short: plan.lengths.short as u32,
            recent: Recent::starting(placed.index),
            correction: None,
            course: Course::new(samples.channels, !samples.reference.is_empty(), &plan.lengths),
            left: Left::Nothing,
            open: false,
            late: 0,
        }
    }

    fn append(&mut self, placed: &Placed, samples: &Samples, plan: &mut Plan, out: &mut Changes) {
        if !self.note(placed, samples) {
            return;
        }
        let first = samples.row(0);
        if placed.index > self.recent.next() {
            self.skip(placed.index, (!placed.broken).then_some(first.as_slice()), plan, out);
        }
        let mark = if placed.broken { Mark::First } else { Mark::Real };
        self.recent.push(Row { mark, values: first });
        for sample in 1..samples.count {
            self.recent.push(Row { mark: Mark::Real, values: samples.row(sample) });
        }
        let span = (placed.period_us * samples.count as f64).round() as Micros;
        self.session.end = placed.at.saturating_add(span);
        self.open = true;
        let Lengths { keep, block, .. } = plan.lengths;
        if self.recent.len() >= keep + block {
            self.sink(self.recent.len() - keep, plan, out);
        }
    }

    fn amend(&mut self, placed: &Placed, samples: &Samples) {
        if !self.note(placed, samples) {
            return;
        }
        let rows = (0..samples.count).map(|sample| samples.row(sample));
        let filled = self.recent.amend(placed.index, rows, self.short as usize);
        if filled && self.left.is_some() {
            self.late += 1;
        }
    }

    /// Takes note of a packet; says whether its samples can be used.
    fn note(&mut self, placed: &Placed, samples: &Samples) -> bool {
        let session = &mut self.session;
        if !samples.fits(&self.course) {
            session.strange += 1;
            return false;
        }
        let offset = placed.packet.origin.offset;
        let Span { first, last, .. } = &mut session.packets;
        (*first, *last) = ((*first).min(offset), (*last).max(offset));
        session.self_test_failed |= samples.environment.self_test != 0;
        if let Some(said) = &placed.packet.cartridge
            && placed.index - self.first <= i64::from(self.short)
        {
            session.identity.hear(placed.index, said);
        }
        true
    }

    /// Makes the slots between the newest row and the one with `index`.
    fn skip(&mut self, index: i64, after: Option<&[f32]>, plan: &mut Plan, out: &mut Changes) {
        let hole = index - self.recent.next();
        let keep = plan.lengths.keep as i64;
        if hole <= keep {
            return self.recent.push_hole(hole as usize, after, self.short as usize);
        }
        // Only the end of a hole so long can still be filled.
        self.sink(self.recent.len(), plan, out);
        let correction = self.correction.get_or_insert_with(|| look_up(&self.session, &self.course));
        let found = self.course.miss(hole - keep, correction, plan);
        self.send(found, plan, out);
        self.recent.restart(index - keep);
        self.recent.push_hole(keep as usize, None, 0);
    }

    /// Lets the oldest `count` rows enter the course.
    fn sink(&mut self, count: usize, plan: &mut Plan, out: &mut Changes) {
        let correction = self.correction.get_or_insert_with(|| look_up(&self.session, &self.course));
        let found = self.course.take(self.recent.take(count).map(Cow::Owned), correction, plan);
        self.send(found, plan, out);
    }

    /// Sends windows of the course, which are final; where one left when the session ended before, in its place.
    fn send(&mut self, found: Vec<Described>, plan: &Plan, out: &mut Changes) {
        let Some(correction) = self.correction.as_ref().filter(|_| !found.is_empty()) else { return };
        // The revision that the next measurement will have, so that it only depends on packets.
        let revision = self.session.revision + if self.left.is_some() { self.late + 1 } else { 0 };
        let with = (correction, &profile(&self.session));
        for described in found {
            let window = described.row(&self.session, revision, &self.course, with, &plan.lengths);
            out.features.extend(self.left.settle(window.start).map(|before| (before, -1)));
            out.features.push((window, 1));
        }
    }

    /// Sends the measurement of all rows, `later` revisions after the one that left.
    fn leave(&mut self, later: u32, plan: &mut Plan, out: &mut Changes) {
        (self.late, self.open) = (0, false);
        self.session.revision += later;
        let correction = self.correction.clone().unwrap_or_else(|| look_up(&self.session, &self.course));
        let mut course = self.course.clone();
        let mut found = course.take(self.recent.rows().map(Cow::Borrowed), &correction, plan);
        found.extend(course.close(&correction, plan));
        let with = (&correction, &profile(&self.session));
        let (measurement, print) = outcome::read(&self.session, &course, with, plan.parts(course.channels));
        let revision = self.session.revision;
        let row = |described: Described| described.row(&self.session, revision, &course, with, &plan.lengths);
        let windows: Vec<FeatureWindow> = found.into_iter().map(row).collect();
        std::mem::take(&mut self.left).retract(out);
        out.measurements.push((measurement.clone(), 1));
        out.fingerprints.extend(print.clone().map(|print| (print, 1)));
        out.features.extend(windows.iter().cloned().map(|window| (window, 1)));
        self.left = Left::of(measurement, print, windows);
    }
}

fn profile(session: &Session) -> Profile {
    registry::profile(session.identity.tag().and_then(|tag| tag.kind))
}

fn look_up(session: &Session, course: &Course) -> Correction {
    Correction::of(&session.identity, &profile(session), session.started_at, course.channels)
}
