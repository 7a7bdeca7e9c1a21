//! What is said on the ward of people, to them, of the rules and of goals, what their sensors read and laboratories find; made
//! up from one seed.

use crate::{
    graph::SECOND,
    ward::{Dice, NOWHERE, START},
};
use model::{
    Comparator, Date, DomainEvent, EventId, GlucoseReading, GoalChange, GoalEvent, GoalId, GoalKind,
    GoalTerms, LaboratoryEvent, LaboratoryValue, Micros, NotificationEvent, Number, Profile, ProfileUpdated,
    Region, ResultId, RulesPublished, Sex, Sharing, SharingChanged, UserId,
    consent::{ALERTS, FAMILY_SHARING},
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
    time::DAY,
};
use operators::risk::set::Rulebook;

/// A person's profile: mostly of one whom rules are for.
pub(crate) fn profile(user: i64, at: Micros, which: i64) -> DomainEvent {
    let adult = Profile { birth_date: Date::new(1950, 5, 1), sex: Some(Sex::Male), ..Profile::default() };
    let profile = match which {
        0 => Profile { pregnant: Some(true), ..adult },
        1 => Profile::default(),
        2 => Profile { region: Some(Region::Europe), ..adult },
        _ => adult,
    };
    DomainEvent::Profile(ProfileUpdated {
        at,
        event: EventId::derive(&["profile", &user.to_string(), &at.to_string()]),
        user: UserId::derive(&[&user.to_string()]),
        profile,
        origin: NOWHERE,
    })
}

/// Somebody's profile, when it comes and on which lane: soon everybody's, and now and then another.
fn updated(number: i64, clock: Micros, people: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if number % 40 != 2 && !people.percent(3) {
        return None;
    }
    let user = (number / 40).min(2);
    let event = profile(user, clock - people.below(20) * SECOND, people.below(9));
    Some((clock + people.below(30) * SECOND, people.below(2) as u32, event))
}

/// Something about who may hear of somebody's risks, likewise.
fn shared(number: i64, clock: Micros, circle: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if number > 6 && !circle.percent(10) {
        return None;
    }
    let (user, at) = (circle.below(3), clock - circle.below(20) * SECOND);
    let sharing = match circle.below(6) {
        0..=2 => Sharing::Granted(FAMILY_SHARING.to_owned()),
        3 if number > 6 => Sharing::Revoked(FAMILY_SHARING.to_owned()),
        _ => Sharing::Shared {
            member: UserId::derive(&["member", &circle.below(2).to_string()]),
            data: Some(ALERTS.to_owned()).filter(|_| circle.percent(80)).into_iter().collect(),
        },
    };
    let event = EventId::derive(&["sharing", &number.to_string()]);
    let user = UserId::derive(&[&user.to_string()]);
    let event = DomainEvent::Sharing(SharingChanged { at, event, user, sharing, origin: NOWHERE });
    Some((clock + circle.below(30) * SECOND, circle.below(2) as u32, event))
}

/// Something about somebody's notifications: one is asked for or read, or they want quiet for a minute or two.
fn notified(number: i64, clock: Micros, desk: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !desk.percent(40) {
        return None;
    }
    let id = |number: i64| EventId::derive(&["notified", &number.to_string()]);
    let (mut whose, at) = (number % 3, clock - desk.below(20) * SECOND);
    let change = match desk.below(4) {
        0 => {
            let (from, length) = (desk.below(5) as u16, 1 + desk.below(2) as u16);
            // Their midnight is a minute or two from now.
            let offset = -((clock - START) / (60 * SECOND)) as i16 - 1 - desk.below(2) as i16;
            let quiet = desk.percent(80).then_some(QuietHours { from, until: from + length, offset });
            NotificationChange::Settings(NotificationSettings { quiet, language: Language::English })
        }
        1 => {
            let which = desk.below(number + 1);
            whose = which % 3;
            NotificationChange::Read(id(which))
        }
        priority => NotificationChange::Requested {
            kind: "a kind".to_owned(),
            title: "a title".to_owned(),
            body: "a body".to_owned(),
            priority: if priority == 2 { Priority::Critical } else { Priority::Normal },
            channel: Channel::InApp,
        },
    };
    let (event, user) = (id(number), UserId::derive(&[&whose.to_string()]));
    let event = DomainEvent::Notification(NotificationEvent { at, event, user, change, origin: NOWHERE });
    Some((clock + desk.below(30) * SECOND, desk.below(2) as u32, event))
}

/// A goal of somebody, of the day that ends a minute or two from now or of the week, set or removed.
fn aimed(number: i64, clock: Micros, aims: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !aims.percent(90) {
        return None;
    }
    let (_, of_all) = GoalKind::ALL[aims.below(3) as usize];
    let kind = if aims.percent(60) { GoalKind::PerDay } else { of_all };
    let at = clock - aims.below(20) * SECOND;
    let biomarker = (kind != GoalKind::PerDay).then(|| "glucose".to_owned());
    let from = (START / DAY) as i32 - aims.below(3) as i32;
    let terms = GoalTerms { kind, target: 1, biomarker, from, until: from + 6 + aims.below(9) as i32 };
    let change = if aims.percent(80) { GoalChange::Set(terms) } else { GoalChange::Removed };
    // Cartridges are measured by people who have the names of their sessions; who has a midnight soon measures none.
    let measures = format!("session {}", aims.below(number + 1));
    let user = if aims.percent(50) { measures } else { aims.below(3).to_string() };
    let user = UserId::derive(&[&user]);
    let (event, goal) = (EventId::derive(&["aimed", &number.to_string()]), GoalId::derive(&["goal"]));
    let event = DomainEvent::Goal(GoalEvent { at, event, user, goal, change, origin: NOWHERE });
    Some((clock + aims.below(30) * SECOND, aims.below(2) as u32, event))
}

/// A rule set, now and then, of those that move what everybody's pressure and breathing mean.
fn published(number: i64, clock: Micros, rules: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !rules.percent(5) {
        return None;
    }
    let (set, changes): (_, &[(&str, &str)]) = match rules.below(4) {
        0 => ("blood_pressure", &[("below = 130", "below = 122"), ("at_least = 130", "at_least = 122")]),
        1 => ("blood_pressure", &[("above = 180", "above = 195")]),
        2 => ("inflammation", &[("at_most = 1\n", "at_most = 0\n"), ("at_least = 2\n", "at_least = 1\n")]),
        _ => ("inflammation", &[]),
    };
    let text = Rulebook::text(set).unwrap().replace("effective = 20", "effective = 19");
    let text = changes.iter().fold(text, |text, (former, latter)| text.replace(former, latter));
    let text = text.replace("version = \"1.0\"", &format!("version = \"made {number}\""));
    let (at, event) = (clock - rules.below(20) * SECOND, EventId::derive(&["rules", &number.to_string()]));
    let event = DomainEvent::Rules(RulesPublished { at, event, set: set.to_owned(), text, origin: NOWHERE });
    Some((clock + rules.below(30) * SECOND, 0, event))
}

/// A reading of somebody's sensor.
pub(crate) fn reading(user: i64, at: Micros, glucose: u32) -> DomainEvent {
    DomainEvent::Glucose(GlucoseReading {
        at,
        user: UserId::derive(&[&user.to_string()]),
        event: EventId::derive(&["reading", &user.to_string(), &at.to_string()]),
        glucose: Number::from(glucose),
        comparator: (glucose == 40).then_some(Comparator::Below),
        origin: NOWHERE,
    })
}

/// A word on a lactate of the first person.
pub(crate) fn result(at: Micros, which: i64, value: Option<u32>) -> DomainEvent {
    let value = value.map(|value| LaboratoryValue {
        code: "2524-7".to_owned(),
        value: Number::from(value),
        unit: "mmol/L".to_owned(),
    });
    DomainEvent::Laboratory(LaboratoryEvent {
        at,
        event: EventId::derive(&["result", &at.to_string()]),
        user: UserId::derive(&["0"]),
        result: ResultId::derive(&[&which.to_string()]),
        value,
        origin: NOWHERE,
    })
}

/// What somebody's sensor reads; first it is still the day before.
fn worn(clock: Micros, sensor: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !sensor.percent(60) {
        return None;
    }
    let (user, at) = (sensor.below(3), clock - sensor.below(30) * SECOND);
    let glucose = 40 + sensor.below(60) as u32 + 200 * u32::from(sensor.percent(20));
    let event = reading(user, at, glucose);
    Some((clock + sensor.below(30) * SECOND, sensor.below(2) as u32, event))
}

/// Something about one of a few results of somebody.
fn examined(number: i64, clock: Micros, clinic: &mut Dice) -> Option<(Micros, u32, DomainEvent)> {
    if !clinic.percent(40) {
        return None;
    }
    let (user, at) = (clinic.below(3), clock - clinic.below(20) * SECOND);
    let (code, unit, most) = match clinic.below(3) {
        0 => ("2524-7", "mmol/L", 6),
        1 => ("6690-2", "10*9/L", 20),
        _ => ("2951-2", "mmol/L", 160),
    };
    let value = Number::from(clinic.below(most) as u32);
    let value = LaboratoryValue { code: code.to_owned(), value, unit: unit.to_owned() };
    let event = LaboratoryEvent {
        at,
        event: EventId::derive(&["examined", &number.to_string()]),
        user: UserId::derive(&[&user.to_string()]),
        result: ResultId::derive(&[&clinic.below(3).to_string()]),
        value: clinic.percent(80).then_some(value),
        origin: NOWHERE,
    };
    Some((clock + clinic.below(30) * SECOND, clinic.below(2) as u32, DomainEvent::Laboratory(event)))
}

/// All who say something of people, to them, or of rules.
#[derive(Debug)]
pub(crate) struct Voices {
    people: Dice,
    circle: Dice,
    desk: Dice,
    rules: Dice,
    aims: Dice,
    sensor: Dice,
    clinic: Dice,
}

impl Voices {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            people: Dice::new(seed.rotate_left(16)),
            circle: Dice::new(seed.rotate_left(48)),
            desk: Dice::new(!seed.rotate_left(16)),
            rules: Dice::new(!seed.rotate_left(32)),
            aims: Dice::new(!seed.rotate_left(48)),
            sensor: Dice::new(seed.rotate_left(24)),
            clinic: Dice::new(seed.rotate_left(40)),
        }
    }

    pub(crate) fn say(
        &mut self,
        number: i64,
        clock: Micros,
    ) -> impl Iterator<Item = (Micros, u32, DomainEvent)> + use<> {
        let Self { people, circle, desk, rules, aims, sensor, clinic } = self;
        let said = [
            updated(number, clock, people),
            shared(number, clock, circle),
            notified(number, clock, desk),
            published(number, clock, rules),
            aimed(number, clock, aims),
            worn(clock, sensor),
            examined(number, clock, clinic),
        ];
        said.into_iter().flatten()
    }
}
