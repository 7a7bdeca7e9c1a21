//! The shell: every record leaves exactly once, by its kind, in order, at its epoch.

use super::*;
use crate::{event, packet::Frame};
use model::{DomainEvent, Environment, EventId, Origin, Reason, SessionEnded, SessionId, UserId};
use prost::Message;
use std::sync::mpsc::Receiver;
use timely::dataflow::operators::{Capture, Input as _, capture::Event};

fn packet(sequence: u32) -> Vec<u8> {
    let frame = Frame {
        version: crate::packet::Version::Two,
        sequence,
        stamp_us: 1_000_000,
        channels: 1,
        samples: 1,
        det: vec![1.0],
        reference: vec![],
        environment: Environment::default(),
    };
    crate::packet::MeasurementPacket {
        session_id: SessionId::derive(&["s"]).to_string(),
        user_id: UserId::derive(&["u"]).to_string(),
        raw_packet: frame.encode(),
        signal: 2,
        sample_period_us: 8_000,
        ..Default::default()
    }
    .encode_to_vec()
}

fn ended() -> Vec<u8> {
    let event = DomainEvent::SessionEnded(SessionEnded {
        event: EventId::derive(&["e"]),
        session: SessionId::derive(&["s"]),
        at: 2_000_000,
        status: "completed".into(),
        origin: Origin { input: Input::Sessions, partition: 0, offset: 0 },
    });
    event::encode(&event, "test").value
}

fn record(input: Input, offset: u64, value: Vec<u8>) -> Record {
    let key = Some(SessionId::derive(&["s"]).to_string().into_bytes());
    Record { topic: input.topic().into(), partition: 0, offset, timestamp_ms: 7, key, value, headers: vec![] }
}

/// What left, as it left; timely's own `extract` would sort it.
fn messages<D>(captured: Receiver<Event<Epoch, Vec<D>>>) -> impl Iterator<Item = (Epoch, D)> {
    captured.into_iter().flat_map(|event| match event {
        Event::Messages(epoch, data) => data.into_iter().map(|datum| (epoch, datum)).collect(),
        Event::Progress(_) => vec![],
    })
}

#[test]
fn every_record_leaves_once_in_order_at_its_epoch() {
    let captured = timely::execute_directly(|worker| {
        let (mut input, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (input, records) = scope.new_input::<Vec<Record>>();
            (input, decode(records).capture())
        });
        for epoch in 0..3 {
            for offset in epoch * 2_000..(epoch + 1) * 2_000 {
                input.send(record(Input::Packets, offset, packet(offset as u32)));
                if offset % 100 == 0 {
                    input.send(record(Input::Sessions, offset, ended()));
                    input.send(record(Input::Vitals, offset, b"{}".to_vec()));
                }
            }
            input.advance_to(epoch + 1);
            worker.step();
        }
        captured
    });
    let (mut sequence, mut events, mut faults) = (0, 0, 0);
    for (epoch, datum) in messages(captured) {
        let Origin { input, offset, .. } = datum.origin();
        assert_eq!(offset / 2_000, epoch);
        match datum {
            Datum::Packet(packet) => {
                assert_eq!((packet.sequence, offset), (sequence, u64::from(sequence)));
                sequence += 1;
            }
            // Events and faults stand where their records stood: behind the packet sent before them.
            Datum::Event { raw, .. } => {
                assert_eq!(
                    (input, offset, raw.recorded_at),
                    (Input::Sessions, u64::from(sequence) - 1, 7_000)
                );
                assert_eq!(raw.value, ended());
                events += 1;
            }
            Datum::Fault(fault) => {
                assert_eq!((input, offset), (Input::Vitals, u64::from(sequence) - 1));
                assert_eq!(fault.reason, Reason::MissingField);
                faults += 1;
            }
        }
    }
    assert_eq!((sequence, events, faults), (6_000, 60, 60));
}
