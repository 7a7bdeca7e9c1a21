//! Devices and people that do not exist: what they send, ready for the log.
//!
//! # Invariants
//! - Everything is a function of names and numbers: the same calls, the same bytes.
//! - Records are dated by when the measurement was made, so event time passes as fast as they are written.

use anyhow::{Result, ensure};
use eventlog::{Draft, Outcome, Writer, partition_of};
use model::{
    DomainEvent, Environment, EventId, Input, Micros, Number, Origin, SessionEnded, SessionId,
    SessionStarted, UserId, Vitals,
};
use prost::Message;
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};
use std::sync::Arc;

/// 2026-01-01T00:00:00Z, in microseconds.
pub(crate) const START: Micros = 1_767_225_600_000_000;
/// Event time of one packet: five samples at 125 Hz.
pub(crate) const PACKET_US: Micros = 40_000;

const PERIOD_US: u32 = 8_000;
const SAMPLES: u16 = 5;
const NOWHERE: Origin = Origin { input: Input::Vitals, partition: 0, offset: 0 };

/// A device in one session.
pub(crate) struct Device {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    /// When the session begins.
    pub(crate) from: Micros,
    name: String,
    bpm: f64,
    partitions: u32,
    topic: Arc<str>,
}

impl Device {
    /// The device called `name`, whose wave beats `bpm` times a minute.
    pub(crate) fn new(name: &str, bpm: f64, from: Micros, partitions: u32) -> Self {
        Self {
            session: SessionId::derive(&["bench", name]),
            user: UserId::derive(&["bench", name]),
            from,
            name: format!("bench-{name}"),
            bpm,
            partitions,
            topic: Input::Packets.topic().into(),
        }
    }

    /// When packet `number` begins.
    pub(crate) fn at(&self, number: u32) -> Micros {
        self.from + Micros::from(number) * PACKET_US
    }

    /// Packet `number` of the session.
    pub(crate) fn packet(&self, number: u32) -> Draft {
        let first = number * u32::from(SAMPLES);
        let frame = Frame {
            version: Version::Two,
            sequence: number,
            stamp_us: self.at(number),
            channels: 1,
            samples: SAMPLES,
            det: (first..first + u32::from(SAMPLES)).map(|sample| self.value(sample)).collect(),
            reference: Vec::new(),
            environment: Environment::default(),
        };
        self.wrap(number, frame.encode(), false)
    }

    /// The word that the session ended before packet `number`.
    pub(crate) fn end(&self, number: u32) -> Draft {
        self.wrap(number, Vec::new(), true)
    }

    /// The event that the session began.
    pub(crate) fn started(&self) -> Draft {
        let event = DomainEvent::SessionStarted(SessionStarted {
            event: EventId::derive(&["bench", "start", &self.session.to_string()]),
            session: self.session,
            user: self.user,
            device: self.name.clone(),
            at: self.from,
            origin: NOWHERE,
        });
        event_draft(&event, self.from, self.partitions)
    }

    /// The event that the session ended.
    pub(crate) fn ended(&self, at: Micros) -> Draft {
        let event = DomainEvent::SessionEnded(SessionEnded {
            event: EventId::derive(&["bench", "end", &self.session.to_string()]),
            session: self.session,
            at,
            status: "completed".into(),
            origin: NOWHERE,
        });
        event_draft(&event, at, self.partitions)
    }

    /// A crest and a dicrotic wave a beat.
    fn value(&self, sample: u32) -> f32 {
        let seconds = f64::from(sample) * f64::from(PERIOD_US) / 1e6;
        let phase = std::f64::consts::TAU * seconds * self.bpm / 60.0;
        (phase.cos().exp() + 0.15 * (2.0 * phase + 1.0).cos()) as f32
    }

    fn wrap(&self, number: u32, raw_packet: Vec<u8>, end_of_session: bool) -> Draft {
        let timestamp_ms = self.at(number) / 1_000;
        let packet = MeasurementPacket {
            session_id: self.session.to_string(),
            device_id: self.name.clone(),
            user_id: self.user.to_string(),
            raw_packet,
            sequence_no: number,
            timestamp_ms: timestamp_ms as u64,
            signal: WireSignal::Pulse as i32,
            sample_period_us: PERIOD_US,
            end_of_session,
            ..MeasurementPacket::default()
        };
        let (value, key) = (packet.encode_to_vec(), packet.session_id.into_bytes());
        Draft {
            topic: Arc::clone(&self.topic),
            partition: partition_of(&key, self.partitions),
            timestamp_ms,
            key: Some(key),
            value,
            headers: Vec::new(),
        }
    }
}

/// One observation of a person who is well, or, with `ill`, breathes too fast; `number` tells a person's apart.
pub(crate) fn vitals(user: UserId, number: u64, at: Micros, ill: bool, partitions: u32) -> Draft {
    let event = DomainEvent::Vitals(Vitals {
        user,
        at,
        event: EventId::derive(&["bench", "vitals", &user.to_string(), &number.to_string()]),
        hr: None,
        pulse: Number::finite(60.0 + (number % 30) as f64),
        resp: Number::finite(if ill { 26.0 } else { 16.0 }),
        spo2: Number::finite(97.0),
        systolic: None,
        diastolic: None,
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: NOWHERE,
    });
    event_draft(&event, at, partitions)
}

fn event_draft(event: &DomainEvent, at: Micros, partitions: u32) -> Draft {
    let sources::event::Encoded { key, value, headers } = sources::event::encode(event, "bench");
    let partition = partition_of(&key, partitions);
    Draft {
        topic: event.input().topic().into(),
        partition,
        timestamp_ms: at / 1_000,
        key: Some(key),
        value,
        headers,
    }
}

/// Appends `drafts` in one transaction; gives their number.
pub(crate) fn write(writer: &mut dyn Writer, drafts: impl IntoIterator<Item = Draft>) -> Result<u64> {
    let mut written = 0;
    writer.begin()?;
    for draft in drafts {
        writer.send(draft)?;
        written += 1;
    }
    ensure!(writer.commit("", &[])? == Outcome::Committed, "a commit was not acknowledged");
    Ok(written)
}
