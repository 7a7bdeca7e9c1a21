//! What a ward of synthetic devices and monitors sends, and what must come of it.
//!
//! Every session streams a pulse wave of its own at 125 Hz, five samples per packet; every person beside them is observed
//! every ten seconds, every other one breathes fast from time to time. Records that cannot be used stand in between.
//!
//! # Invariants
//! - A slot is 40 ms of every device; slots follow each other in time, so each session's records are in order.
//! - The same slot always gives the same records; no clock is read.
//! - What is expected follows from the constants here, not from the code under test.

use eventlog::{Draft, partition_of};
use model::{
    DomainEvent, Environment, EventId, Input, Micros, Number, Origin, SessionEnded, SessionId,
    SessionStarted, UserId, Vitals, time::SECOND,
};
use prost::Message;
use sources::{
    event::{self, Encoded},
    packet::{Frame, MeasurementPacket, Version, WireSignal},
};
use std::collections::BTreeMap;

/// Partitions of each input topic.
pub(crate) const PARTITIONS: u32 = 6;
/// Sessions, and packets of each.
pub(crate) const SESSIONS: u32 = 200;
pub(crate) const PACKETS: u32 = 5_000;
/// People under a monitor, and observations of each.
pub(crate) const PEOPLE: u32 = 24;
pub(crate) const OBSERVATIONS: u32 = 150;
/// Records that cannot be used.
pub(crate) const SPOILED: u32 = 300;
/// Slots until the last session has ended.
pub(crate) const SLOTS: u32 = PACKETS + (WAVES - 1) * STAGGER + 1;
/// Everything that is sent: packets and the end of the packets, start and end of sessions, observations, spoiled ones.
pub(crate) const RECORDS: u64 =
    (SESSIONS * (PACKETS + 1) + 2 * SESSIONS + PEOPLE * OBSERVATIONS + SPOILED) as u64;
/// Windows of 30 s that begin every 5 s in the 200 s of a session.
pub(crate) const WINDOWS: u32 = (PACKETS / 25 - 30) / 5 + 1;

/// Sessions begin in so many waves, so many slots (5 s) apart.
const WAVES: u32 = 8;
const STAGGER: u32 = 125;
const RATE_HZ: u32 = 125;
const SAMPLES: u16 = 5;
const SLOT: Micros = 40_000;
const SOURCE: &str = "ward";

/// One device, the person who wears it, and the wave it sends.
pub(crate) struct Device {
    number: u32,
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) bpm: f64,
}

impl Device {
    pub(crate) fn new(number: u32) -> Self {
        let name = number.to_string();
        // One of ten is far above the 131/min from which on the pulse band warns, the others far below.
        let bpm = if number.is_multiple_of(10) { 140 + number % 7 } else { 60 + number % 40 };
        Self {
            number,
            session: SessionId::derive(&[SOURCE, "session", &name]),
            user: UserId::derive(&[SOURCE, "wearer", &name]),
            bpm: f64::from(bpm),
        }
    }

    /// Whether its windows raise an alert.
    pub(crate) fn alerts(&self) -> bool {
        self.bpm > 131.0
    }

    fn begins(&self) -> u32 {
        self.number % WAVES * STAGGER
    }

    /// A crest a beat, a dicrotic wave, breathing, and a little noise that differs in every sample.
    fn value(&self, sample: u32) -> f32 {
        let seconds = f64::from(sample) / f64::from(RATE_HZ);
        let phase = std::f64::consts::TAU * (seconds * self.bpm / 60.0 + f64::from(self.number) / 64.0);
        let noise = f64::from(sample.wrapping_mul(2_654_435_761).wrapping_add(self.number * 40_503) >> 16);
        let breath = 0.2 * (1.3 * seconds).sin();
        (phase.cos().exp() + 0.15 * (2.0 * phase + 1.0).cos() + breath + 0.02 * noise / 65_536.0) as f32
    }

    fn frame(&self, packet: u32) -> Vec<u8> {
        let first = packet * u32::from(SAMPLES);
        Frame {
            version: Version::Two,
            sequence: packet,
            stamp_us: instant(self.begins() + packet),
            channels: 1,
            samples: SAMPLES,
            det: (first..first + u32::from(SAMPLES)).map(|sample| self.value(sample)).collect(),
            reference: Vec::new(),
            environment: Environment::default(),
        }
        .encode()
    }

    /// The gateway's envelope around `raw_packet`; around nothing, it ends the session.
    fn packet(&self, number: u32, raw_packet: Vec<u8>) -> Encoded {
        let packet = MeasurementPacket {
            session_id: self.session.to_string(),
            device_id: format!("{SOURCE}-{}", self.number),
            user_id: self.user.to_string(),
            end_of_session: raw_packet.is_empty(),
            raw_packet,
            sequence_no: number,
            timestamp_ms: (instant(self.begins() + number) / 1_000) as u64,
            signal: WireSignal::Pulse.into(),
            sample_period_us: 1_000_000 / RATE_HZ,
            ..MeasurementPacket::default()
        };
        Encoded { value: packet.encode_to_vec(), key: packet.session_id.into_bytes(), headers: Vec::new() }
    }

    /// What it sends in `slot`.
    fn send(&self, slot: u32, into: &mut Vec<Draft>) {
        let Some(packet) = slot.checked_sub(self.begins()).filter(|packet| *packet <= PACKETS) else {
            return;
        };
        let at = instant(slot);
        let origin = Origin { input: Input::Sessions, partition: 0, offset: 0 };
        if packet == 0 {
            let (session, user) = (self.session, self.user);
            let (event, device) = (self.event("started"), format!("{SOURCE}-{}", self.number));
            let started = SessionStarted { event, session, user, device, at, origin };
            let encoded = event::encode(&DomainEvent::SessionStarted(started), SOURCE);
            into.push(draft(Input::Sessions, at, encoded));
        }
        let frame = if packet < PACKETS { self.frame(packet) } else { Vec::new() };
        into.push(draft(Input::Packets, at, self.packet(packet, frame)));
        if packet == PACKETS {
            let (event, session) = (self.event("ended"), self.session);
            let ended = SessionEnded { event, session, at, status: "completed".to_owned(), origin };
            let encoded = event::encode(&DomainEvent::SessionEnded(ended), SOURCE);
            into.push(draft(Input::Sessions, at, encoded));
        }
    }

    fn event(&self, what: &str) -> EventId {
        EventId::derive(&[SOURCE, what, &self.number.to_string()])
    }
}

/// All records of `slot`, each topic's in time order.
pub(crate) fn slot(devices: &[Device], slot: u32) -> Vec<Draft> {
    let mut drafts = Vec::with_capacity(devices.len());
    for device in devices {
        device.send(slot, &mut drafts);
    }
    for index in due(slot, OBSERVATIONS) {
        drafts.extend((0..PEOPLE).map(|person| observation(person, index)));
    }
    drafts.extend(due(slot, SPOILED).map(|number| spoiled(devices, number)));
    drafts
}

/// Which of `count` things, spread evenly over the slots, fall into `slot`.
fn due(slot: u32, count: u32) -> std::ops::Range<u32> {
    (slot * count).div_ceil(SLOTS)..((slot + 1) * count).div_ceil(SLOTS)
}

/// A person under a monitor.
fn person(number: u32) -> UserId {
    UserId::derive(&[SOURCE, "person", &number.to_string()])
}

/// Whom the monitors must raise and clear an alert for, twice each: everyone who breathes fast for 80 s of every 720.
pub(crate) fn relapsing() -> impl Iterator<Item = UserId> {
    (0..PEOPLE).filter(|number| number % 2 == 0).map(person)
}

fn observation(number: u32, index: u32) -> Draft {
    let seconds = 10 * index;
    let fast = number.is_multiple_of(2) && seconds % 720 < 80;
    let at = instant(0) + Micros::from(seconds) * SECOND;
    let vitals = vitals(person(number), at, &format!("{number} {index}"), if fast { 30 } else { 16 });
    draft(Input::Vitals, at, event::encode(&DomainEvent::Vitals(vitals), SOURCE))
}

fn vitals(user: UserId, at: Micros, name: &str, resp: u32) -> Vitals {
    let number = |value: u32| Number::finite(f64::from(value));
    Vitals {
        user,
        at,
        event: EventId::derive(&[SOURCE, "vitals", name]),
        hr: number(70),
        pulse: number(70),
        resp: number(resp),
        spo2: number(98),
        systolic: None,
        diastolic: None,
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: 0 },
    }
}

/// A record that cannot be used: damaged on the radio, not encoded at all, cut off, or on the wrong topic.
fn spoiled(devices: &[Device], number: u32) -> Draft {
    let device = &devices[(number * 7) as usize % devices.len()];
    let at = instant(0) + Micros::from(number) * SECOND;
    let name = format!("spoiled {number}");
    let foreign = || {
        let event = DomainEvent::Vitals(vitals(person(PEOPLE), at, &name, 16));
        Encoded { headers: Vec::new(), ..event::encode(&event, SOURCE) }
    };
    match number % 4 {
        0 => {
            let mut frame = device.frame(number);
            frame[36] ^= 1;
            draft(Input::Packets, at, device.packet(number, frame))
        }
        1 => {
            let value = [b"\xff\xff", name.as_bytes()].concat();
            let key = device.session.to_string().into_bytes();
            draft(Input::Packets, at, Encoded { key, value, headers: Vec::new() })
        }
        2 => {
            let mut encoded = foreign();
            encoded.value.truncate(encoded.value.len() / 2);
            draft(Input::Vitals, at, encoded)
        }
        _ => draft(Input::Sessions, at, foreign()),
    }
}

/// The letters that must come back: how often each record that cannot be used stands on which topic and partition.
pub(crate) fn letters(devices: &[Device]) -> BTreeMap<(String, u32, Vec<u8>), u32> {
    let mut letters = BTreeMap::new();
    for draft in (0..SPOILED).map(|number| spoiled(devices, number)) {
        *letters.entry((draft.topic.to_string(), draft.partition, draft.value)).or_insert(0) += 1;
    }
    assert_eq!(letters.len(), SPOILED as usize, "each spoiled record is told from the others");
    letters
}

fn instant(slot: u32) -> Micros {
    sources::replay::ANCHOR + Micros::from(slot) * SLOT
}

fn draft(input: Input, at: Micros, encoded: Encoded) -> Draft {
    Draft {
        topic: input.topic().into(),
        partition: partition_of(&encoded.key, PARTITIONS),
        timestamp_ms: at / 1_000,
        key: Some(encoded.key),
        value: encoded.value,
        headers: encoded.headers,
    }
}
