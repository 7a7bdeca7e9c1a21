//! Records that are bad on purpose: one per reason for which decoding refuses a record.
//!
//! Each is a genuine record of the first session with one thing broken, as it breaks in the field: cut
//! off, damaged on the radio, of another firmware, written by a service with a bug.

use super::{
    ANCHOR,
    script::{Kind, SOURCE, Script, Step},
};
use crate::event::{self, Encoded};
use model::{DomainEvent, EventId, Input, Micros, Number, Origin, UserId, Vitals, time::SECOND};
use prost::Message;
use std::collections::VecDeque;

/// A bad record and when it is sent.
#[derive(Clone, Debug)]
pub(super) struct Spoiled {
    pub(super) at: Micros,
    pub(super) input: Input,
    pub(super) encoded: Encoded,
}

/// The first bad record, after the start.
const FIRST: Micros = 10 * SECOND;
/// From one bad record to the next.
const INTERVAL: Micros = 2 * SECOND;

/// Bad records, the packets under the session of `script`, in time order.
pub(super) fn records(script: &Script) -> VecDeque<Spoiled> {
    // The first sample stands at byte 36 of a frame, its version at byte 2.
    let packets: [fn(&mut Vec<u8>); 5] = [
        |frame| frame.truncate(frame.len() / 2),
        |frame| frame[36] ^= 1,
        |frame| frame[2] = 3,
        |frame| {
            frame[36..40].copy_from_slice(&f32::NAN.to_le_bytes());
            seal(frame);
        },
        |frame| {
            frame[8..16].fill(0xff);
            seal(frame);
        },
    ];
    let packets = packets.into_iter().map(|spoil| (Input::Packets, packet(script, spoil)));
    let no_protobuf = Encoded {
        key: packet(script, |_| {}).key,
        value: b"\xff\xff this gateway forgot to encode".to_vec(),
        headers: vec![],
    };
    let rest = [
        (Input::Packets, no_protobuf),
        (Input::Vitals, text(|value| value.truncate(value.len() / 2))),
        (Input::Vitals, text(|value| replace(value, "\"event_id\"", "\"id\""))),
        (Input::Vitals, text(|value| replace(value, "\"spo2\":97.0", "\"spo2\":970.0"))),
        (Input::Vitals, text(|value| replace(value, "\"version\":\"1.0\"", "\"version\":\"2.0\""))),
        (Input::Sessions, text(|_| {})),
    ];
    let times = (0..).map(|count| ANCHOR + FIRST + count * INTERVAL);
    let records = times.zip(packets.chain(rest));
    records.map(|(at, (input, encoded))| Spoiled { at, input, encoded }).collect()
}

/// The first packet of `script`, its device bytes changed by `spoil`.
fn packet(script: &Script, spoil: fn(&mut Vec<u8>)) -> Encoded {
    let step = Step { at: ANCHOR, kind: Kind::Packet { sequence: 0, first: 0, count: 1 } };
    let mut packet = script.measurement(&step);
    spoil(&mut packet.raw_packet);
    Encoded { value: packet.encode_to_vec(), key: packet.session_id.into_bytes(), headers: vec![] }
}

/// Makes the checksum of a v2 frame right again.
fn seal(frame: &mut [u8]) {
    let (body, checksum) = frame.split_at_mut(frame.len() - 4);
    checksum.copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
}

/// A vital-signs event, its JSON changed by `spoil`.
///
/// It is about nobody and carries no mirror in its headers, as an event of a foreign service.
fn text(spoil: fn(&mut Vec<u8>)) -> Encoded {
    let vitals = DomainEvent::Vitals(Vitals {
        user: UserId::derive(&["replay", "nobody"]),
        at: ANCHOR,
        event: EventId::derive(&["replay", "nobody", "spoiled"]),
        hr: None,
        pulse: None,
        resp: None,
        spo2: Some(Number::from(97)),
        systolic: None,
        diastolic: None,
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: 0 },
    });
    let mut encoded = Encoded { headers: vec![], ..event::encode(&vitals, SOURCE) };
    spoil(&mut encoded.value);
    encoded
}

fn replace(value: &mut Vec<u8>, from: &str, to: &str) {
    let text = str::from_utf8(value).expect("events are encoded as text");
    debug_assert!(text.contains(from), "the event is spelled as it is encoded");
    *value = text.replacen(from, to, 1).into_bytes();
}
