//! Late is judged record by record in the order of the lane: batches do not show, and what passes is young enough
//! for everything behind.

use super::in_time;
use crate::{
    state::{Memory, States},
    vitals::unique,
};
use model::{
    Again, Datum, DomainEvent, EventId, Fault, Input, Micros, Origin, Packet, Raw, Reason, SessionEnded,
    SessionId, Signal, Tick, UserId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use timely::dataflow::operators::{
    capture::{Capture, Extract},
    vec::{Map, input::Input as _},
};

const HORIZON: Micros = 100;

fn event(id: u32, at: Micros, origin: Origin, recorded_at: Micros) -> Datum {
    let event = DomainEvent::SessionEnded(SessionEnded {
        event: EventId::derive(&[&id.to_string()]),
        session: SessionId::derive(&["s"]),
        at,
        status: "completed".into(),
        origin,
    });
    Datum::Event { event, raw: Raw { recorded_at, value: vec![7], ..Raw::default() } }
}

fn origin(input: Input, partition: u32, offset: u64) -> Origin {
    Origin { input, partition, offset }
}

fn packet(offset: u64, recorded_at: Micros) -> Datum {
    Datum::Packet(Packet {
        session: SessionId::derive(&["s"]),
        user: UserId::derive(&["u"]),
        origin: origin(Input::Packets, 0, offset),
        signal: Signal::Pulse,
        period_us: 8_000,
        sequence: 0,
        sequence_bits: 32,
        stamp_us: -7,
        device: None,
        cartridge: None,
        arrival: model::Arrival::End,
        raw: Raw { recorded_at, ..Raw::default() },
    })
}

/// What passed, and what did not.
type Passed = (Vec<Origin>, Vec<(EventId, Origin)>, Vec<Fault>);

/// Feeds epochs and their watermarks on one worker; `once` says whether copies are held back behind.
fn run(epochs: &[(Micros, Vec<Datum>)], once: bool) -> Passed {
    let epochs = epochs.to_vec();
    let (packets, events, faults) = timely::execute_directly(move |worker| {
        let states = States::default();
        let (mut data, mut ticks, found) = worker.dataflow::<u64, _, _>(|scope| {
            let (data, data_stream) = scope.new_input();
            let (ticks, tick_stream) = scope.new_input();
            let memory = Memory { ticks: tick_stream, horizon: HORIZON, states: states.clone() };
            let arrived = in_time(data_stream, &memory);
            let events = if once { unique(arrived.events, &memory) } else { arrived.events };
            (
                data,
                ticks,
                (
                    arrived.packets.map(|packet| packet.origin).capture(),
                    events.capture(),
                    arrived.faults.capture(),
                ),
            )
        });
        for (epoch, (watermark, batch)) in (0_u64..).zip(epochs) {
            for datum in batch {
                data.send(datum);
            }
            data.advance_to(epoch + 1);
            // The tick may come after the data of its epoch.
            worker.step();
            ticks.send(Tick { now: Micros::MAX, watermark });
            ticks.advance_to(epoch + 1);
            worker.step();
        }
        found
    });
    (
        packets.extract().into_iter().flat_map(|(_, batch)| batch).collect(),
        events
            .extract()
            .into_iter()
            .flat_map(|(_, batch)| batch)
            .map(|event| (event.id(), event.origin()))
            .collect(),
        faults.extract().into_iter().flat_map(|(_, batch)| batch).collect(),
    )
}

#[test]
fn what_is_older_than_its_lane_by_more_than_the_horizon_is_refused_whole() {
    let lane = |offset| origin(Input::Vitals, 3, offset);
    let fault = |offset, recorded_at| {
        Datum::Fault(Fault {
            origin: lane(offset),
            reason: Reason::BadEnvelope,
            detail: String::new(),
            raw: Raw { recorded_at, ..Raw::default() },
        })
    };
    let data = vec![
        event(0, 0, lane(0), 50),
        event(1, -50, lane(1), 50),
        event(2, -51, lane(2), 50),
        // What cannot be used tells the time too.
        fault(3, 200),
        event(4, 100, lane(4), 60),
        event(5, 99, lane(5), 200),
        // Another lane has a time of its own.
        event(6, 0, origin(Input::Vitals, 4, 0), 10),
        // A packet's date is when its record was written, whatever its device says.
        packet(0, 500),
        packet(1, 400),
        packet(2, 399),
    ];
    let (packets, events, faults) = run(&[(Micros::MIN, data)], false);
    assert_eq!(packets.iter().map(|origin| origin.offset).collect::<Vec<_>>(), [0, 1]);
    // What was captured is sorted by its content.
    let mut passed: Vec<_> = events.iter().map(|(_, origin)| (origin.partition, origin.offset)).collect();
    passed.sort_unstable();
    assert_eq!(passed, [(3, 0), (3, 1), (3, 4), (4, 0)]);
    let late: Vec<_> = faults.iter().filter(|fault| fault.reason == Reason::TooLate).collect();
    let places: Vec<_> = late.iter().map(|fault| (fault.origin.input, fault.origin.offset)).collect();
    assert_eq!(places, [(Input::Packets, 2), (Input::Vitals, 2), (Input::Vitals, 5)]);
    assert_eq!((late[1].raw.recorded_at, &late[1].raw.value[..]), (50, &[7][..]));
    assert!(late[0].detail.contains("send data sooner"));
}

#[test]
fn an_event_that_is_sent_again_is_as_old_as_its_record() {
    let lane = |offset| origin(Input::Vitals, 0, offset);
    let bad = |recorded_at| Fault {
        origin: lane(0),
        reason: Reason::BadEnvelope,
        detail: String::new(),
        raw: Raw { recorded_at, value: vec![7], ..Raw::default() },
    };
    let again = |id, offset, at, recorded_at| {
        let Datum::Event { event, raw } = event(id, at, lane(offset), recorded_at) else { unreachable!() };
        Datum::Event { event, raw: Raw { headers: Again::headers(&bad(recorded_at), false), ..raw } }
    };
    // The lane stands at 200: what is older than 100 is refused.
    let data = vec![
        event(0, 200, lane(1), 200),
        event(1, 300, lane(2), 99),
        again(2, 3, 300, 99),
        again(3, 4, 99, 200),
        again(4, 5, 300, 100),
    ];
    let (_, events, faults) = run(&[(Micros::MIN, data)], false);
    let mut passed: Vec<_> = events.iter().map(|(_, origin)| origin.offset).collect();
    passed.sort_unstable();
    assert_eq!(passed, [1, 2, 5]);
    let late: Vec<_> = faults.iter().map(|fault| (fault.origin.offset, fault.reason)).collect();
    assert_eq!(late, [(3, Reason::TooLate), (4, Reason::TooLate)]);
}

#[test]
fn the_watermark_speaks_for_a_lane_that_was_idle() {
    let first = vec![event(0, 0, origin(Input::Vitals, 0, 0), 0)];
    let late = vec![
        event(1, 899, origin(Input::Vitals, 1, 0), 900),
        event(2, 900, origin(Input::Vitals, 1, 1), 900),
    ];
    let (_, events, faults) = run(&[(Micros::MIN, first), (1_000, late)], false);
    assert_eq!((events.len(), faults.len(), faults[0].origin.offset), (2, 1, 0));
}

/// Copies of events on two lanes: which, how late, whether on the other lane.
fn river() -> impl Strategy<Value = Vec<(u32, Micros, bool)>> {
    prop::collection::vec((0_u32..60, 0_i64..20, any::<bool>()), 1..150)
}

/// The records of a river, in their order.
fn records(river: &[(u32, Micros, bool)]) -> Vec<Datum> {
    let (mut clock, mut offsets) = (0, BTreeMap::<u32, u64>::new());
    let records = river.iter().map(|(id, pause, other)| {
        clock += pause;
        let partition = u32::from(*other);
        let offset = offsets.entry(partition).or_default();
        *offset += 1;
        // An event has one time, whenever its copies come.
        event(*id, Micros::from(*id) * 10, origin(Input::Vitals, partition, *offset), clock)
    });
    records.collect()
}

/// Cuts records into epochs, each with the watermark of what was read before: the least of the lanes.
fn cut(records: &[Datum], sizes: &[usize]) -> Vec<(Micros, Vec<Datum>)> {
    let (mut rest, mut epochs) = (records, Vec::new());
    let mut newest = BTreeMap::from([(0, Micros::MIN), (1, Micros::MIN)]);
    for size in sizes.iter().copied().chain([records.len()]) {
        let (batch, behind) = rest.split_at(size.min(rest.len()));
        epochs.push((newest.values().copied().min().unwrap(), batch.to_vec()));
        for datum in batch {
            let newest = newest.entry(datum.origin().partition).or_insert(Micros::MIN);
            *newest = (*newest).max(datum.recorded_at());
        }
        rest = behind;
    }
    epochs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each event passes once or is refused as too late, and never passes twice, though its id is forgotten.
    #[test]
    fn an_event_passes_once_however_late_its_copies_come(
        river in river(), sizes in prop::collection::vec(0_usize..20, 0..20)
    ) {
        let records = records(&river);
        let (_, events, faults) = run(&cut(&records, &sizes), true);
        let (mut passed, mut refused) = (BTreeMap::<EventId, usize>::new(), BTreeMap::<Origin, Reason>::new());
        for (id, _) in &events {
            *passed.entry(*id).or_default() += 1;
        }
        for fault in &faults {
            refused.insert(fault.origin, fault.reason);
        }
        prop_assert!(passed.values().all(|count| *count == 1));
        for datum in &records {
            let Datum::Event { event, .. } = datum else { panic!("only events") };
            let late = refused.get(&datum.origin()) == Some(&Reason::TooLate);
            prop_assert!(late || passed.contains_key(&event.id()));
        }
    }

    /// With no lane idle, batches do not show in what is refused.
    #[test]
    fn batches_do_not_show(
        river in river(), one in prop::collection::vec(0_usize..20, 0..20), other in prop::collection::vec(0_usize..20, 0..20)
    ) {
        let records = records(&river);
        let (mut one, mut other) = (run(&cut(&records, &one), true), run(&cut(&records, &other), true));
        one.2.sort();
        other.2.sort();
        one.1.sort();
        other.1.sort();
        prop_assert_eq!(&one.2, &other.2);
        let ids = |passed: &Passed| passed.1.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&one), ids(&other));
    }
}
