//! Calibrations and cartridges of a device: some hold, some expire or are used up while it runs.

use super::{NOWHERE, START, Sent, event, send};
use crate::sim::{dice::Dice, plan::Plan};
use model::{
    CalibrationCompleted, CalibrationSource, CartridgeChange, CartridgeEvent, CartridgeKind, CartridgeLabel,
    CartridgeUid, DomainEvent, EventId, Micros, Number,
    time::{DAY, SECOND},
};

/// Seconds between two events of a device.
const EVERY: usize = 8;

/// Sends what happens to the supply of the device of `user`.
pub(super) fn send_all(plan: &Plan, user: u32, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let device = format!("device-{}-{user}", plan.seed);
    for second in (0..plan.seconds).step_by(EVERY) {
        let at = START + Micros::from(second) * SECOND;
        let id = EventId::derive(&["sim", "supply", &device, &second.to_string()]);
        let happened = if dice.permille(500) {
            DomainEvent::Calibration(calibration(&device, id, at, dice))
        } else {
            DomainEvent::Cartridge(cartridge(&device, id, at, dice))
        };
        send(plan, at, event(plan, &happened), dice, sent);
    }
}

fn kind(dice: &mut Dice) -> CartridgeKind {
    CartridgeKind { category: 1, kind: dice.within(1..3) as u8 }
}

/// Within the run or a day of it, or a week away: every state has its turn.
fn soon(at: Micros, dice: &mut Dice) -> Micros {
    let seconds = dice.below(60) as Micros * SECOND;
    at + seconds + [0, 7 * DAY, 40 * DAY][dice.below(3) as usize]
}

fn calibration(device: &str, id: EventId, at: Micros, dice: &mut Dice) -> CalibrationCompleted {
    let source = CalibrationSource::ALL[dice.below(3) as usize];
    let days = 50;
    CalibrationCompleted {
        event: id,
        device: device.to_owned(),
        cartridge: kind(dice),
        id: format!("calibration-{id}"),
        source,
        alpha: (source == CalibrationSource::Factory).then(|| Number::finite(0.95)).flatten(),
        score: Number::finite(0.5),
        reference_values: Number::finite(5.5).into_iter().collect(),
        coefficients_hash: None,
        calibrated_at: (soon(at, dice) - Micros::from(days) * DAY).min(at),
        validity_days: Some(days),
        at,
        origin: NOWHERE,
    }
}

fn cartridge(device: &str, id: EventId, at: Micros, dice: &mut Dice) -> CartridgeEvent {
    let label = CartridgeLabel {
        kind: kind(dice),
        lot: "LOT00001".into(),
        expires_at: soon(at, dice),
        uses_left: dice.below(4) as u16,
    };
    let change = match dice.below(6) {
        0 => CartridgeChange::Depleted,
        1 => CartridgeChange::Replaced { device: device.to_owned(), label },
        _ => CartridgeChange::Verified { device: dice.permille(500).then(|| device.to_owned()), label },
    };
    let uid = CartridgeUid::new([4, 0, 0, 0, 0, 0, 0, dice.below(3) as u8]);
    CartridgeEvent { at, event: id, uid, change, origin: NOWHERE }
}
