//! Made-up events about a few devices and cartridges, dealt out to epochs in any order, some of them twice.

use model::{
    CalibrationCompleted, CalibrationSource, CartridgeChange, CartridgeEvent, CartridgeKind, CartridgeLabel,
    CartridgeUid, DomainEvent, EventId, Input, Micros, Number, Origin, time::DAY,
};
use proptest::prelude::*;

pub(crate) const START: Micros = 1_767_225_600_000_000;

/// One epoch.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) now: Micros,
    pub(crate) watermark: Micros,
    pub(crate) events: Vec<DomainEvent>,
}

impl Feed {
    pub(crate) fn idle(now: Micros) -> Self {
        Self { now, watermark: now - DAY, events: Vec::new() }
    }
}

/// What happens, and in which of the epochs it arrives; a copy in another one.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    what: u8,
    who: u32,
    /// Days from the start, and whether to the microsecond off.
    at: i64,
    /// Days of validity or of life, or uses.
    much: u16,
    arrives: usize,
    copied: Option<usize>,
}

/// Events, and how time steps: days, and where to a boundary instead, how far off in microseconds.
pub(crate) type Fates = (Vec<Fate>, Vec<(i64, Option<(usize, i64)>)>);

pub(crate) fn fates() -> impl Strategy<Value = Fates> {
    let fate =
        (0_u8..8, 0_u32..3, 0_i64..60, 1_u16..40, 0_usize..12, prop::option::weighted(0.3, 0_usize..12));
    let fate =
        fate.prop_map(|(what, who, at, much, arrives, copied)| Fate { what, who, at, much, arrives, copied });
    let step = (0_i64..15, prop::option::weighted(0.6, (any::<prop::sample::Index>(), -1_i64..2)));
    let step = step.prop_map(|(days, exact)| (days, exact.map(|(which, off)| (which.index(1_000), off))));
    (prop::collection::vec(fate, 1..30), prop::collection::vec(step, 3..12))
}

/// The epochs that `fates` make: each now is a step on, or at a boundary that some event has.
pub(crate) fn feeds((fates, steps): &Fates) -> Vec<Feed> {
    let mut bounds: Vec<Micros> =
        fates.iter().enumerate().flat_map(|(place, fate)| ends(&fate.event(place))).collect();
    bounds.sort_unstable();
    let mut now = START;
    let mut feeds: Vec<Feed> = Vec::new();
    for (days, exact) in steps {
        let next = now + days * DAY;
        let ahead: Vec<Micros> =
            bounds.iter().copied().filter(|bound| *bound > now && *bound <= next + 20 * DAY).collect();
        now = match exact {
            Some((which, off)) if !ahead.is_empty() => (ahead[which % ahead.len()] + off).max(now),
            _ => next,
        };
        feeds.push(Feed::idle(now));
    }
    let count = feeds.len();
    for (place, fate) in fates.iter().enumerate() {
        let event = fate.event(place);
        feeds[fate.arrives % count].events.push(event.clone());
        if let Some(copied) = fate.copied {
            // Farther on in another partition.
            let copy = moved(event, Origin { input: Input::Cartridges, partition: 3, offset: place as u64 });
            feeds[copied % count].events.insert(0, copy);
        }
    }
    feeds
}

/// The moments at which an event makes a row change.
fn ends(event: &DomainEvent) -> Vec<Micros> {
    match event {
        DomainEvent::Calibration(completed) => {
            let end = completed.calibrated_at + i64::from(completed.validity_days.unwrap_or(30)) * DAY;
            vec![end, end - 7 * DAY]
        }
        DomainEvent::Cartridge(event) => {
            event.change.label().map(|label| label.expires_at).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

impl Fate {
    fn event(&self, place: usize) -> DomainEvent {
        let (at, days) = (START + self.at * DAY, i64::from(self.much));
        let event = match self.what {
            0 => calibration(CalibrationSource::Factory, self.who, at, Some(self.much)),
            1 => field(self.who, at, self.much),
            2 => auto(self.who, at, self.much),
            3 => calibration(CalibrationSource::Field, self.who, at, None),
            4 | 5 => verified(self.who, at, at + days * DAY, self.much % 5 + u16::from(self.what == 5)),
            6 => depleted(self.who, at),
            _ => replaced(self.who, at, at + days * DAY, self.much),
        };
        moved(event, Origin { input: Input::Cartridges, partition: 1, offset: place as u64 })
    }
}

/// The same event, elsewhere on the log.
fn moved(event: DomainEvent, origin: Origin) -> DomainEvent {
    match event {
        DomainEvent::Calibration(event) => DomainEvent::Calibration(CalibrationCompleted { origin, ..event }),
        DomainEvent::Cartridge(event) => DomainEvent::Cartridge(CartridgeEvent { origin, ..event }),
        other => other,
    }
}

const NOWHERE: Origin = Origin { input: Input::Cartridges, partition: 0, offset: 0 };
const KIND: CartridgeKind = CartridgeKind { category: 1, kind: 1 };

pub(crate) fn device(who: u32) -> String {
    format!("device {who}")
}

pub(crate) fn uid(who: u32) -> CartridgeUid {
    CartridgeUid::new(u64::from(who).to_be_bytes())
}

fn calibration(source: CalibrationSource, who: u32, at: Micros, validity_days: Option<u16>) -> DomainEvent {
    let id = format!("{} {who} {at} {validity_days:?}", source.name());
    DomainEvent::Calibration(CalibrationCompleted {
        event: EventId::derive(&[&id]),
        device: device(who),
        cartridge: KIND,
        id,
        source,
        alpha: Number::finite(0.9).filter(|_| source == CalibrationSource::Factory),
        score: None,
        reference_values: vec![Number::from(7)],
        coefficients_hash: None,
        calibrated_at: at,
        validity_days,
        at,
        origin: NOWHERE,
    })
}

pub(crate) fn field(who: u32, at: Micros, days: u16) -> DomainEvent {
    calibration(CalibrationSource::Field, who, at, Some(days))
}

pub(crate) fn auto(who: u32, at: Micros, days: u16) -> DomainEvent {
    calibration(CalibrationSource::Auto, who, at, Some(days))
}

fn cartridge(who: u32, at: Micros, change: CartridgeChange) -> DomainEvent {
    let event = EventId::derive(&[&format!("{who} {at} {change:?}")]);
    DomainEvent::Cartridge(CartridgeEvent { at, event, uid: uid(who), change, origin: NOWHERE })
}

fn label(expires_at: Micros, uses_left: u16) -> CartridgeLabel {
    CartridgeLabel { kind: KIND, lot: format!("lot {uses_left}"), expires_at, uses_left }
}

pub(crate) fn verified(who: u32, at: Micros, expires_at: Micros, uses: u16) -> DomainEvent {
    let device = Some(device(who)).filter(|_| uses.is_multiple_of(2));
    cartridge(who, at, CartridgeChange::Verified { device, label: label(expires_at, uses) })
}

pub(crate) fn depleted(who: u32, at: Micros) -> DomainEvent {
    cartridge(who, at, CartridgeChange::Depleted)
}

fn replaced(who: u32, at: Micros, expires_at: Micros, uses: u16) -> DomainEvent {
    let change = CartridgeChange::Replaced { device: device(who + 1), label: label(expires_at, uses) };
    cartridge(who, at, change)
}
