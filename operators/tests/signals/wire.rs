//! The way of a packet from the gateway's hands to the operators: frame, envelope, record of the log, decoding.

use crate::run::PERSON;
use eventlog::Record;
use model::{Input, Micros, Packet, SessionId, Signal, UserId};
use operators::sequence::{Options, Sequencer, Step, Tally, clock::Placed};
use prost::Message;
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};

/// A device of one channel and what its gateway knows of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Device {
    pub(crate) name: &'static str,
    pub(crate) signal: Signal,
    pub(crate) period_us: u32,
}

impl Device {
    /// The packet that a gateway sends for `samples`, as it comes out of the log.
    pub(crate) fn send(&self, sequence: u32, stamp_us: Micros, samples: &[f32]) -> Packet {
        let frame = Frame {
            version: Version::Two,
            sequence,
            stamp_us,
            channels: 1,
            samples: samples.len() as u16,
            det: samples.to_vec(),
            reference: Vec::new(),
            environment: model::Environment::default(),
        };
        let session_id = SessionId::derive(&[self.name]).to_string();
        let signal = if self.signal == Signal::Ecg { WireSignal::Ecg } else { WireSignal::Pulse };
        let envelope = MeasurementPacket {
            session_id: session_id.clone(),
            device_id: self.name.to_owned(),
            user_id: UserId::derive(&[PERSON]).to_string(),
            raw_packet: frame.encode(),
            sequence_no: sequence,
            timestamp_ms: (stamp_us / 1_000) as u64,
            signal: signal.into(),
            sample_period_us: self.period_us,
            ..MeasurementPacket::default()
        };
        let record = Record {
            topic: Input::Packets.topic().into(),
            partition: 0,
            offset: u64::from(sequence),
            timestamp_ms: stamp_us / 1_000,
            key: Some(session_id.into_bytes()),
            value: envelope.encode_to_vec(),
            headers: Vec::new(),
        };
        sources::packet::decode(record).unwrap()
    }
}

/// What the sequencer alone makes of one session's packets.
pub(crate) struct Ordered {
    /// Packets in order.
    pub(crate) next: Vec<Placed>,
    /// Packets of a gap.
    pub(crate) late: Vec<Placed>,
    pub(crate) tally: Tally,
}

/// Orders one session's packets until it falls silent.
pub(crate) fn ordered(packets: &[Packet]) -> Ordered {
    let mut sequencer = Sequencer::new(&Options::specified(), packets[0].period_us);
    let (mut next, mut late) = (Vec::new(), Vec::new());
    let mut keep = |step| match step {
        Step::Next(placed, _) => next.push(placed),
        Step::Late(placed, _) => late.push(placed),
        Step::End(_) => {}
        Step::TooLate(fault) => panic!("nothing is so late: {}", fault.detail),
    };
    for packet in packets {
        sequencer.take(packet.clone(), &mut keep);
    }
    sequencer.time_out(&mut keep);
    let tally = sequencer.tally();
    Ordered { next, late, tally }
}

/// The one sample of a packet.
pub(crate) fn sample(packet: &Packet) -> f32 {
    match &packet.arrival {
        model::Arrival::Samples { det, .. } => det[0],
        model::Arrival::End => panic!("an end has no sample"),
    }
}
