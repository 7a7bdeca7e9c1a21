//! Sessions as they stand: what their life-cycle events say, in any order, and what their packets show.
//!
//! # Who wins
//! Events say what was meant, packets what was measured. Who, with which device, when it began, when and how it ended: as an
//! event says, else as packets show; of events, the earliest start and the latest end. How far the packets came stands
//! beside that, so that an end that packets contradict is seen.
//!
//! # Why forgetting does not show
//! A session that packets show is remembered for longer than [`crate::signals`] remembers it: packets that come later
//! begin a session of its own there, and so here. One that only events name is remembered for a horizon after the last
//! of them if it ended, for thirty if it did not. What comes later was sent by a service that begins or ends a session
//! again a day after it ended: it is a session of its own then, though it has the same name.

use crate::{
    Collection, Diff,
    keyed::{Keyed, by_key, replace},
    state::{Memory, Store, Stored},
};
use model::{
    DomainEvent, Micros, Session, SessionBeginning, SessionEnd, SessionEnded, SessionId, SessionStarted,
    Streamed,
};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, cmp::Reverse, collections::BTreeMap, rc::Rc};

#[cfg(test)]
mod tests;

/// Horizons after which a session that nobody ended is forgotten.
pub(crate) const UNENDED: i64 = 30;

/// Every session that events name or packets show; other events say nothing here.
///
/// `forget` is how long the signals remember a session that fell silent.
pub fn sessions<'scope>(
    events: Collection<'scope, DomainEvent>,
    streamed: Collection<'scope, (Streamed, Micros)>,
    forget: Micros,
    memory: &Memory<'scope>,
) -> Collection<'scope, Session> {
    let said = events.flat_map(|event| {
        let (session, heard) = (session_of(&event)?, event.at());
        Some((session, Fact::Said(event), heard))
    });
    let shown = streamed.map(|(streamed, heard)| (streamed.session, Fact::Shown(Box::new(streamed)), heard));
    let store = memory.states.store("sessions", route, memory.horizon);
    // The store of the signals lets go up to a sixteenth later than it says.
    let forget = forget.saturating_add(forget / 16);
    by_key(said.concat(shown), memory, "sessions", route, Standing { store, forget, horizon: memory.horizon })
}

/// That sessions began, as their packets show.
pub fn beginnings(streamed: Collection<'_, (Streamed, Micros)>) -> Collection<'_, SessionBeginning> {
    streamed.flat_map(|(streamed, _heard)| streamed.beginning)
}

/// That sessions ended, as their packets show.
pub fn ends(streamed: Collection<'_, (Streamed, Micros)>) -> Collection<'_, SessionEnd> {
    streamed.flat_map(|(streamed, _heard)| streamed.end)
}

/// What is learnt of a session; what packets show comes first, because it may begin the session anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    Shown(Box<Streamed>),
    Said(DomainEvent),
}

/// What is known of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    /// The earliest.
    started: Option<SessionStarted>,
    /// The latest.
    ended: Option<SessionEnded>,
    streamed: Option<Streamed>,
    /// When it was last heard of.
    heard: Micros,
}

/// A session as version 1 wrote it: its life-cycle events, and how often each counts.
#[derive(Debug, Serialize, Deserialize)]
struct Former {
    counts: BTreeMap<DomainEvent, Diff>,
    heard: Micros,
    stays: bool,
}

impl Stored for Known {
    // 2: with what packets show, and the events that count instead of all.
    const VERSION: u32 = 2;

    fn older(version: u32, bytes: &[u8]) -> Option<Self> {
        let read = || postcard::from_bytes::<Former>(bytes).ok();
        let Former { counts, heard, .. } = (version == 1).then(read).flatten()?;
        let mut known = Self { heard, ..Self::default() };
        let stand = counts.into_iter().filter(|(_, count)| *count > 0);
        stand.for_each(|(event, _)| known.hear(event));
        Some(known)
    }
}

fn route(session: &SessionId) -> u64 {
    session.route()
}

fn session_of(event: &DomainEvent) -> Option<SessionId> {
    match event {
        DomainEvent::SessionStarted(started) => Some(started.session),
        DomainEvent::SessionEnded(ended) => Some(ended.session),
        _ => None,
    }
}

impl Known {
    /// Takes an event.
    fn hear(&mut self, event: DomainEvent) {
        match event {
            DomainEvent::SessionStarted(new) => {
                let earlier = |old: &SessionStarted| (new.at, new.event) < (old.at, old.event);
                if self.started.as_ref().is_none_or(earlier) {
                    self.started = Some(new);
                }
            }
            DomainEvent::SessionEnded(new) => {
                let moment = |one: &SessionEnded| (one.at, Reverse(one.event));
                if self.ended.as_ref().is_none_or(|old| moment(old) < moment(&new)) {
                    self.ended = Some(new);
                }
            }
            _ => {}
        }
    }

    /// Takes what packets show; says whether it is of a session that was forgotten where packets are read.
    fn see(&mut self, streamed: Streamed) -> bool {
        let anew = self.streamed.as_ref().is_some_and(|known| streamed.told <= known.told);
        if anew {
            *self = Self { heard: self.heard, ..Self::default() };
        }
        self.streamed = Some(streamed);
        anew
    }

    fn row(&self, session: SessionId) -> Option<Session> {
        let Self { started, ended, streamed, .. } = self;
        if started.is_none() && ended.is_none() && streamed.is_none() {
            return None;
        }
        let end = streamed.as_ref().and_then(|streamed| streamed.end.as_ref());
        let beginning = streamed.as_ref().and_then(|streamed| streamed.beginning.as_ref());
        let said = started.as_ref().map(|started| started.device.clone());
        let shown = || streamed.as_ref()?.device.as_deref().map(str::to_owned);
        let user = started.as_ref().map(|started| started.user);
        let status = || end.map(|end| (end.at, end.status.name().to_owned())).unzip();
        let (ended_at, status) =
            ended.as_ref().map_or_else(status, |ended| (Some(ended.at), Some(ended.status.clone())));
        Some(Session {
            session,
            user: user.or(streamed.as_ref().map(|streamed| streamed.user)),
            device: said.or_else(shown),
            started_at: started
                .as_ref()
                .map(|started| started.at)
                .or(beginning.map(|beginning| beginning.at)),
            ended_at,
            status,
            stream: streamed.as_ref().map(|streamed| streamed.stream.clone()),
        })
    }

    /// Whether its packets still come.
    fn is_live(&self) -> bool {
        self.streamed.as_ref().is_some_and(|streamed| !streamed.silent)
    }
}

struct Standing {
    store: Rc<RefCell<Store<SessionId, Known>>>,
    forget: Micros,
    horizon: Micros,
}

impl Standing {
    /// Where a session stands in the store, one horizon of which is the store's own.
    fn dated(&self, known: &Known) -> Micros {
        let longer = match (&known.streamed, &known.ended) {
            (Some(_), _) => self.forget,
            (None, Some(_)) => 0,
            (None, None) => self.horizon.saturating_mul(UNENDED - 1),
        };
        known.heard.saturating_add(longer)
    }
}

impl Keyed<SessionId, Fact, Session> for Standing {
    fn take(
        &mut self,
        session: SessionId,
        heard: Micros,
        _watermark: Micros,
        changes: &mut Vec<(Fact, Diff)>,
        emit: impl FnMut(Session, Diff),
    ) {
        let mut store = self.store.borrow_mut();
        let mut known = store.remove(&session).unwrap_or_default();
        let mut before = known.row(session);
        known.heard = known.heard.max(heard);
        // An event that was said stays said, and what packets showed is replaced by what they show.
        for (fact, _) in changes.drain(..).filter(|(_, diff)| *diff > 0) {
            match fact {
                Fact::Said(event) => known.hear(event),
                Fact::Shown(streamed) => {
                    if known.see(*streamed) {
                        // What was said of the one before stays said.
                        before = None;
                    }
                }
            }
        }
        let after = known.row(session);
        store.insert(session, self.dated(&known), known);
        replace(before, after, emit);
    }

    fn forget(&mut self, watermark: Micros) {
        self.store.borrow_mut().expire(watermark, |_, known| known.is_live());
    }
}
