//! What a session's packets show of it, counted as they are handed on in order: its beginning, its steps, its end.
//!
//! A session is told when it begins, whenever its own time has passed another [`STEP`], when its numbers begin anew, when
//! it goes on after an end, and when it ends; never with every packet, because each telling replaces a row.
//!
//! # Invariants
//! - What is told is a function of the session's packets and of when it fell silent, not of epochs: a step is told as it
//!   was at the packet that completed it, and a packet that comes late is added to the steps after its place.
//! - Revisions count what packets changed, whether or not it was told in between.

mod mark;
#[cfg(test)]
mod tests;

use crate::{
    cartridge::registry,
    sequence::{Ending, Sequencer, clock::Placed},
};
use mark::Mark;
use model::{
    Arrival, EndStatus, Micros, Packet, SessionBeginning, SessionEnd, SessionId, SessionStream, Signal,
    Streamed, UserId, time::SECOND,
};
use serde::{Deserialize, Serialize};

/// Session time between two tellings: a hundred thousand sessions change ten thousand rows a second (our own).
const STEP: Micros = 10 * SECOND;
/// The same for cartridges, most of which measure for 15 s: coarser would hardly show progress (our own).
const CARTRIDGE_STEP: Micros = 2 * SECOND;

/// The course of a session; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    /// Whether the session was under way before its course was counted.
    uncounted: bool,
    /// Present once samples came.
    running: Option<Box<Running>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Running {
    session: SessionId,
    user: UserId,
    device: Option<Box<str>>,
    beginning: Option<SessionBeginning>,
    /// Index of the row that named the cartridge.
    named: Option<i64>,
    /// Index and time of the first sample that was counted.
    first: (i64, Micros),
    step: Micros,
    /// Everything so far.
    newest: Mark,
    /// As of the last step.
    mark: Mark,
    ended: Option<Ended>,
    /// Ends so far, and what changed them.
    ends: u32,
    resumed: u32,
    /// Whether something may differ from what was told.
    changed: bool,
    told: Option<Streamed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    at: Micros,
    status: EndStatus,
    revision: u32,
}

impl Course {
    /// Of a session that has placed samples nobody counted, if `begun`.
    pub(super) fn uncounted(begun: bool) -> Self {
        Self { uncounted: begun, running: None }
    }

    /// Takes the next packet in order; `short_us` is how far into a session its cartridge is named.
    pub(super) fn next(&mut self, placed: &Placed, sequence: i64, short_us: Micros) {
        let Arrival::Samples { samples, .. } = placed.packet.arrival else { return };
        let mark = Mark::of(placed, samples, sequence);
        let Some(running) = &mut self.running else {
            let mut running = Running::begin(placed, mark, !self.uncounted);
            running.hear(placed, short_us);
            self.running = Some(Box::new(running));
            return;
        };
        running.hear(placed, short_us);
        running.go_on(mark);
    }

    /// Takes a packet of a gap.
    pub(super) fn late(&mut self, placed: &Placed, sequence: i64, short_us: Micros) {
        let Arrival::Samples { samples, .. } = placed.packet.arrival else { return };
        if let Some(running) = &mut self.running {
            running.hear(placed, short_us);
            running.heal(&Mark::of(placed, samples, sequence));
        }
    }

    /// The session ended.
    pub(super) fn end(&mut self, ending: Ending) {
        let Some(running) = &mut self.running else { return };
        let status = match ending {
            Ending::Said => EndStatus::Completed,
            Ending::Silent => EndStatus::Timeout,
        };
        let at = running.newest.until;
        if running.ended.as_ref().is_some_and(|ended| (ended.at, ended.status) == (at, status)) {
            return;
        }
        running.ended = Some(Ended { at, status, revision: running.ends });
        running.ends += 1;
        running.mark = running.newest;
        running.changed = true;
    }

    /// What was told and what holds now, if they differ.
    pub(super) fn tell(
        &mut self,
        sequencer: &Sequencer,
        silent: bool,
    ) -> Option<(Option<Streamed>, Streamed)> {
        let running = self.running.as_mut()?;
        let turned = running.told.as_ref().is_some_and(|told| told.silent != silent);
        if !std::mem::take(&mut running.changed) && !turned {
            return None;
        }
        let mut now = running.streamed(sequencer, silent);
        if running.told.as_ref() == Some(&now) {
            return None;
        }
        now.told += 1;
        Some((running.told.replace(now.clone()), now))
    }
}

impl Running {
    fn begin(placed: &Placed, mark: Mark, is_first: bool) -> Self {
        let Placed { packet, index, at, .. } = placed;
        let Packet { session, user, signal, .. } = *packet;
        let beginning = SessionBeginning {
            session,
            at: *at,
            revision: 0,
            user,
            device: packet.device.clone(),
            signal,
            sequence: mark.sequence,
            cartridge: None,
            seconds: None,
            packets: packet.origin.into(),
        };
        Self {
            session,
            user,
            device: packet.device.clone(),
            beginning: is_first.then_some(beginning),
            named: None,
            first: (*index, *at),
            step: if signal == Signal::Channels { CARTRIDGE_STEP } else { STEP },
            newest: mark,
            mark,
            ended: None,
            ends: 0,
            resumed: 0,
            changed: true,
            told: None,
        }
    }

    /// Takes note of the cartridge that a packet names, unless an earlier row named it.
    fn hear(&mut self, placed: &Placed, short_us: Micros) {
        let Some(tag) = placed.packet.cartridge.as_ref().and_then(|said| said.tag.as_ref()) else { return };
        let Some(beginning) = &mut self.beginning else { return };
        // As far as the chain of the cartridge listens.
        let short = (short_us as f64 / f64::from(placed.packet.period_us)).round().max(1.0) as i64;
        let index = placed.index;
        if index - self.first.0 > short || self.named.is_some_and(|named| named <= index) {
            return;
        }
        let known = registry::profile(tag.kind).seconds;
        let seconds = if tag.seconds > 0 { u16::from(tag.seconds) } else { known };
        let said = (tag.kind, Some(seconds).filter(|seconds| *seconds > 0));
        if (beginning.cartridge, beginning.seconds) != said {
            // What the first packet says is no change.
            beginning.revision += u32::from(index != self.first.0);
            (beginning.cartridge, beginning.seconds) = said;
            self.changed = true;
        }
        self.named = Some(index);
    }

    /// Goes on by the one packet of `mark`.
    fn go_on(&mut self, mark: Mark) {
        let Self { first: (_, from), step, .. } = *self;
        let steps = |until: Micros| until.saturating_sub(from) / step;
        let anew = mark.sequence <= self.newest.sequence;
        let (packets, before) = (self.newest.packets + 1, Some(self.newest.span()));
        self.newest = Mark { packets, before, ..mark };
        let ended = self.ended.take();
        self.resumed += u32::from(ended.is_some());
        let since = if let Some(Ended { at, .. }) = ended {
            at.saturating_add(1)
        } else if anew {
            Micros::MAX
        } else if steps(self.newest.until) > steps(self.mark.until) {
            from.saturating_add(steps(self.newest.until).saturating_mul(step))
        } else {
            return;
        };
        self.mark = Mark { since, ..self.newest };
        self.changed = true;
    }

    /// Counts a packet that came late where it belongs.
    fn heal(&mut self, late: &Mark) {
        for mark in [&mut self.newest, &mut self.mark] {
            if late.index <= mark.index {
                mark.heal(late);
                self.changed = true;
            }
        }
        if let Some(ended) = &mut self.ended {
            ended.revision = self.ends;
            self.ends += 1;
        }
    }

    fn streamed(&self, sequencer: &Sequencer, silent: bool) -> Streamed {
        let Mark { packets, sequence, until, .. } = self.mark;
        let span = self.mark.span();
        let from = self.beginning.as_ref().map(|beginning| beginning.at);
        let seconds = self.beginning.as_ref().and_then(|beginning| beginning.seconds);
        let progress_percent = seconds.map(|seconds| {
            let passed = until.saturating_sub(self.first.1).max(0).saturating_mul(100);
            (passed / (Micros::from(seconds) * SECOND)).min(100) as u8
        });
        let stream = SessionStream {
            from,
            until,
            packets,
            last_sequence: sequencer.complete(sequence, until),
            progress_percent,
            resumed: self.resumed,
            span,
        };
        let end = self.ended.as_ref().map(|ended| SessionEnd {
            session: self.session,
            at: ended.at,
            revision: ended.revision,
            user: self.user,
            device: self.device.clone(),
            status: ended.status,
            from,
            packets,
            progress_percent,
            resumed: self.resumed,
            span,
        });
        Streamed {
            told: self.told.as_ref().map_or(0, |told| told.told),
            session: self.session,
            user: self.user,
            device: self.device.clone(),
            beginning: self.beginning.clone(),
            stream,
            end,
            silent,
        }
    }
}
