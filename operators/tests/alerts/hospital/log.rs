//! The hospital's log: who came with which signs, what the laboratory found, as the events that say so.

use flate2::read::GzDecoder;
use model::{
    Date, DomainEvent, EventId, Input, LaboratoryEvent, LaboratoryValue, Micros, Number, Origin, Profile,
    ProfileUpdated, ResultId, UserId, Vitals, laboratory::ANALYTES, time::SECOND,
};
use operators::risk::parameter::Parameter;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

/// 2013-01-01.
const FROM: Micros = 1_356_998_400 * SECOND;

/// A result of the laboratory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lab {
    /// Of all results.
    pub(super) number: usize,
    pub(super) parameter: Parameter,
    pub(super) value: f64,
    /// When the result was released, if this corrects it.
    pub(super) corrects: Option<Micros>,
}

/// Whether somebody's pulse, respiration and temperature meet the criteria, where it is known.
pub(super) type Signs = [Option<bool>; 3];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What {
    Lab(Lab),
    Signs(Signs),
}

/// Something said of somebody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) user: UserId,
    pub(super) age: i32,
    pub(super) at: Micros,
    pub(super) what: What,
}

fn rows(packed: &[u8]) -> Vec<Vec<String>> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text.lines().skip(1).map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

/// Who, how old, and when.
fn head(row: &[String], what: What) -> Word {
    let at = FROM + row[2].parse::<Micros>().unwrap() * SECOND;
    Word { user: UserId::derive(&["sepsis", &row[0]]), age: row[1].parse().unwrap(), at, what }
}

/// Everything in the log, in its order.
pub(super) fn all() -> Vec<Word> {
    let results = rows(include_bytes!("../../data/sepsis_laboratory.csv.gz"));
    let lab = |(number, row): (usize, &Vec<String>)| {
        let parameter = match &*row[3] {
            "crp" => Parameter::ReactiveProtein,
            "lactate" => Parameter::Lactate,
            _ => Parameter::Leukocytes,
        };
        let value = row[4].parse().unwrap();
        head(row, What::Lab(Lab { number, parameter, value, corrects: None }))
    };
    let mut words: Vec<_> = results.iter().enumerate().map(lab).collect();
    assert_eq!(words.len(), 7_938);
    let seen = rows(include_bytes!("../../data/sepsis_triage.csv.gz"));
    assert_eq!(seen.len(), 1_050);
    words.extend(seen.iter().map(|row| {
        let sign = |place: usize| Some(&row[place]).filter(|sign| !sign.is_empty()).map(|sign| sign == "1");
        let word = head(row, What::Signs([sign(3), sign(4), sign(5)]));
        // No result is of the half of a second: what is known first is certain.
        Word { at: word.at + SECOND / 2, ..word }
    }));
    words.sort_by_key(|word| word.at);
    words
}

impl Word {
    /// The event that says it.
    pub(super) fn event(&self, offset: u64) -> DomainEvent {
        let event = EventId::derive(&["said", &offset.to_string()]);
        match self.what {
            What::Lab(lab) => {
                let name = lab.parameter.name();
                let analyte = ANALYTES.iter().find(|analyte| analyte.name == name).unwrap();
                let value = LaboratoryValue {
                    code: analyte.codes[0].to_owned(),
                    value: Number::finite(lab.value).unwrap(),
                    unit: analyte.units[0].to_owned(),
                };
                DomainEvent::Laboratory(LaboratoryEvent {
                    at: self.at,
                    event,
                    user: self.user,
                    result: ResultId::derive(&[&lab.number.to_string()]),
                    value: Some(value),
                    origin: Origin { input: Input::Laboratory, partition: 0, offset },
                })
            }
            What::Signs([pulse, resp, temperature]) => {
                // The log says on which side of its limit a sign was, not its value: these are on that side.
                let value = |sign: Option<bool>, met: f64, not: f64| {
                    sign.map(|is_met| Number::finite(if is_met { met } else { not }).unwrap())
                };
                DomainEvent::Vitals(Vitals {
                    user: self.user,
                    at: self.at,
                    event,
                    hr: None,
                    pulse: value(pulse, 91.0, 90.0),
                    resp: value(resp, 21.0, 20.0),
                    spo2: None,
                    systolic: None,
                    diastolic: None,
                    temperature: value(temperature, 38.1, 38.0),
                    consciousness: None,
                    oxygen: None,
                    origin: Origin { input: Input::Vitals, partition: 0, offset },
                })
            }
        }
    }

    fn profile(&self, offset: u64) -> DomainEvent {
        DomainEvent::Profile(ProfileUpdated {
            at: FROM,
            event: EventId::derive(&["profile", &offset.to_string()]),
            user: self.user,
            profile: Profile { birth_date: Date::new(2012 - self.age, 1, 1), ..Profile::default() },
            origin: Origin { input: Input::Profiles, partition: 0, offset },
        })
    }
}

/// The events of each epoch, everybody's profile with the first word of them.
pub(super) fn events(epochs: &[Vec<Word>]) -> Vec<Vec<DomainEvent>> {
    let (mut people, mut offset) = (BTreeSet::new(), 0);
    let mut events_of = |words: &Vec<Word>| {
        let mut events = Vec::new();
        for word in words {
            offset += 1;
            events.push(word.event(offset));
            if people.insert(word.user) {
                events.push(word.profile(offset));
            }
        }
        events
    };
    epochs.iter().map(&mut events_of).collect()
}

/// What was said, person by person and in the order of its moments.
pub(super) fn by_person(said: &[Word]) -> BTreeMap<UserId, Vec<(Micros, What)>> {
    let mut people = BTreeMap::<UserId, Vec<_>>::new();
    for word in said {
        people.entry(word.user).or_default().push((word.at, word.what));
    }
    for words in people.values_mut() {
        words.sort_by(|(a, one), (b, other)| (a, key(one)).partial_cmp(&(b, key(other))).unwrap());
    }
    people
}

/// What comes first of one moment; no two of them are of the same result.
fn key(what: &What) -> (Option<Micros>, f64, usize) {
    match what {
        What::Lab(Lab { corrects, value, number, .. }) => (*corrects, *value, *number),
        What::Signs(_) => (None, 0.0, 0),
    }
}
