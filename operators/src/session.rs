//! Sessions as they stand, folded from their life-cycle events in any order.

use crate::Collection;
use model::{DomainEvent, Session, SessionId};

/// Folds life-cycle events to sessions; other events say nothing here.
///
/// The earliest start and the latest end count, so the order of arrival does not matter.
pub fn sessions(events: Collection<'_, DomainEvent>) -> Collection<'_, Session> {
    events
        .flat_map(|event| session_of(&event).map(|session| (session, event)))
        .reduce_named("Sessions", |session, events, output| {
            output.push((fold(*session, events.iter().map(|(event, _)| *event)), 1));
        })
        .map(|(_, session)| session)
}

fn session_of(event: &DomainEvent) -> Option<SessionId> {
    match event {
        DomainEvent::SessionStarted(started) => Some(started.session),
        DomainEvent::SessionEnded(ended) => Some(ended.session),
        DomainEvent::Vitals(_) => None,
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
            DomainEvent::Vitals(_) => {}
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
