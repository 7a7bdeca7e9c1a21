//! One session from its start to its end, step by step in time order.
//!
//! A packet leaves when its last sample ended, an observation when the monitor showed it. At one
//! instant the order is: start, packet, observation, end of the packets, end of the session. What the monitor of
//! a person showed goes with the first track of the recording, so it is sent once.

use super::{ANCHOR, Observation, Recording, Track, track};
use crate::{
    event::{self, Encoded},
    packet::{Frame, MeasurementPacket, Version, WireSignal},
};
use model::{
    DomainEvent, Environment, EventId, Input, Micros, Origin, SessionEnded, SessionStarted, Signal, Vitals,
};
use prost::Message;
use std::{ops::Range, sync::Arc};

/// The service that says what replay sends.
pub(super) const SOURCE: &str = "replay";

/// One record to be sent, not yet encoded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    /// When it is sent, in event time.
    pub(super) at: Micros,
    pub(super) kind: Kind,
}

/// What is sent; the order of the variants is the order at one instant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Started,
    Packet { sequence: u32, first: usize, count: usize },
    Observation { index: usize },
    LastPacketSent { sequence: u32 },
    Ended,
}

impl Step {
    /// The topic it is sent to.
    pub(super) fn input(&self) -> Input {
        match self.kind {
            Kind::Packet { .. } | Kind::LastPacketSent { .. } => Input::Packets,
            Kind::Observation { .. } => Input::Vitals,
            Kind::Started | Kind::Ended => Input::Sessions,
        }
    }
}

/// A session being played.
#[derive(Clone, Debug)]
pub(super) struct Script {
    recording: Arc<Recording>,
    /// Which of its tracks this session is.
    track: usize,
    /// Key of packets and session events.
    session: String,
    /// Key of observations.
    user: String,
    /// Steps to come that there is one of, in order.
    milestones: Range<u8>,
    next_sample: usize,
    next_sequence: u32,
    next_observation: usize,
}

impl Script {
    /// The session of track number `track`.
    pub(super) fn new(recording: Arc<Recording>, track: usize) -> Self {
        // Those of all tracks are observed once, beside the first.
        let next_observation = if track == 0 { 0 } else { recording.observations.len() };
        // Without a sample there is no session that could begin or end.
        let milestones = if recording.tracks()[track].samples.is_empty() { 3..3 } else { 0..3 };
        Self {
            session: recording.tracks()[track].session().to_string(),
            user: recording.user().to_string(),
            recording,
            track,
            milestones,
            next_sample: 0,
            next_sequence: 0,
            next_observation,
        }
    }

    fn track(&self) -> &Track {
        &self.recording.tracks()[self.track]
    }

    /// The step that comes next, if any is left.
    pub(super) fn peek(&self) -> Option<Step> {
        [self.packet(), self.observation(), self.milestone()].into_iter().flatten().min()
    }

    /// Takes `step`, which [`Self::peek`] gave.
    pub(super) fn pass(&mut self, step: &Step) {
        match step.kind {
            Kind::Packet { first, count, .. } => {
                self.next_sample = first + count;
                self.next_sequence = self.next_sequence.wrapping_add(1);
            }
            Kind::Observation { index } => self.next_observation = index + 1,
            Kind::Started | Kind::LastPacketSent { .. } | Kind::Ended => self.milestones.start += 1,
        }
    }

    /// The next run of samples that are numbers, at most one packet long.
    fn packet(&self) -> Option<Step> {
        let Track { samples, clock, .. } = self.track();
        let is_number = |sample: &f32| !sample.is_nan();
        let first = self.next_sample + samples[self.next_sample..].iter().position(is_number)?;
        let longest = clock.samples_per_packet();
        let count = samples[first..].iter().take(longest).take_while(|sample| is_number(sample)).count();
        let kind = Kind::Packet { sequence: self.next_sequence, first, count };
        Some(Step { at: ANCHOR + clock.stamp_us(first + count), kind })
    }

    /// The next observation that shows any sign at all.
    fn observation(&self) -> Option<Step> {
        let rest = &self.recording.observations[self.next_observation..];
        let shows_any = rest
            .iter()
            .position(|seen| [seen.hr, seen.pulse, seen.resp, seen.spo2].iter().any(Option::is_some));
        let index = self.next_observation + shows_any?;
        Some(Step { at: self.recording.observations[index].at, kind: Kind::Observation { index } })
    }

    fn milestone(&self) -> Option<Step> {
        let end = ANCHOR + self.track().length_us();
        match self.milestones.clone().next()? {
            0 => Some(Step { at: ANCHOR, kind: Kind::Started }),
            1 => Some(Step { at: end, kind: Kind::LastPacketSent { sequence: self.next_sequence } }),
            _ => Some(Step { at: end, kind: Kind::Ended }),
        }
    }

    /// The key of `step`: the person for observations, otherwise the session.
    pub(super) fn key(&self, step: &Step) -> &str {
        match step.input() {
            Input::Vitals => &self.user,
            // Recordings bring no other events of people.
            Input::Packets
            | Input::Sessions
            | Input::Cartridges
            | Input::Profiles
            | Input::Consents
            | Input::Notifications
            | Input::Rules
            | Input::Goals
            | Input::Glucose
            | Input::Laboratory => &self.session,
        }
    }

    /// The record of `step`.
    pub(super) fn encode(&self, step: &Step) -> Encoded {
        let event = match step.kind {
            Kind::Packet { .. } | Kind::LastPacketSent { .. } => {
                let packet = self.measurement(step);
                return Encoded {
                    value: packet.encode_to_vec(),
                    key: packet.session_id.into_bytes(),
                    headers: vec![],
                };
            }
            Kind::Started => self.started(step),
            Kind::Observation { index } => self.observed(step, index),
            Kind::Ended => DomainEvent::SessionEnded(SessionEnded {
                event: self.event_id("ended"),
                session: self.track().session(),
                at: step.at,
                status: "completed".to_owned(),
                origin: unplaced(step),
            }),
        };
        event::encode(&event, SOURCE)
    }

    fn started(&self, step: &Step) -> DomainEvent {
        DomainEvent::SessionStarted(SessionStarted {
            event: self.event_id("started"),
            session: self.track().session(),
            user: self.recording.user(),
            device: self.track().device().to_owned(),
            at: step.at,
            origin: unplaced(step),
        })
    }

    fn observed(&self, step: &Step, index: usize) -> DomainEvent {
        let Observation { at, hr, pulse, resp, spo2 } = self.recording.observations[index];
        DomainEvent::Vitals(Vitals {
            user: self.recording.user(),
            at,
            event: EventId::derive(&["replay", self.recording.name(), &format!("vitals {index}")]),
            hr,
            pulse,
            resp,
            spo2,
            systolic: None,
            diastolic: None,
            temperature: None,
            consciousness: None,
            oxygen: None,
            origin: unplaced(step),
        })
    }

    /// The id of an event of this session.
    fn event_id(&self, what: &str) -> EventId {
        let name = self.recording.name();
        match track::word(self.track().signal()) {
            None => EventId::derive(&["replay", name, what]),
            Some(word) => EventId::derive(&["replay", name, word, what]),
        }
    }

    /// The gateway's envelope around `step`, a packet or the end of the packets.
    pub(super) fn measurement(&self, step: &Step) -> MeasurementPacket {
        let track = self.track();
        let (sequence, raw_packet) = match step.kind {
            Kind::Packet { sequence, first, count } => {
                let frame = Frame {
                    version: Version::Two,
                    sequence,
                    stamp_us: ANCHOR + track.clock.stamp_us(first),
                    channels: 1,
                    samples: count as u16,
                    det: track.samples[first..first + count].to_vec(),
                    reference: vec![],
                    // The recordings say nothing about the device.
                    environment: Environment::default(),
                };
                (sequence, frame.encode())
            }
            Kind::LastPacketSent { sequence } => (sequence, vec![]),
            Kind::Started | Kind::Observation { .. } | Kind::Ended => {
                unreachable!("only packets are packets")
            }
        };
        MeasurementPacket {
            session_id: self.session.clone(),
            device_id: track.device().to_owned(),
            user_id: self.user.clone(),
            end_of_session: raw_packet.is_empty(),
            raw_packet,
            sequence_no: sequence,
            timestamp_ms: (step.at / 1_000) as u64,
            signal: on_wire(track.signal()).into(),
            sample_period_us: track.clock.period_us(),
            ..MeasurementPacket::default()
        }
    }
}

fn on_wire(signal: Signal) -> WireSignal {
    match signal {
        Signal::Channels => WireSignal::Channels,
        Signal::Pulse => WireSignal::Pulse,
        Signal::Ecg => WireSignal::Ecg,
        Signal::Respiration => WireSignal::Respiration,
    }
}

/// A fact that is not on the log yet has no place there; where it stands is no part of what is sent.
fn unplaced(step: &Step) -> Origin {
    Origin { input: step.input(), partition: 0, offset: 0 }
}
