//! What is told of sessions against a count from scratch, and against itself: late, shuffled, copied, in any epochs.

use super::super::{
    Options,
    sessions::{Outcome, Sessions},
};
use crate::state::States;
use model::{
    Arrival, Cartridge, CartridgeKind, EndStatus, Environment, Input, Micros, Number, Origin, Packet, Raw,
    SessionEnd, SessionId, Signal, Streamed, Tag, Tick, UserId, time::SECOND,
};
use proptest::prelude::*;

const START: Micros = 1_767_225_600 * SECOND;
/// Five samples at 125 Hz.
const PACKET_US: Micros = 40_000;

fn packet(session: &str, number: i64) -> Packet {
    Packet {
        session: SessionId::derive(&[session]),
        user: UserId::derive(&[session]),
        origin: Origin { input: Input::Packets, partition: 3, offset: number as u64 },
        signal: Signal::Pulse,
        period_us: 8_000,
        sequence: number as u32,
        sequence_bits: 32,
        stamp_us: START + number * PACKET_US,
        device: Some("device".into()),
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: 5,
            det: vec![1.0; 5],
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw::default(),
    }
}

fn end(session: &str, number: i64) -> Packet {
    Packet { arrival: Arrival::End, ..packet(session, number) }
}

/// A packet of a cartridge of eight channels, ten samples at 50 Hz, with the tag if it is the first.
fn cartridge(number: i64, seconds: u8, kind: Option<CartridgeKind>) -> Packet {
    let number_of = |value: f64| Number::finite(value).unwrap();
    let tag = Tag {
        uid: *b"uid-uid-",
        kind,
        legacy: 0,
        lot: "L".into(),
        expires_at: START + 100 * SECOND,
        uses_left: 1,
        uses: 1,
        channels: 8,
        seconds,
        authentic: true,
        needs_calibration: false,
        alpha: number_of(0.9),
        per_celsius: number_of(0.0),
        per_percent: number_of(0.0),
    };
    Packet {
        signal: Signal::Channels,
        period_us: 20_000,
        stamp_us: START + number * 200_000,
        cartridge: (number == 0).then(|| Box::new(Cartridge { tag: Some(tag), calibration: None })),
        arrival: Arrival::Samples {
            channels: 8,
            samples: 10,
            det: vec![1.0; 80],
            reference: Vec::new(),
            environment: Environment::default(),
        },
        ..packet("cartridge", number)
    }
}

/// Runs epochs and keeps what stands.
struct Desk {
    sessions: Sessions,
    now: Micros,
    changes: Vec<(Streamed, i64)>,
}

impl Desk {
    fn new() -> Self {
        let sessions = Sessions::new(&Options::specified(), &States::default());
        Self { sessions, now: START, changes: Vec::new() }
    }

    /// An epoch, so many seconds after the one before; gives how many tellings it had.
    fn epoch(&mut self, after_s: i64, packets: impl IntoIterator<Item = Packet>) -> usize {
        self.now += after_s * SECOND;
        let tick = Tick { now: self.now, watermark: self.now };
        let Outcome { streamed, .. } = self.sessions.turn(tick, packets.into_iter());
        let told = streamed.iter().filter(|(_, _, diff)| *diff > 0).count();
        self.changes.extend(streamed.into_iter().map(|(streamed, _heard, diff)| (streamed, diff)));
        differential_dataflow::consolidation::consolidate(&mut self.changes);
        assert!(self.changes.iter().all(|(_, count)| *count == 1), "each session is told once");
        told
    }

    fn all(&self) -> Vec<Streamed> {
        // How often it was told depends on epochs.
        self.changes.iter().map(|(streamed, _)| Streamed { told: 0, ..streamed.clone() }).collect()
    }

    fn only(&self) -> Streamed {
        let all = self.all();
        let [one] = &all[..] else { panic!("{} sessions are told", all.len()) };
        one.clone()
    }

    fn end(&self) -> Option<SessionEnd> {
        self.only().end
    }
}

fn at_once(packets: impl IntoIterator<Item = Packet>) -> Streamed {
    let mut desk = Desk::new();
    desk.epoch(0, packets);
    desk.only()
}

#[test]
fn a_session_is_told_when_it_begins_every_ten_seconds_and_when_it_ends() {
    let mut desk = Desk::new();
    // 60 s, a packet an epoch: only those that complete a step are told.
    let told: Vec<usize> = (0..1_500).map(|number| desk.epoch(0, [packet("a", number)])).collect();
    let places: Vec<_> =
        (0..).zip(&told).filter(|(_, count)| **count > 0).map(|(place, _)| place).collect::<Vec<i64>>();
    assert_eq!(places, [0, 249, 499, 749, 999, 1_249, 1_499]);
    let shown = desk.only();
    let beginning = shown.beginning.unwrap();
    assert_eq!((beginning.at, beginning.sequence, beginning.revision), (START, 0, 0));
    assert_eq!((beginning.device.as_deref(), beginning.cartridge), (Some("device"), None));
    assert_eq!((shown.stream.packets, shown.stream.last_sequence), (1_500, 1_499));
    assert_eq!((shown.stream.until, shown.stream.progress_percent), (START + 60 * SECOND, None));
    assert!(shown.end.is_none() && !shown.silent);
    assert_eq!(desk.epoch(0, [end("a", 1_500)]), 1);
    let ended = desk.end().unwrap();
    assert_eq!((ended.at, ended.status, ended.revision), (START + 60 * SECOND, EndStatus::Completed, 0));
    assert_eq!((ended.from, ended.packets, ended.span.last), (Some(START), 1_500, 1_499));
    assert_eq!(desk.epoch(0, [end("a", 1_500), end("a", 1_500)]), 0, "an end counts once");
}

#[test]
fn silence_ends_a_session_and_its_own_word_corrects_that() {
    let mut desk = Desk::new();
    desk.epoch(0, (0..300).map(|number| packet("a", number)));
    assert_eq!(desk.epoch(299, []), 0);
    assert_eq!(desk.epoch(1, []), 1);
    let ended = desk.end().unwrap();
    assert_eq!((ended.status, ended.at, ended.packets), (EndStatus::Timeout, START + 12 * SECOND, 300));
    assert!(desk.only().silent);
    desk.epoch(5, [end("a", 300)]);
    let said = desk.end().unwrap();
    assert_eq!((said.status, said.at, said.revision), (EndStatus::Completed, ended.at, 1));
    assert_eq!(desk.epoch(301, []), 1, "silent again, which is told to who forgets");
    assert_eq!(desk.end().unwrap(), said);
}

#[test]
fn a_session_that_goes_on_takes_its_end_back_and_continues_after_the_last_number() {
    let mut desk = Desk::new();
    desk.epoch(0, (0..10).map(|number| packet("a", number)));
    desk.epoch(300, []);
    assert_eq!(desk.only().stream.last_sequence, 9);
    // A copy of what came is not a resumption.
    desk.epoch(1, [packet("a", 9)]);
    assert!(desk.end().is_some() && !desk.only().silent);
    let later =
        |number: i64| Packet { stamp_us: START + 400 * SECOND + number * PACKET_US, ..packet("a", number) };
    desk.epoch(100, (10..20).map(later));
    let shown = desk.only();
    assert_eq!((shown.end, shown.stream.resumed, shown.stream.packets), (None, 1, 11));
    desk.epoch(0, [end("a", 20)]);
    let ended = desk.end().unwrap();
    assert_eq!(
        (ended.status, ended.revision, ended.packets, ended.resumed),
        (EndStatus::Completed, 1, 20, 1)
    );
    assert_eq!(desk.only().stream.last_sequence, 19);
}

#[test]
fn an_end_before_the_samples_waits_for_them_and_one_alone_shows_nothing() {
    let mut desk = Desk::new();
    desk.epoch(0, [end("a", 3)]);
    assert!(desk.all().is_empty());
    desk.epoch(0, [packet("a", 0), packet("a", 2)]);
    assert!(desk.end().is_none());
    desk.epoch(0, [packet("a", 1)]);
    assert_eq!(desk.end().map(|end| (end.packets, end.revision)), Some((3, 0)));
    let mut alone = Desk::new();
    alone.epoch(0, [end("a", 3)]);
    alone.epoch(300, []);
    assert!(alone.all().is_empty());
}

#[test]
fn two_sessions_of_one_device_do_not_meet() {
    let mut desk = Desk::new();
    let both = (0..100).flat_map(|number| [packet("a", number), packet("b", number)]);
    desk.epoch(0, both.chain([end("a", 100)]));
    desk.epoch(300, []);
    let mut ends: Vec<_> =
        desk.all().into_iter().filter_map(|shown| shown.end).map(|end| end.status).collect();
    ends.sort();
    assert_eq!(ends, [EndStatus::Completed, EndStatus::Timeout]);
    assert!(desk.all().iter().all(|shown| shown.device.as_deref() == Some("device")));
}

#[test]
fn a_device_goes_on_after_the_last_number_before_which_nothing_useful_is_missing() {
    let lost = |number: &i64| !(100..110).contains(number);
    let last = |until: i64| {
        at_once((0..until).filter(lost).map(|number| packet("a", number)).chain([end("a", until)]))
            .stream
            .last_sequence
    };
    // Number 100 lies at 4 s: until 9 s it would still be used, 109 until 9.36 s.
    assert_eq!((last(120), last(225), last(226)), (99, 99, 100));
    assert_eq!((last(234), last(235)), (108, 234));
    let mut desk = Desk::new();
    desk.epoch(0, (0..120).filter(lost).map(|number| packet("a", number)).chain([end("a", 120)]));
    desk.epoch(0, (100..110).map(|number| packet("a", number)));
    let ended = desk.end().unwrap();
    assert_eq!((ended.packets, ended.revision, desk.only().stream.last_sequence), (120, 10, 119));
    let mut silent = Desk::new();
    silent.epoch(0, (0..120).filter(lost).map(|number| packet("a", number)).chain([end("a", 120)]));
    silent.epoch(300, []);
    assert_eq!(silent.only().stream.last_sequence, 119, "nothing corrects a silent session");
}

#[test]
fn a_cartridge_shows_how_far_it_measured() {
    let glucose = CartridgeKind { category: 1, kind: 1 };
    let progress = |seconds: u8, kind: Option<CartridgeKind>, count: i64| {
        let mut desk = Desk::new();
        (0..count).for_each(|number| {
            desk.epoch(0, [cartridge(number, seconds, kind)]);
        });
        desk.only()
    };
    // A packet is 0.2 s, a step 2 s.
    let shown = progress(10, Some(glucose), 29);
    assert_eq!((shown.stream.progress_percent, shown.stream.packets), (Some(40), 20));
    let beginning = shown.beginning.unwrap();
    assert_eq!((beginning.cartridge, beginning.seconds), (Some(glucose), Some(10)));
    assert_eq!(progress(10, Some(glucose), 80).stream.progress_percent, Some(100));
    // The registry says 15 s; of an unknown kind nobody says anything.
    assert_eq!(progress(0, Some(glucose), 30).stream.progress_percent, Some(40));
    assert_eq!(progress(0, None, 30).stream.progress_percent, None);
}

#[test]
fn a_tag_that_comes_late_is_a_revision_of_the_beginning() {
    let glucose = Some(CartridgeKind { category: 1, kind: 1 });
    // The second packet names the cartridge, and comes after its gap was declared.
    let named = |number: i64| {
        let first = cartridge(0, 10, glucose);
        Packet {
            cartridge: if number == 1 { first.cartridge } else { None },
            ..cartridge(number, 10, glucose)
        }
    };
    let order = (0..10).filter(|number| *number != 1).chain([1]).chain(10..30);
    let shown = at_once(order.map(named));
    let beginning = shown.beginning.unwrap();
    assert_eq!((beginning.seconds, beginning.revision), (Some(10), 1));
    let straight = at_once((0..30).map(named));
    assert_eq!(shown.stream, straight.stream);
}

#[test]
fn clocks_that_jump_and_numbers_that_begin_anew_keep_the_session() {
    let set = |shift: Micros| {
        let shifted = move |number: i64| {
            let stamp_us = START + number * PACKET_US + if number < 100 { 0 } else { shift };
            Packet { stamp_us, ..packet("a", number) }
        };
        at_once((0..200).map(shifted).chain([end("a", 200)]))
    };
    for shift in [-3_600 * SECOND, -SECOND / 2, SECOND / 2, 3_600 * SECOND] {
        let shown = set(shift);
        assert_eq!((shown.stream.packets, shown.stream.last_sequence), (200, 199), "{shift}");
        assert_eq!(shown.stream.until, START + 8 * SECOND + shift.max(0), "{shift}");
        assert_eq!(shown.end.map(|end| end.revision), Some(0), "{shift}");
    }
    // A device that restarts counts from 0 again.
    let mut desk = Desk::new();
    desk.epoch(0, (0..100).map(|number| packet("a", number)));
    let anew = |number: i64| Packet { stamp_us: START + (number + 500) * PACKET_US, ..packet("a", number) };
    desk.epoch(0, (0..10).map(anew));
    let shown = desk.only();
    assert_eq!((shown.stream.packets, shown.stream.last_sequence, shown.stream.resumed), (101, 0, 0));
    desk.epoch(0, [end("a", 10)]);
    assert_eq!((desk.end().unwrap().packets, desk.only().stream.last_sequence), (110, 9));
}

#[test]
fn sixteen_bits_are_counted_on() {
    let narrow = |number: i64| Packet {
        sequence: (number % 65_536) as u32,
        sequence_bits: 16,
        stamp_us: START + (number - 65_500) * PACKET_US,
        ..packet("a", number)
    };
    let shown = at_once((65_500..65_600).map(narrow));
    let beginning = shown.beginning.unwrap();
    assert_eq!((beginning.sequence, beginning.at), (65_500, START));
    let ended =
        at_once((65_500..65_600).map(narrow).chain([Packet { arrival: Arrival::End, ..narrow(65_600) }]));
    assert_eq!(ended.stream.last_sequence, 65_599);
}

/// What happens to packets: some lost for good, some late, some copied, all shuffled a bit.
fn troubles(count: usize) -> impl Strategy<Value = (Vec<i64>, Vec<bool>)> {
    proptest::collection::vec((0_i64..5, 0_u32..1_000, 10_i64..100), count).prop_map(move |draws| {
        let (mut keyed, mut came) = (Vec::new(), vec![true; count]);
        for (number, (shift, luck, delay)) in (0_i64..).zip(draws) {
            match luck {
                0..20 if number > 0 => came[number as usize] = false,
                20..60 if number > 0 => keyed.push((number + delay, number)),
                60..200 => keyed.extend([(number + shift, number), (number + shift + delay, number)]),
                _ => keyed.push((number + shift, number)),
            }
        }
        keyed.sort_unstable();
        (keyed.into_iter().map(|(_, number)| number).collect(), came)
    })
}

/// The count from scratch: of the packets that came, with steps every ten seconds, as if all had come in order.
fn counted(came: &[bool], ended: bool) -> (u64, Micros, i64) {
    let last = came.iter().rposition(|came| *came).unwrap() as i64;
    // The last packet in order that completes a step, or the last of all.
    let completes = |number: &i64| {
        let before = (0..*number).rev().find(|before| came[*before as usize]);
        came[*number as usize]
            && before.is_none_or(|before| {
                (number + 1) * PACKET_US / (10 * SECOND) > (before + 1) * PACKET_US / (10 * SECOND)
            })
    };
    let mark = if ended { last } else { (0..=last).rev().find(completes).unwrap() };
    let packets = came[..=mark as usize].iter().filter(|came| **came).count() as u64;
    let until = (mark + 1) * PACKET_US;
    let open = (0..mark).find(|number| !came[*number as usize] && until - number * PACKET_US <= 5 * SECOND);
    (packets, START + until, open.map_or(mark, |open| open - 1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_told_is_a_count_of_the_packets_that_came(
        (order, came) in troubles(600), cuts in proptest::collection::vec(1_usize..120, 12), ended in any::<bool>()
    ) {
        let mut packets: Vec<_> = order.iter().map(|number| packet("a", *number)).collect();
        // Nothing after could show what is missing at the end.
        packets.extend((600..640).map(|number| packet("a", number)));
        packets.extend(ended.then(|| end("a", 640)));
        let came: Vec<bool> = came.into_iter().chain([true; 40]).collect();
        let together = at_once(packets.clone());
        let found = (together.stream.packets, together.stream.until, together.stream.last_sequence);
        prop_assert_eq!(found, counted(&came, ended));
        prop_assert_eq!(together.end.as_ref().map(|end| (end.packets, end.at)), ended.then_some((found.0, found.1)));
        prop_assert_eq!(together.beginning.as_ref().map(|beginning| beginning.at), Some(START));
        let mut desk = Desk::new();
        let mut rest = &packets[..];
        for cut in cuts {
            let (batch, behind) = rest.split_at(cut.min(rest.len()));
            desk.epoch(0, batch.to_vec());
            rest = behind;
        }
        desk.epoch(0, rest.to_vec());
        prop_assert_eq!(desk.only(), together);
    }
}
