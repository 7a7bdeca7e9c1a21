//! What is read off the samples of one electrocardiogram: its beats, pane by pane, and the windows they make.
//!
//! A pane holds the beats that the detector reported while it read the pane, and the detector's memory at its start; the
//! tip is the memory where it stands. Where the R wave of a beat is, may be the pane before.
//!
//! # Invariants
//! - Every beat that a pane holds has left; those in doubt have left and are taken back unless they are found again.

use super::{instants::Instants, plan::Plan};
use crate::{
    signals::Rows,
    wave::{grid::Grid, line::Line, pane::Content, rounded, slots::Stretch, windows::Windows},
};
use dsp::hrv::{Estimate, Powers};
use model::{Beat, Micros, Origin, Packet, Rhythm, SessionId, UserId};
use serde::{Deserialize, Serialize};

/// Milliseconds of an interval in microseconds, and of a minute.
const MICROS_PER_MS: f64 = 1e3;
const MS_PER_MINUTE: f64 = 60_000.0;

/// The detector's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Memory {
    numbers: Vec<f64>,
    /// Whether samples are missing between the last beat and the next.
    gap: bool,
}

/// A beat that was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Found {
    at: Micros,
    overdue: bool,
    /// Whether nothing is missing since the beat before.
    joined: bool,
}

/// What a pane remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Heart {
    /// At its start; absent where the detector begins with it, or where nothing changes any more.
    start: Option<Memory>,
    beats: Vec<Found>,
}

/// Beats and windows of one session; plain data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reading {
    session: SessionId,
    user: UserId,
    origin: Origin,
    pub(super) instants: Instants,
    /// The detector's memory, and the next slot it will read; absent before it begins.
    tip: Option<(Memory, i64)>,
    /// Slot of the sample that the detector counts as its first.
    zero: i64,
    /// Beats of panes that have to be read again.
    doubted: Vec<Found>,
    windows: Windows<Rhythm>,
}

impl Reading {
    pub(super) fn new(packet: &Packet) -> Self {
        Self {
            session: packet.session,
            user: packet.user,
            origin: packet.origin,
            instants: Instants::default(),
            tip: None,
            zero: 0,
            doubted: Vec::new(),
            windows: Windows::new(),
        }
    }

    /// The session begins; `first` is the first pane of which no sample can have been missed.
    pub(super) fn begin(&mut self, user: UserId, first: i64) {
        self.user = user;
        self.windows.begin(first);
    }

    /// Notes that a late packet changed `line` from slot `changed` on, in the pane at position `pane`.
    pub(super) fn late(&mut self, line: &mut Line<Heart>, changed: i64, pane: usize) {
        self.windows.late(line.panes[pane].number);
        if self.tip.as_ref().is_none_or(|(_, next)| *next <= changed) {
            return;
        }
        line.clean = pane;
        for pane in line.panes.range_mut(pane..) {
            (pane.real, pane.imputed) = (0, 0);
            self.doubted.append(&mut pane.memory.beats);
        }
        let pane = &line.panes[pane];
        self.tip = pane.memory.start.clone().map(|memory| (memory, pane.slot));
    }

    /// Reads all slots that were not read, and sends what became of the beats.
    pub(super) fn read(&mut self, line: &mut Line<Heart>, plan: &mut Plan, out: &mut Rows) {
        let Some(newest) = line.panes.len().checked_sub(1) else { return };
        let mut next = self.wake(line.panes[line.clean].slot, plan);
        let mut gap = self.tip.as_ref().is_none_or(|(memory, _)| memory.gap);
        let mut found = Vec::new();
        for position in line.clean..=newest {
            let until = line.panes.get(position + 1).map_or(line.slots.next(), |pane| pane.slot);
            let known = line.panes[position].memory.beats.len();
            self.read_pane(&mut next, until, position, line, &mut gap, plan);
            found.extend_from_slice(&line.panes[position].memory.beats[known..]);
            if let Some(pane) = line.panes.get_mut(position + 1) {
                pane.memory.start = Some(save(plan, gap));
            }
        }
        line.clean = newest;
        self.tip = Some((save(plan, gap), next));
        self.send(found, out);
    }

    /// Puts the plan's detector where it stood; gives the next slot. One that has yet to begin begins with `slot`.
    fn wake(&mut self, slot: i64, plan: &mut Plan) -> i64 {
        if let Some((memory, next)) = &self.tip
            && plan.detector.restore(&memory.numbers).is_ok()
        {
            return *next;
        }
        // Not `restart`, which leaves in the filter what another session left there: what is exported must not depend on it.
        if plan.detector.restore(&plan.blank).is_err() {
            plan.detector.restart();
        }
        self.zero = slot;
        slot
    }

    /// Reads slots of the pane at `position`.
    fn read_pane(
        &mut self,
        next: &mut i64,
        until: i64,
        position: usize,
        line: &mut Line<Heart>,
        gap: &mut bool,
        plan: &mut Plan,
    ) {
        let Plan { detector, samples, beats, .. } = plan;
        let pane = &mut line.panes[position];
        while let Some(stretch) = line.slots.stretch(*next, until) {
            match stretch {
                Stretch::Missing(count) => {
                    detector.skip(count as u64);
                    *gap = true;
                    *next += count as i64;
                }
                Stretch::Samples { first, values, imputed } => {
                    if first {
                        detector.skip(0);
                        *gap = true;
                    }
                    samples.clear();
                    samples.extend(values.iter().copied().map(f64::from));
                    beats.clear();
                    detector.process(samples, beats);
                    for beat in beats.iter() {
                        let at = self.instants.at(self.zero.saturating_add_unsigned(beat.sample));
                        let joined = !std::mem::replace(gap, false);
                        pane.memory.beats.push(Found { at, overdue: beat.overdue, joined });
                    }
                    pane.real += (values.len() - imputed) as u32;
                    pane.imputed += imputed as u32;
                    *next += values.len() as i64;
                }
            }
        }
    }

    /// Sends the beats `found`, but for those in doubt that were found again; the others in doubt are taken back.
    fn send(&mut self, found: Vec<Found>, out: &mut Rows) {
        let beat = |found: Found| Beat {
            session: self.session,
            at: found.at,
            user: self.user,
            overdue: found.overdue,
        };
        let mut doubted = std::mem::take(&mut self.doubted);
        doubted.sort_unstable();
        for found in found {
            let same = |other: &Found| (other.at, other.overdue).cmp(&(found.at, found.overdue));
            match doubted.binary_search_by(same) {
                Ok(again) => drop(doubted.remove(again)),
                Err(_) => out.beats.push((beat(found), 1)),
            }
        }
        out.beats.extend(doubted.into_iter().map(|doubted| (beat(doubted), -1)));
    }

    /// The window that leaves with pane `number` leaves, if there is one.
    pub(super) fn leave(&mut self, number: i64, line: &Line<Heart>, plan: &mut Plan, out: &mut Rows) {
        if self.windows.is_due(number, &plan.grid) {
            let row = self.row(line, number, 0, plan);
            self.windows.leave(number, row, &mut out.rhythms);
        }
    }

    /// Corrects the windows that late packets changed.
    pub(super) fn settle(&mut self, line: &Line<Heart>, plan: &mut Plan, out: &mut Rows) {
        if self.windows.is_wrong() {
            let mut windows = std::mem::replace(&mut self.windows, Windows::new());
            windows.settle(&mut out.rhythms, |number, revision| self.row(line, number, revision, plan));
            self.windows = windows;
        }
    }

    /// Forgets what nothing changes or needs any more, now that pane `number` is over.
    pub(super) fn forget(&mut self, number: i64, line: &mut Line<Heart>, grid: &Grid) {
        let kept = number + 1 - grid.kept();
        self.windows.forget(kept, grid);
        line.forget_panes(kept);
        let changeable = number + 1 - grid.open_to_change;
        for pane in line.panes.iter_mut().take_while(|pane| pane.number < changeable) {
            pane.memory.start = None;
        }
        let slot_of =
            |number: i64| line.panes.iter().find(|pane| pane.number >= number).map(|pane| pane.slot);
        let (slots, instants) = (slot_of(changeable), slot_of(changeable - grid.lag - 1));
        if let Some(slot) = slots {
            line.slots.forget(slot);
        }
        if let Some(slot) = instants {
            self.instants.forget(slot);
        }
    }

    /// Forgets the past: what follows is read as if it stood alone.
    pub(super) fn clear(&mut self) {
        self.windows.clear();
        self.tip = None;
    }

    /// The row of the window that leaves with pane `number`, unless it holds no sample.
    fn row(&self, line: &Line<Heart>, number: i64, revision: u32, plan: &mut Plan) -> Option<Rhythm> {
        let grid = plan.grid;
        let (first, last) = (grid.first_of(number), number - grid.lag);
        let content = Content::of(line.between(first, last)?.0)?;
        let (start, end) = (first * grid.pane, (last + 1) * grid.pane);
        let panes = line.panes.iter().filter(|pane| (first..=number).contains(&pane.number));
        let beats: Vec<Found> = panes
            .flat_map(|pane| &pane.memory.beats)
            .copied()
            .filter(|beat| (start..end).contains(&beat.at))
            .collect();
        let pairs = beats.windows(2).filter(|pair| pair[1].joined);
        let (intervals, estimate) =
            plan.rhythm(pairs.map(|pair| (pair[1].at - pair[0].at) as f64 / MICROS_PER_MS));
        let estimate = estimate.filter(|_| grid.is_enough(content.real, plan.expected));
        let read = |value: fn(&Estimate) -> f64| estimate.as_ref().map(value).and_then(rounded);
        let power = |value: fn(&Powers) -> f64| {
            estimate.as_ref().and_then(|estimate| estimate.powers.as_ref()).map(value).and_then(rounded)
        };
        Some(Rhythm {
            session: self.session,
            start,
            end,
            revision,
            user: self.user,
            n_expected: plan.expected,
            n_real: content.real,
            beats: beats.len() as u32,
            intervals,
            hr_bpm: read(|estimate| MS_PER_MINUTE / estimate.mean_ms),
            sdnn_ms: read(|estimate| estimate.sdnn_ms),
            rmssd_ms: read(|estimate| estimate.rmssd_ms),
            pnn50_percent: read(|estimate| estimate.pnn50_percent),
            low_ms2: power(|powers| powers.low_ms2),
            high_ms2: power(|powers| powers.high_ms2),
            packets: content.span(self.origin),
        })
    }
}

/// The memory of the plan's detector.
fn save(plan: &Plan, gap: bool) -> Memory {
    let mut numbers = Vec::new();
    plan.detector.save(&mut numbers);
    Memory { numbers, gap }
}
