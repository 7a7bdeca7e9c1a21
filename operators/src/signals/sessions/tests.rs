//! A session of the version before goes on.

use super::{Session, Sessions, stored::Former};
use crate::{
    signals::Options,
    state::{States, Stored},
};
use model::{Arrival, Environment, Input, Origin, Packet, Raw, SessionId, Signal, Tick, UserId};

fn packet(number: u32) -> Packet {
    Packet {
        session: SessionId::derive(&["s"]),
        user: UserId::derive(&["u"]),
        origin: Origin { input: Input::Packets, partition: 0, offset: number.into() },
        signal: Signal::Pulse,
        period_us: 8_000,
        sequence: number,
        sequence_bits: 32,
        stamp_us: i64::from(number) * 1_000_000,
        device: None,
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: 125,
            det: vec![0.5; 125],
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw::default(),
    }
}

#[test]
fn a_session_of_version_two_goes_on_and_is_counted_from_there() {
    let fresh = || Sessions::new(&Options::specified(), &States::default());
    let tick = Tick { now: 0, watermark: 0 };
    let mut before = fresh();
    before.turn(tick, (0..20).map(packet));
    let id = packet(0).session;
    // Version two had the same fields, in this order, without the course.
    let written = postcard::to_allocvec(before.known.borrow().get(&id).unwrap()).unwrap();
    let (former, _course) = postcard::take_from_bytes::<Former>(&written).unwrap();
    let bytes = postcard::to_allocvec(&former).unwrap();
    assert!(Session::older(1, &bytes).is_none() && Session::older(2, &bytes[..9]).is_none());
    let mut after = fresh();
    after.known.borrow_mut().insert(id, 0, Session::older(2, &bytes).unwrap());
    let [straight, found] = [&mut before, &mut after].map(|one| one.turn(tick, (20..40).map(packet)));
    assert!(!straight.windows.is_empty());
    assert_eq!((found.windows, found.tally), (straight.windows, straight.tally));
    let [(shown, _, 1)] = &found.streamed[..] else { panic!("told {} times", found.streamed.len()) };
    assert_eq!((&shown.beginning, shown.stream.from), (&None, None));
    // The first packet, and a step of ten seconds.
    assert_eq!((shown.stream.packets, shown.stream.last_sequence, shown.user), (20, 39, packet(0).user));
    // One that was only heard to end begins like any other.
    let only_end = Former {
        sequencer: crate::sequence::Sequencer::new(&Options::specified().pulse.sequence, 8_000),
        reader: None,
        period_us: None,
        heard: 0,
        silent: false,
    };
    let bytes = postcard::to_allocvec(&only_end).unwrap();
    let mut after = fresh();
    after.known.borrow_mut().insert(id, 0, Session::older(2, &bytes).unwrap());
    let found = after.turn(tick, (0..2).map(packet));
    assert!(found.streamed[0].0.beginning.is_some());
}
