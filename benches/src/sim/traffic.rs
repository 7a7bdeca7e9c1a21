//! What devices and services send in one run: packets, vital signs, life-cycle events, profiles, rule sets, readings of
//! glucose and results of laboratories, with everything that can
//! be wrong about them: late, far too late, twice, out of order, broken.

mod rules;
mod supply;
mod worn;

use super::{dice::Dice, plan::Plan};
use eventlog::{Draft, partition_of};
use model::{
    DomainEvent, Environment, EventId, Input, Micros, Number, Origin, SessionEnded, SessionId,
    SessionStarted, UserId, Vitals, time::SECOND,
};
use prost::Message;
use sources::packet::{Frame, MeasurementPacket, Version, WireSignal};

/// 2026-01-01T00:00:00Z, in microseconds.
pub(crate) const START: Micros = 1_767_225_600_000_000;
/// A packet is so long whatever it carries.
const PACKET_US: Micros = 500_000;

/// What a device of the simulation sends: its signal, its sampling, and how many channels with references.
#[derive(Clone, Copy)]
struct Kind {
    signal: WireSignal,
    period_us: u32,
    channels: u16,
}

/// Most devices send pulse, which has windows and alerts behind it.
fn kind(dice: &mut Dice) -> Kind {
    let of = |signal, period_us, channels| Kind { signal, period_us, channels };
    match dice.below(10) {
        0 => of(WireSignal::Respiration, 40_000, 1),
        1 => of(WireSignal::Ecg, 5_000, 1),
        2 => of(WireSignal::Channels, 50_000, 8),
        _ => of(WireSignal::Pulse, 20_000, 1),
    }
}

/// A record on its way: when it arrives, and what it is.
pub(crate) type Sent = (Micros, Draft);

/// Everything sent in the run of `plan`, in the order of arrival.
pub(crate) fn traffic(plan: &Plan) -> Vec<Sent> {
    let mut dice = Dice::new(plan.seed ^ 0x7261_6666_6963);
    let mut sent = Vec::new();
    for user in 0..plan.users {
        vitals(plan, user, &mut dice, &mut sent);
        if user < plan.devices {
            device(plan, user, &mut dice, &mut sent);
            supply::send_all(plan, user, &mut dice, &mut sent);
        }
    }
    // Of its own: what else is sent stays as it was before there were rules to publish.
    let mut dice = Dice::new(plan.seed ^ 0x7275_6c65_7321);
    (0..plan.users).for_each(|user| rules::profile(plan, user, &mut dice, &mut sent));
    rules::publish(plan, &mut dice, &mut sent);
    let mut dice = Dice::new(plan.seed ^ 0x776f_726e_2121);
    (0..plan.users).for_each(|user| worn::send_all(plan, user, &mut dice, &mut sent));
    sent.sort_by_key(|(at, _)| *at);
    sent
}

/// Sends `draft` that belongs to `at`: perhaps late, perhaps twice, perhaps broken.
fn send(plan: &Plan, at: Micros, draft: Draft, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let delay = |dice: &mut Dice| match dice.below(1_000) {
        0..800 => dice.below(250) * 1_000,
        800..980 => dice.below(3_000) * 1_000,
        980..995 => dice.below(plan.horizon_s * 800) * 1_000,
        _ => dice.within(plan.horizon_s * 1_000..plan.horizon_s * 2_000) * 1_000,
    };
    let arrive = |mut draft: Draft, dice: &mut Dice, sent: &mut Vec<Sent>| {
        let arrival = at + delay(dice) as Micros;
        draft.timestamp_ms = arrival / 1_000;
        sent.push((arrival, draft));
    };
    if dice.permille(plan.broken) {
        let mut broken = draft.clone();
        let cut = dice.below(broken.value.len() as u64 + 1) as usize;
        broken.value.truncate(cut);
        if let Some(byte) = broken.value.first_mut().filter(|_| dice.permille(500)) {
            *byte ^= 1 << dice.below(8);
        }
        arrive(broken, dice, sent);
    }
    if dice.permille(plan.twice) {
        arrive(draft.clone(), dice, sent);
    }
    if !dice.permille(plan.never) {
        arrive(draft, dice, sent);
    }
}

fn draft(plan: &Plan, input: Input, key: Vec<u8>, value: Vec<u8>, headers: Vec<eventlog::Header>) -> Draft {
    let partition = partition_of(&key, plan.partitions);
    Draft { topic: input.topic().into(), partition, timestamp_ms: 0, key: Some(key), value, headers }
}

fn event(plan: &Plan, event: &DomainEvent) -> Draft {
    let encoded = sources::event::encode(event, "simulation");
    draft(plan, event.input(), encoded.key, encoded.value, encoded.headers)
}

const NOWHERE: Origin = Origin { input: Input::Vitals, partition: 0, offset: 0 };

fn vitals(plan: &Plan, user: u32, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let name = format!("{}-{user}", plan.seed);
    let mut resp = 16;
    for second in 0..plan.seconds {
        if second % 7 == 0 {
            resp = dice.within(12..32);
        }
        let at = START + Micros::from(second) * SECOND;
        let mut number =
            |from, to| Number::finite(dice.within(from..to) as f64).filter(|_| dice.permille(800));
        let (pulse, spo2) = (number(50, 140), number(88, 100));
        let vitals = DomainEvent::Vitals(Vitals {
            user: UserId::derive(&["sim", &name]),
            at,
            event: EventId::derive(&["sim", &name, &second.to_string()]),
            hr: None,
            pulse,
            resp: Number::finite(resp as f64),
            spo2,
            systolic: None,
            diastolic: None,
            temperature: None,
            consciousness: None,
            oxygen: None,
            origin: NOWHERE,
        });
        send(plan, at, event(plan, &vitals), dice, sent);
    }
}

/// A device that measures in two sessions, one after the other.
fn device(plan: &Plan, user: u32, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let name = format!("{}-{user}", plan.seed);
    let half = plan.seconds / 2;
    for half_number in 0..2 {
        let from = START + Micros::from(half_number * half) * SECOND + dice.below(1_000_000) as Micros;
        let length = dice.within(3..u64::from(half.max(5)) + 10) as Micros * SECOND;
        let (session, user) =
            (SessionId::derive(&["sim", &name, &half_number.to_string()]), UserId::derive(&["sim", &name]));
        let (kind, bpm) = (kind(dice), dice.within(60..180) as f64);
        let started = DomainEvent::SessionStarted(SessionStarted {
            event: EventId::derive(&["sim", "start", &session.to_string()]),
            session,
            user,
            device: format!("device-{name}"),
            at: from,
            origin: NOWHERE,
        });
        send(plan, from, event(plan, &started), dice, sent);
        let packets = length / PACKET_US;
        // Some lose their connection on the way and go on later, in the same session.
        let pause = dice.permille(250).then(|| (dice.below(packets as u64 + 1), dice.within(2..20)));
        let since = |number: Micros| match pause {
            Some((at, seconds)) if number >= at as Micros => from + seconds as Micros * SECOND,
            _ => from,
        };
        for number in 0..packets {
            let from = since(number);
            let packet = packet(kind, (session, user), &name, from, number as u32, bpm);
            send(plan, from + number * PACKET_US, draft_of(plan, session, &packet), dice, sent);
        }
        let from = since(packets);
        // Every third goes silent instead.
        if !dice.permille(333) {
            let mut end = packet(kind, (session, user), &name, from, packets as u32, bpm);
            (end.raw_packet, end.end_of_session) = (Vec::new(), true);
            send(plan, from + length, draft_of(plan, session, &end), dice, sent);
            let ended = DomainEvent::SessionEnded(SessionEnded {
                event: EventId::derive(&["sim", "end", &session.to_string()]),
                session,
                at: from + length,
                status: "completed".into(),
                origin: NOWHERE,
            });
            send(plan, from + length, event(plan, &ended), dice, sent);
        }
    }
}

fn draft_of(plan: &Plan, session: SessionId, packet: &MeasurementPacket) -> Draft {
    draft(plan, Input::Packets, session.to_string().into_bytes(), packet.encode_to_vec(), Vec::new())
}

fn packet(
    kind: Kind,
    (session, user): (SessionId, UserId),
    device: &str,
    from: Micros,
    number: u32,
    bpm: f64,
) -> MeasurementPacket {
    let stamp_us = from + Micros::from(number) * PACKET_US;
    let samples = (PACKET_US / Micros::from(kind.period_us)) as u32;
    let value = |value: u32| {
        let (sample, channel) = (value / u32::from(kind.channels), value % u32::from(kind.channels));
        let seconds = f64::from(sample) * f64::from(kind.period_us) / 1e6;
        let phase = std::f64::consts::TAU * seconds * bpm / 60.0;
        phase.cos().exp() as f32 + channel as f32
    };
    let values =
        number * samples * u32::from(kind.channels)..(number + 1) * samples * u32::from(kind.channels);
    let frame = Frame {
        version: Version::Two,
        sequence: number,
        stamp_us,
        channels: kind.channels,
        samples: samples as u16,
        det: values.clone().map(value).collect(),
        reference: if kind.channels == 1 { Vec::new() } else { values.map(|_| 0.25).collect() },
        environment: Environment::default(),
    };
    MeasurementPacket {
        session_id: session.to_string(),
        device_id: device.to_owned(),
        user_id: user.to_string(),
        raw_packet: frame.encode(),
        sequence_no: number,
        timestamp_ms: (stamp_us / 1_000) as u64,
        signal: kind.signal.into(),
        sample_period_us: kind.period_us,
        end_of_session: false,
        ..MeasurementPacket::default()
    }
}
