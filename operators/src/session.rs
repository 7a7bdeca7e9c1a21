//! Sessions as they stand, folded from their life-cycle events in any order.
//!
//! # Why forgetting does not show
//! A session that ended is remembered for a horizon after its last event, one that did not for thirty. What
//! comes later was sent by a service that begins or ends a session again a day after it ended: it is a
//! session of its own then, though it has the same name.

use crate::{
    Collection,
    gather::{Sum, gather},
    state::Memory,
};
use model::{DomainEvent, Session, SessionId};

/// Horizons after which a session that nobody ended is forgotten.
const UNENDED: u32 = 30;

/// Folds life-cycle events to sessions; other events say nothing here.
///
/// The earliest start and the latest end count, so the order of arrival does not matter.
pub fn sessions<'scope>(
    events: Collection<'scope, DomainEvent>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Session> {
    gather::<LifeCycle>(
        events.flat_map(|event| {
            let session = session_of(&event)?;
            let heard = event.at();
            Some((session, event, heard))
        }),
        memory,
    )
}

struct LifeCycle;

impl Sum for LifeCycle {
    type Key = SessionId;
    type Fact = DomainEvent;
    type Row = Session;

    const STEP: &'static str = "sessions";
    const VERSION: u32 = 1;

    fn route(session: &SessionId) -> u64 {
        session.route()
    }

    fn row<'facts>(session: &SessionId, events: impl Iterator<Item = &'facts DomainEvent>) -> Session {
        fold(*session, events)
    }

    fn horizons(session: &Session) -> Option<u32> {
        Some(if session.ended_at.is_some() { 1 } else { UNENDED })
    }
}

fn session_of(event: &DomainEvent) -> Option<SessionId> {
    match event {
        DomainEvent::SessionStarted(started) => Some(started.session),
        DomainEvent::SessionEnded(ended) => Some(ended.session),
        DomainEvent::Vitals(_) | DomainEvent::Calibration(_) | DomainEvent::Cartridge(_) => None,
    }
}

fn fold<'a>(session: SessionId, events: impl Iterator<Item = &'a DomainEvent>) -> Session {
    let mut folded =
        Session { session, user: None, device: None, started_at: None, ended_at: None, status: None };
    for event in events {
        match event {
            DomainEvent::SessionStarted(started) => {
                if folded.started_at.is_none_or(|at| started.at < at) {
                    folded.started_at = Some(started.at);
                    folded.user = Some(started.user);
                    folded.device = Some(started.device.clone());
                }
            }
            DomainEvent::SessionEnded(ended) => {
                if folded.ended_at.is_none_or(|at| ended.at > at) {
                    folded.ended_at = Some(ended.at);
                    folded.status = Some(ended.status.clone());
                }
            }
            DomainEvent::Vitals(_) | DomainEvent::Calibration(_) | DomainEvent::Cartridge(_) => {}
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::fold;
    use model::{DomainEvent, EventId, Input, Origin, SessionEnded, SessionId, SessionStarted, UserId};

    #[test]
    fn the_order_of_events_does_not_matter() {
        let (session, user) = (SessionId::derive(&["s"]), UserId::derive(&["u"]));
        let origin = Origin { input: Input::Sessions, partition: 0, offset: 0 };
        let start = |at: i64| {
            let (event, device) = (EventId::derive(&["start", &at.to_string()]), "d".to_owned());
            DomainEvent::SessionStarted(SessionStarted { event, session, user, device, at, origin })
        };
        let event = EventId::derive(&["end"]);
        let end = DomainEvent::SessionEnded(SessionEnded {
            event,
            session,
            at: 9,
            status: "completed".into(),
            origin,
        });
        let (first, second) = (start(1), start(2));
        let forward = fold(session, [&first, &second, &end].into_iter());
        assert_eq!(forward, fold(session, [&end, &second, &first].into_iter()));
        assert_eq!((forward.started_at, forward.ended_at), (Some(1), Some(9)));
    }
}
