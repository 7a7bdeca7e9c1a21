//! What sensors read and laboratories find: some of it late, twice, corrected and taken back.

use super::{NOWHERE, START, Sent, event, send};
use crate::sim::{dice::Dice, plan::Plan};
use model::{
    DomainEvent, EventId, GlucoseReading, LaboratoryEvent, LaboratoryValue, Micros, Number, ResultId, UserId,
    time::SECOND,
};

/// A reading every ten seconds, and a word on a result now and then.
pub(super) fn send_all(plan: &Plan, user: u32, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let name = format!("{}-{user}", plan.seed);
    let user = UserId::derive(&["sim", &name]);
    for second in (0..plan.seconds).step_by(10) {
        let at = START + Micros::from(second) * SECOND;
        let id = |what: &str| EventId::derive(&["sim", what, &name, &second.to_string()]);
        let glucose = Number::from(dice.within(40..300) as u32);
        let reading =
            GlucoseReading { at, user, event: id("reading"), glucose, comparator: None, origin: NOWHERE };
        send(plan, at, event(plan, &DomainEvent::Glucose(reading)), dice, sent);
        if dice.permille(300) {
            let value = dice.permille(800).then(|| LaboratoryValue {
                code: "2524-7".into(),
                value: Number::from(dice.below(8) as u32),
                unit: "mmol/L".into(),
            });
            let result = ResultId::derive(&["sim", &name, &dice.below(2).to_string()]);
            let said = LaboratoryEvent { at, event: id("result"), user, result, value, origin: NOWHERE };
            send(plan, at, event(plan, &DomainEvent::Laboratory(said)), dice, sent);
        }
    }
}
