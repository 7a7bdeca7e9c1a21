//! Who people are, and rule sets that are published while they are observed: with another limit, as they ship, or such
//! that they cannot be read.

use super::{NOWHERE, START, Sent, event, send};
use crate::sim::{dice::Dice, plan::Plan};
use model::{
    Date, DomainEvent, EventId, Micros, Profile, ProfileUpdated, RulesPublished, UserId, time::SECOND,
};
use operators::risk::set::Rulebook;

/// The profile of one person; of every fourth nobody knows it.
pub(super) fn profile(plan: &Plan, user: u32, dice: &mut Dice, sent: &mut Vec<Sent>) {
    if dice.permille(250) {
        return;
    }
    let name = format!("{}-{user}", plan.seed);
    let profile = Profile { birth_date: Date::new(1950, 5, 1), ..Profile::default() };
    let at = START + dice.below(u64::from(plan.seconds)) as Micros * SECOND / 4;
    let updated = DomainEvent::Profile(ProfileUpdated {
        at,
        event: EventId::derive(&["sim", "profile", &name]),
        user: UserId::derive(&["sim", &name]),
        profile,
        origin: NOWHERE,
    });
    send(plan, at, event(plan, &updated), dice, sent);
}

/// Up to three sets, at any time of the run.
pub(super) fn publish(plan: &Plan, dice: &mut Dice, sent: &mut Vec<Sent>) {
    for number in 0..dice.below(4) {
        let at = START + dice.below(u64::from(plan.seconds)) as Micros * SECOND;
        let changes: &[(&str, &str)] = match dice.below(4) {
            // One criterion is enough.
            0 | 1 => &[("at_most = 1\n", "at_most = 0\n"), ("at_least = 2\n", "at_least = 1\n")],
            2 => &[],
            _ => &[("[[rule.total]]", "[[rule.totals]]")],
        };
        let shipped = Rulebook::text("inflammation").expect("it ships").to_owned();
        let text = changes.iter().fold(shipped, |text, (former, latter)| text.replace(former, latter));
        let text = text.replace("effective = 20", "effective = 19");
        let published = DomainEvent::Rules(RulesPublished {
            at,
            event: EventId::derive(&["sim", "rules", &plan.seed.to_string(), &number.to_string()]),
            set: "inflammation".to_owned(),
            text: text.replace("version = \"1.0\"", &format!("version = \"sim.{number}\"")),
            origin: NOWHERE,
        });
        send(plan, at, event(plan, &published), dice, sent);
    }
}
