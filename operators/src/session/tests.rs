//! What events say and what packets show, together: in any order, forgotten in time, read back from version 1.

use super::{Fact, Former, Known, Standing, route};
use crate::{
    keyed::Keyed,
    state::{States, Stored},
};
use model::{
    DomainEvent, EndStatus, EventId, Input, Micros, Origin, Session, SessionBeginning, SessionEnd,
    SessionEnded, SessionId, SessionStarted, SessionStream, Signal, Span, Streamed, UserId, time::SECOND,
};
use proptest::prelude::*;

const HORIZON: Micros = 100 * SECOND;
const FORGET: Micros = 200 * SECOND;
const ORIGIN: Origin = Origin { input: Input::Sessions, partition: 0, offset: 0 };

fn session() -> SessionId {
    SessionId::derive(&["s"])
}

fn started(at: Micros, device: &str) -> Fact {
    Fact::Said(DomainEvent::SessionStarted(SessionStarted {
        event: EventId::derive(&["start", &at.to_string(), device]),
        session: session(),
        user: UserId::derive(&["said"]),
        device: device.to_owned(),
        at,
        origin: ORIGIN,
    }))
}

fn ended(at: Micros, status: &str) -> Fact {
    Fact::Said(DomainEvent::SessionEnded(SessionEnded {
        event: EventId::derive(&["end", &at.to_string(), status]),
        session: session(),
        at,
        status: status.to_owned(),
        origin: ORIGIN,
    }))
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Open,
    Ended,
    Silent,
}
use Stage::{Ended, Open, Silent};

/// Told for the time `told`, from 1 s on, as many seconds long.
fn streamed(told: u64, stage: Stage) -> Box<Streamed> {
    let (user, device, from) = (UserId::derive(&["shown"]), Some("shown".into()), Some(SECOND));
    let span = Span { input: Input::Packets, partition: 1, first: 0, last: told };
    let at = SECOND * (1 + told as Micros);
    Box::new(Streamed {
        told,
        session: session(),
        user,
        device: device.clone(),
        beginning: Some(SessionBeginning {
            session: session(),
            at: SECOND,
            revision: 0,
            user,
            device: device.clone(),
            signal: Signal::Pulse,
            sequence: 0,
            cartridge: None,
            seconds: None,
            packets: span,
        }),
        stream: SessionStream {
            from,
            until: at,
            packets: told,
            last_sequence: told as i64,
            progress_percent: None,
            resumed: 0,
            span,
        },
        end: (stage != Open).then(|| SessionEnd {
            session: session(),
            at,
            revision: 0,
            user,
            device,
            status: EndStatus::Completed,
            from,
            packets: told,
            progress_percent: None,
            resumed: 0,
            span,
        }),
        silent: stage == Silent,
    })
}

struct Desk {
    standing: Standing,
    rows: Vec<(Session, i64)>,
}

impl Desk {
    fn new() -> Self {
        let store = States::default().store("sessions", route, HORIZON);
        Self { standing: Standing { store, forget: FORGET, horizon: HORIZON }, rows: Vec::new() }
    }

    /// Takes facts in one epoch, heard `at`.
    fn take(&mut self, at: Micros, facts: impl IntoIterator<Item = Fact>) {
        let mut facts: Vec<_> = facts.into_iter().map(|fact| (fact, 1)).collect();
        facts.sort();
        let Self { standing, rows } = self;
        standing.take(session(), at, at, &mut facts, |row, diff| rows.push((row, diff)));
    }

    fn forgets(&mut self, watermark: Micros) -> bool {
        self.standing.forget(watermark);
        self.standing.store.borrow().is_empty()
    }

    /// Rows that stand.
    fn standing(&self) -> Vec<Session> {
        let mut rows = self.rows.clone();
        differential_dataflow::consolidation::consolidate(&mut rows);
        assert!(rows.iter().all(|(_, count)| *count == 1), "{rows:?}");
        rows.into_iter().map(|(row, _)| row).collect()
    }
}

#[test]
fn events_win_and_packets_fill_in() {
    let mut desk = Desk::new();
    desk.take(SECOND, [Fact::Shown(streamed(1, Open))]);
    let [open] = &desk.standing()[..] else { panic!("no row") };
    assert_eq!((open.user, open.device.as_deref()), (Some(UserId::derive(&["shown"])), Some("shown")));
    assert_eq!((open.started_at, open.ended_at, open.status.as_deref()), (Some(SECOND), None, None));
    desk.take(SECOND, [Fact::Shown(streamed(2, Ended))]);
    assert_eq!(desk.standing()[0].status.as_deref(), Some("completed"));
    desk.take(SECOND, [started(500_000, "said"), ended(9 * SECOND, "cancelled")]);
    let [row] = &desk.standing()[..] else { panic!("not one row") };
    assert_eq!((row.user, row.device.as_deref()), (Some(UserId::derive(&["said"])), Some("said")));
    assert_eq!((row.started_at, row.ended_at), (Some(500_000), Some(9 * SECOND)));
    assert_eq!(row.status.as_deref(), Some("cancelled"));
    let stream = row.stream.as_ref().unwrap();
    assert_eq!((stream.from, stream.until, stream.packets), (Some(SECOND), 3 * SECOND, 2));
    // It goes on: what the event says stands, what packets show moves.
    desk.take(SECOND, [Fact::Shown(streamed(3, Open))]);
    let [row] = &desk.standing()[..] else { panic!("not one row") };
    assert_eq!((row.ended_at, row.stream.as_ref().unwrap().packets), (Some(9 * SECOND), 3));
}

proptest! {
    #[test]
    fn neither_order_nor_epochs_show(
        order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle(), cut in 0_usize..8
    ) {
        let facts = [
            started(2 * SECOND, "second"), started(SECOND, "first"), started(SECOND, "other"),
            ended(5 * SECOND, "completed"), ended(7 * SECOND, "timeout"), ended(7 * SECOND, "cancelled"),
            Fact::Shown(streamed(4, Silent)),
        ];
        let mut straight = Desk::new();
        straight.take(SECOND, facts.clone());
        let mut desk = Desk::new();
        let (one, other) = order.split_at(cut.min(order.len()));
        desk.take(SECOND, one.iter().map(|place| facts[*place].clone()));
        desk.take(SECOND, other.iter().map(|place| facts[*place].clone()));
        prop_assert_eq!(desk.standing(), straight.standing());
        let row = &straight.standing()[0];
        prop_assert_eq!((row.started_at, row.ended_at), (Some(SECOND), Some(7 * SECOND)));
    }
}

#[test]
fn what_packets_show_is_remembered_until_the_signals_forgot_it() {
    let mut desk = Desk::new();
    desk.take(0, [Fact::Shown(streamed(1, Open))]);
    assert!(!desk.forgets(10_000 * HORIZON), "a session that streams stays");
    let silent = 10_000 * HORIZON;
    desk.take(silent, [Fact::Shown(streamed(2, Silent))]);
    assert!(!desk.forgets(silent + FORGET + HORIZON));
    assert!(desk.forgets(silent + FORGET + HORIZON + HORIZON / 8));
    assert_eq!(desk.standing().len(), 1, "what was said stays said");
    // Only events: one that ended goes after a horizon, one that did not after thirty.
    desk.take(0, [ended(SECOND, "completed")]);
    assert!(desk.forgets(HORIZON + HORIZON / 8));
    desk.take(0, [started(SECOND, "d")]);
    assert!(!desk.forgets(29 * HORIZON));
    assert!(desk.forgets(30 * HORIZON + HORIZON / 8));
}

#[test]
fn packets_that_begin_anew_begin_a_session_of_its_own() {
    let mut desk = Desk::new();
    desk.take(SECOND, [started(SECOND, "d"), Fact::Shown(streamed(9, Silent))]);
    desk.take(SECOND, [Fact::Shown(streamed(1, Open))]);
    let rows = desk.standing();
    assert_eq!(rows.len(), 2);
    let devices: Vec<_> = rows.iter().filter_map(|row| row.device.as_deref()).collect();
    assert!(devices.contains(&"d") && devices.contains(&"shown"), "{devices:?}");
}

#[test]
fn version_one_is_read_and_no_other() {
    let said = |fact: Fact| match fact {
        Fact::Said(event) => event,
        Fact::Shown(_) => unreachable!("an event"),
    };
    let counts = [(said(started(SECOND, "d")), 1), (said(ended(3 * SECOND, "completed")), 1)];
    let gone = (said(ended(5 * SECOND, "timeout")), 0);
    let former = Former { counts: counts.into_iter().chain([gone]).collect(), heard: 7, stays: false };
    let bytes = postcard::to_allocvec(&former).unwrap();
    let known = Known::older(1, &bytes).unwrap();
    let row = known.row(session()).unwrap();
    assert_eq!((row.device.as_deref(), row.ended_at), (Some("d"), Some(3 * SECOND)));
    assert_eq!((known.heard, known.streamed.is_none()), (7, true));
    assert!(Known::older(0, &bytes).is_none() && Known::older(1, &bytes[1..]).is_none());
    // A row that was said before the upgrade is taken back by the identity it had.
    let json = serde_json::to_string(&row).unwrap();
    assert!(json.ends_with("\"status\":\"completed\"}"), "{json}");
}
