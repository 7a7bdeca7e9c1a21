//! What is left, and its boundaries: as a table of cases; the whole under random events is proved by
//! `tests/cartridges.rs`.

use super::*;
use model::{CartridgeKind, Input};

const UID: CartridgeUid = CartridgeUid::new(*b"cartridg");

fn event(at: Micros, change: CartridgeChange) -> CartridgeEvent {
    let origin = Origin { input: Input::Cartridges, partition: 0, offset: at as u64 };
    CartridgeEvent { at, event: EventId::derive(&[&at.to_string()]), uid: UID, change, origin }
}

fn label(uses_left: u16) -> CartridgeLabel {
    CartridgeLabel {
        kind: CartridgeKind { category: 1, kind: 3 },
        lot: "lot".into(),
        expires_at: 1_000,
        uses_left,
    }
}

fn verified(at: Micros, uses: u16) -> CartridgeEvent {
    event(at, CartridgeChange::Verified { device: None, label: label(uses) })
}

fn replaced(at: Micros, uses: u16) -> CartridgeEvent {
    event(at, CartridgeChange::Replaced { device: "device".into(), label: label(uses) })
}

fn depleted(at: Micros) -> CartridgeEvent {
    event(at, CartridgeChange::Depleted)
}

fn row(events: &[CartridgeEvent], now: Micros) -> CartridgeSupply {
    let mut known = Known::default();
    for event in events {
        Supply::learn(&mut known, event.clone());
    }
    Supply::row(&UID, &known, now)
}

#[test]
fn uses_never_rise_but_by_a_replacement_whatever_comes_first() {
    let events = [verified(10, 5), verified(20, 3), verified(30, 9), replaced(25, 8), verified(40, 8)];
    let left =
        |take: &[usize]| row(&take.iter().map(|at| events[*at].clone()).collect::<Vec<_>>(), 50).uses_left;
    assert_eq!((left(&[0, 1, 2]), left(&[2, 1, 0])), (3, 3));
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 0, 3, 2]] {
        assert_eq!(left(&order), 8, "{order:?}: what was before the replacement does not count");
    }
    assert_eq!((left(&[4, 2]), left(&[2, 4])), (8, 8));
}

#[test]
fn nothing_is_left_after_a_depletion_until_a_replacement() {
    let seen = |events: &[CartridgeEvent]| {
        let row = row(events, 50);
        (row.uses_left, row.state)
    };
    assert_eq!(seen(&[depleted(10)]), (0, CartridgeState::Depleted));
    assert_eq!(seen(&[depleted(10), verified(20, 4)]), (0, CartridgeState::Depleted));
    assert_eq!(seen(&[verified(20, 4), replaced(15, 7), depleted(10)]), (4, CartridgeState::Ok));
    assert_eq!(seen(&[verified(10, 0)]), (0, CartridgeState::Depleted));
}

#[test]
fn a_cartridge_expires_at_the_very_instant_and_looks_again_then() {
    let events = [verified(10, 5)];
    let before = row(&events, 999);
    assert_eq!((before.state, Supply::until(&before)), (CartridgeState::Ok, Some(1_000)));
    let after = row(&events, 1_000);
    assert_eq!((after.state, Supply::until(&after), after.uses_left), (CartridgeState::Expired, None, 5));
    assert_eq!(row(&[verified(10, 5), depleted(11)], 1_000).state, CartridgeState::Depleted);
}

#[test]
fn a_row_names_the_newest_event_and_what_the_newest_tag_said() {
    let newest = depleted(30);
    let seen = row(&[newest.clone(), verified(10, 5)], 50);
    assert_eq!((seen.heard_at, seen.event, seen.origin), (30, newest.event, newest.origin));
    assert_eq!((seen.lot.as_deref(), seen.expires_at), (Some("lot"), Some(1_000)));
    let nameless = row(&[newest], 50);
    assert_eq!((nameless.kind, nameless.lot, nameless.expires_at), (None, None, None));
}
