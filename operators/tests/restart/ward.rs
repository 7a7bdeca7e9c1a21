//! A made-up ward: people with vital signs, sessions that stream pulse, breath, heart and cartridges, and everything that
//! goes wrong on the way.

use crate::{
    graph::{Feed, HORIZON, SECOND, ticked},
    said::Voices,
};
use model::{
    Again, Arrival, CalibrationCompleted, CalibrationSource, Cartridge, CartridgeChange, CartridgeEvent,
    CartridgeKind, CartridgeLabel, CartridgeUid, Datum, DomainEvent, Environment, EventId, Fault,
    GlucoseReading, GoalEvent, Input, LaboratoryEvent, Micros, NotificationEvent, Number, Origin, Packet,
    ProfileUpdated, Raw, Reason, RulesPublished, SessionEnded, SessionId, SessionStarted, SharingChanged,
    Signal, Tag, UserId, Vitals, time::DAY,
};
use std::{collections::BTreeMap, f64::consts::TAU};

/// A multiple of the hop, in the order of today.
pub(crate) const START: Micros = 1_767_225_600 * SECOND;

/// A linear congruential generator (Knuth's constants): the same draws for the same seed.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % end as u64) as i64
    }

    pub(crate) fn percent(&mut self, share: i64) -> bool {
        self.below(100) < share
    }
}

/// Writes records to the lanes of a log.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) offsets: BTreeMap<(Input, u32), u64>,
    pub(crate) clock: Micros,
    pub(crate) written: Vec<Datum>,
    /// The newest record that was bad.
    pub(crate) bad: Option<Fault>,
}

impl Log {
    fn origin(&mut self, input: Input, partition: u32) -> Origin {
        let next = self.offsets.entry((input, partition)).or_default();
        *next += 1;
        Origin { input, partition, offset: *next }
    }

    fn raw(&self) -> Raw {
        Raw { recorded_at: self.clock, ..Raw::default() }
    }

    pub(crate) fn event(&mut self, partition: u32, event: DomainEvent) {
        let origin = self.origin(event.input(), partition);
        let event = match event {
            DomainEvent::Vitals(vitals) => DomainEvent::Vitals(Vitals { origin, ..vitals }),
            DomainEvent::SessionStarted(event) => {
                DomainEvent::SessionStarted(SessionStarted { origin, ..event })
            }
            DomainEvent::SessionEnded(event) => DomainEvent::SessionEnded(SessionEnded { origin, ..event }),
            DomainEvent::Calibration(event) => {
                DomainEvent::Calibration(CalibrationCompleted { origin, ..event })
            }
            DomainEvent::Cartridge(event) => DomainEvent::Cartridge(CartridgeEvent { origin, ..event }),
            DomainEvent::Profile(event) => DomainEvent::Profile(ProfileUpdated { origin, ..event }),
            DomainEvent::Sharing(event) => DomainEvent::Sharing(SharingChanged { origin, ..event }),
            DomainEvent::Notification(event) => {
                DomainEvent::Notification(NotificationEvent { origin, ..event })
            }
            DomainEvent::Rules(event) => DomainEvent::Rules(RulesPublished { origin, ..event }),
            DomainEvent::Goal(event) => DomainEvent::Goal(GoalEvent { origin, ..event }),
            DomainEvent::Glucose(reading) => DomainEvent::Glucose(GlucoseReading { origin, ..reading }),
            DomainEvent::Laboratory(event) => DomainEvent::Laboratory(LaboratoryEvent { origin, ..event }),
        };
        let raw = self.raw();
        self.written.push(Datum::Event { event, raw });
    }

    pub(crate) fn packet(&mut self, partition: u32, packet: Packet) {
        let origin = self.origin(Input::Packets, partition);
        let raw = self.raw();
        self.written.push(Datum::Packet(Packet { origin, raw, ..packet }));
    }

    fn garbage(&mut self, partition: u32) {
        let origin = self.origin(Input::Packets, partition);
        let raw = self.raw();
        let detail = "made to be bad".to_owned();
        let fault = Fault { origin, reason: Reason::BadEnvelope, detail, raw };
        self.bad = Some(fault.clone());
        self.written.push(Datum::Fault(fault));
    }

    /// Sends the newest bad record again, if it is not old: repaired, or as bad as it was or in another way.
    fn again(&mut self, dice: &mut Dice) {
        let recent = |fault: &Fault| self.clock - fault.raw.recorded_at < HORIZON / 2;
        let Some(letter) = self.bad.clone().filter(recent) else { return };
        let origin = self.origin(letter.origin.input, letter.origin.partition);
        let raw = Raw { headers: Again::headers(&letter, false), ..letter.raw.clone() };
        self.written.push(match dice.below(3) {
            0 => {
                let packet = packet(&format!("repaired {origin}"), 0, self.clock, 0.0);
                Datum::Packet(Packet { origin, raw, arrival: Arrival::End, ..packet })
            }
            1 => Datum::Fault(Fault { origin, raw, ..letter }),
            _ => {
                // A letter that has another reason from now on.
                let anew = Fault { reason: Reason::BadLength, ..letter.clone() };
                self.bad = Some(anew.clone());
                Datum::Fault(Fault { origin, raw, ..anew })
            }
        });
    }
}

pub(crate) const NOWHERE: Origin = Origin { input: Input::Vitals, partition: 0, offset: 0 };

pub(crate) fn vitals(user: i64, at: Micros, ill: bool) -> DomainEvent {
    let sign = |value| Number::finite(value);
    DomainEvent::Vitals(Vitals {
        user: UserId::derive(&[&user.to_string()]),
        at,
        event: EventId::derive(&["vitals", &user.to_string(), &at.to_string()]),
        hr: None,
        pulse: sign(if ill { 120.0 } else { 70.0 }),
        resp: sign(if ill { 26.0 } else { 15.0 }).filter(|_| at % (3 * SECOND) != 0),
        spo2: sign(97.0),
        systolic: sign(if ill { 190.0 } else { 115.0 }).filter(|_| at % (2 * SECOND) == 0),
        diastolic: sign(75.0).filter(|_| at % (2 * SECOND) == 0),
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: NOWHERE,
    })
}

pub(crate) fn started(session: &str, at: Micros) -> DomainEvent {
    DomainEvent::SessionStarted(SessionStarted {
        event: EventId::derive(&["started", session, &at.to_string()]),
        session: SessionId::derive(&[session]),
        user: UserId::derive(&[session]),
        device: "device".to_owned(),
        at,
        origin: NOWHERE,
    })
}

pub(crate) fn ended(session: &str, at: Micros) -> DomainEvent {
    DomainEvent::SessionEnded(SessionEnded {
        event: EventId::derive(&["ended", session, &at.to_string()]),
        session: SessionId::derive(&[session]),
        at,
        status: "completed".to_owned(),
        origin: NOWHERE,
    })
}

const GLUCOSE: CartridgeKind = CartridgeKind { category: 1, kind: 1 };

/// Something about one of two devices or three cartridges: what holds or lives ends within the minutes.
fn supplied(at: Micros, dice: &mut Dice) -> DomainEvent {
    let event = EventId::derive(&["supplied", &at.to_string()]);
    let ends = at + dice.below(90) * SECOND;
    let device = format!("device {}", dice.below(2));
    if dice.percent(50) {
        let source = CalibrationSource::ALL[dice.below(3) as usize];
        // Eight days of which the first is over at the end: it begins to expire.
        let validity_days = if dice.percent(50) { 8 } else { 1 };
        return DomainEvent::Calibration(CalibrationCompleted {
            event,
            device,
            cartridge: GLUCOSE,
            id: format!("{event}"),
            source,
            alpha: None,
            score: None,
            reference_values: Vec::new(),
            coefficients_hash: None,
            calibrated_at: ends - DAY,
            validity_days: Some(validity_days),
            at,
            origin: NOWHERE,
        });
    }
    let uses_left = dice.below(4) as u16;
    let label = CartridgeLabel { kind: GLUCOSE, lot: "lot".to_owned(), expires_at: ends, uses_left };
    let change = match dice.below(4) {
        0 => CartridgeChange::Depleted,
        1 => CartridgeChange::Replaced { device, label },
        _ => CartridgeChange::Verified { device: Some(device), label },
    };
    let uid = CartridgeUid::new((dice.below(3) as u64).to_be_bytes());
    DomainEvent::Cartridge(CartridgeEvent { at, event, uid, change, origin: NOWHERE })
}

/// Something about a device or a cartridge now and then, when it comes and on which lane.
fn delivered(clock: Micros, supplies: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !supplies.percent(30) {
        return None;
    }
    let event = supplied(clock - supplies.below(50) * SECOND, supplies);
    Some((clock + supplies.below(9) * SECOND, supplies.below(2) as u32, event))
}

/// Second `number` of a session that began at `start`, whose pulse has `bpm` beats a minute.
pub(crate) fn packet(session: &str, number: i64, start: Micros, bpm: f64) -> Packet {
    let wave = |sample: i64| {
        let phase = TAU * bpm / 60.0 * (number * 125 + sample) as f64 / 125.0;
        (phase.cos().exp() + 0.2 * (2.0 * phase).sin()) as f32
    };
    Packet {
        session: SessionId::derive(&[session]),
        user: UserId::derive(&[session]),
        origin: NOWHERE,
        signal: Signal::Pulse,
        period_us: 8_000,
        sequence: number as u32,
        sequence_bits: 32,
        stamp_us: start + number * SECOND,
        device: None,
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: 125,
            det: (0..125).map(wave).collect(),
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw::default(),
    }
}

/// The same second of the same person's breath, heart and cartridge, each a session of its own.
fn twins(pulse: &Packet, session: &str, number: i64) -> [Packet; 3] {
    let made = |name: &str, signal: Signal, rate: i64, wave: fn(f64) -> f64| {
        let samples: Vec<f32> =
            (0..rate).map(|sample| wave(number as f64 + sample as f64 / rate as f64) as f32).collect();
        Packet {
            session: SessionId::derive(&[name, session]),
            signal,
            period_us: (SECOND / rate) as u32,
            arrival: Arrival::Samples {
                channels: 1,
                samples: rate as u16,
                det: samples,
                reference: Vec::new(),
                environment: Environment::default(),
            },
            ..pulse.clone()
        }
    };
    [
        made("breath", Signal::Respiration, 25, |seconds| (TAU * 0.27 * seconds).sin()),
        made("heart", Signal::Ecg, 125, |seconds| (-((seconds % 0.85 - 0.4) / 0.02).powi(2)).exp()),
        measured(pulse, session, number),
    ]
}

/// The same second of a gas array that nears its plateau.
fn measured(pulse: &Packet, session: &str, number: i64) -> Packet {
    let rise = |place: i64| {
        let (channel, sample) = (place / 20, number * 20 + place % 20);
        let seconds = sample as f64 / 20.0;
        let noise = ((sample * 37 + channel * 11) % 23) as f64 * 1e-3;
        (noise + (1.0 + channel as f64) * (1.0 - (-seconds / 3.0).exp())) as f32
    };
    Packet {
        session: SessionId::derive(&["cartridge", session]),
        signal: Signal::Channels,
        period_us: 50_000,
        cartridge: (number == 0).then(|| Box::new(Cartridge { tag: Some(tag()), calibration: None })),
        arrival: Arrival::Samples {
            channels: 8,
            samples: 20,
            det: (0..160).map(rise).collect(),
            reference: vec![0.25; 160],
            environment: Environment { temperature_c: 25.0, battery_percent: 90, ..Environment::default() },
        },
        ..pulse.clone()
    }
}

fn tag() -> Tag {
    let number = |value: f64| Number::finite(value).unwrap();
    Tag {
        uid: [7; 8],
        kind: Some(CartridgeKind { category: 4, kind: 1 }),
        legacy: 0,
        lot: "lot".to_owned(),
        expires_at: Micros::MAX,
        uses_left: 1,
        uses: 1,
        channels: 8,
        seconds: 30,
        authentic: true,
        needs_calibration: false,
        alpha: number(0.9),
        per_celsius: number(0.0),
        per_percent: number(0.0),
    }
}

/// When a packet is sent, as fate has it: never, late, too late, twice, or now.
fn sent(packet: Packet, number: i64, fate: i64) -> Vec<(i64, Packet)> {
    match fate {
        0 => Vec::new(),
        1 => vec![(number + 4, packet)],
        2 => vec![(number + 45, packet)],
        3 => vec![(number, packet.clone()), (number + 1, packet)],
        _ => vec![(number, packet)],
    }
}

/// The ends of a session that has sent `next` seconds, and when they are sent.
fn stops(session: &str, next: i64, start: Micros, number: i64) -> [(i64, Packet); 4] {
    let pulse = |next| packet(session, next, start, 0.0);
    let cartridge = |next| measured(&pulse(next), session, next);
    let stop = |packet| Packet { arrival: Arrival::End, ..packet };
    [
        (number + 1, stop(pulse(next))),
        // The cartridge's device stops, and goes on for a second.
        (number + 1, stop(cartridge(next))),
        (number + 3, cartridge(next)),
        (number + 6, stop(cartridge(next + 1))),
    ]
}

/// Minutes on the ward, cut into epochs.
pub(crate) fn minutes(seed: u64) -> Vec<Feed> {
    let (mut dice, mut repairs) = (Dice::new(seed), Dice::new(!seed));
    let mut supplies = Dice::new(seed.rotate_left(32));
    let mut voices = Voices::new(seed);
    let mut log = Log { clock: START, ..Log::default() };
    let mut epochs = Vec::new();
    let mut waiting: Vec<(Micros, u32, DomainEvent)> = Vec::new();
    let mut streams: Vec<(String, i64, Micros, f64)> = Vec::new();
    let mut held: Vec<(i64, Packet)> = Vec::new();
    for number in 0..150_i64 {
        // Mostly a second; rarely a silence, longer than anything is remembered.
        let silence = dice.percent(3);
        log.clock += if silence { HORIZON + dice.below(100) * SECOND } else { SECOND };
        let clock = log.clock;
        // Everybody leaves for a while: with an alert open, or with one about to be raised.
        let present = |(_, left): &(i64, i64)| !(*left..*left + 70).contains(&number);
        for (user, _) in [(0, 10), (1, 43), (2, 20)].into_iter().filter(present) {
            let event = vitals(user, clock - dice.below(3) * SECOND, (number + 17 * user) % 50 < 14);
            let lane = dice.below(2) as u32;
            let delay = if dice.percent(20) { dice.below(60) * SECOND } else { 0 };
            waiting.push((clock + delay, lane, event.clone()));
            if dice.percent(10) {
                waiting.push((clock + dice.below(80) * SECOND, 1 - lane, event));
            }
        }
        if streams.len() < 2 && dice.percent(20) {
            let name = format!("session {number}");
            waiting.push((clock + dice.below(9) * SECOND, 0, started(&name, clock)));
            let bpm = if dice.percent(50) { 150.0 } else { 72.0 };
            streams.push((name, 0, clock - clock % (5 * SECOND), bpm));
        }
        for (name, next, start, bpm) in &mut streams {
            let packet = packet(name, *next, *start, *bpm);
            let twins = twins(&packet, name, *next);
            *next += 1;
            let fate = dice.below(20);
            held.extend([packet].into_iter().chain(twins).flat_map(|packet| sent(packet, number, fate)));
        }
        if let Some(over) = streams.iter().position(|(_, next, _, _)| *next > 22)
            && dice.percent(20)
        {
            let (name, next, start, _) = streams.remove(over);
            if dice.percent(70) {
                held.extend(stops(&name, next, start, number));
                let told = clock + dice.below(30) * SECOND;
                // What is told of a session that by its device's clock fell silent that long ago is of another one: as
                // meant.
                if clock - (start + next * SECOND) < HORIZON {
                    waiting.push((told, 1, ended(&name, clock)));
                }
            }
        }
        if dice.percent(5) {
            log.garbage(dice.below(3) as u32);
        }
        waiting.extend(delivered(clock, &mut supplies));
        waiting.extend(voices.say(number, clock));
        if repairs.percent(10) {
            log.again(&mut repairs);
        }
        let (due, later): (Vec<_>, _) = waiting.into_iter().partition(|(at, ..)| *at <= clock);
        waiting = later;
        for (_, lane, event) in due {
            log.event(lane, event);
        }
        let (due, later): (Vec<_>, _) = held.into_iter().partition(|(at, _)| *at <= number);
        held = later;
        for (_, packet) in due {
            log.packet(packet.session.as_u128() as u32 % 3, packet);
        }
        if dice.percent(50) {
            epochs.push((clock + dice.below(3) * SECOND, std::mem::take(&mut log.written)));
        }
    }
    ticked(epochs)
}
