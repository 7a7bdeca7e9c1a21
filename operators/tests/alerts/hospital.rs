//! Results of a hospital's laboratory as they came, late, out of order and corrected: what stands after every epoch is what
//! a plain walk through everything known so far finds.

use crate::{EVER, made::Feed, run::run};
use flate2::read::GzDecoder;
use model::{
    ChangeKind, Date, DomainEvent, EventId, Input, LaboratoryEvent, LaboratoryValue, Level, Micros, Number,
    Origin, Profile, ProfileUpdated, ResultId, UserId, laboratory::ANALYTES, time::SECOND,
};
use operators::risk::parameter::Parameter;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

/// 2013-01-01.
const FROM: Micros = 1_356_998_400 * SECOND;
const EPOCHS: usize = 20;
/// One of so many results is sent wrong at first.
const WRONG: usize = 37;

/// A result of the laboratory.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Lab {
    user: UserId,
    at: Micros,
    parameter: Parameter,
    value: f64,
    age: i32,
}

/// A change of an alert: whose, by which rule, when, what, how urgent.
type Told = (UserId, &'static str, Micros, ChangeKind, Level);

/// Rule, parameter, and where MODERATE and HIGH begin (sets/inflammation.toml names the sources).
const RULES: [(&str, Parameter, f64, f64); 2] =
    [("crp", Parameter::ReactiveProtein, 3.0, 10.0), ("lactate", Parameter::Lactate, 2.0, 4.0)];

fn laboratory() -> Vec<Lab> {
    let (mut text, packed) = (String::new(), &include_bytes!("../data/sepsis_laboratory.csv.gz")[..]);
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let row = |row: &str| {
        let cells: Vec<_> = row.split(',').collect();
        let [case, age, second, parameter, value] = cells[..] else { panic!("five columns") };
        let parameter = match parameter {
            "crp" => Parameter::ReactiveProtein,
            "lactate" => Parameter::Lactate,
            _ => Parameter::Leukocytes,
        };
        Lab {
            user: UserId::derive(&["sepsis", case]),
            at: FROM + second.parse::<Micros>().unwrap() * SECOND,
            parameter,
            value: value.parse().unwrap(),
            age: age.parse().unwrap(),
        }
    };
    let mut labs: Vec<_> = text.lines().skip(1).map(row).collect();
    labs.sort_by(|a, b| a.partial_cmp(b).unwrap());
    labs.sort_by_key(|lab| lab.at);
    assert_eq!(labs.len(), 7_938);
    labs
}

impl Lab {
    /// The event that says the result of this number, in the words of laboratories.
    fn event(&self, number: usize, offset: u64) -> DomainEvent {
        let name = self.parameter.name();
        let analyte = ANALYTES.iter().find(|analyte| analyte.name == name).unwrap();
        let value = LaboratoryValue {
            code: analyte.codes[0].to_owned(),
            value: Number::finite(self.value).unwrap(),
            unit: analyte.units[0].to_owned(),
        };
        DomainEvent::Laboratory(LaboratoryEvent {
            at: self.at,
            event: EventId::derive(&["said", &offset.to_string()]),
            user: self.user,
            result: ResultId::derive(&[&number.to_string()]),
            value: Some(value),
            origin: Origin { input: Input::Laboratory, partition: 0, offset },
        })
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

/// Something said of a result: its number, what it is from then on, and when it was released if this corrects it.
type Word = (usize, Lab, Option<Micros>);

/// What comes in each epoch: results in the order of `rank`, some of them wrong at first and corrected two epochs on, by an
/// event a second later.
fn feeds(labs: &[Lab], rank: impl Fn(usize, &Lab) -> Micros) -> Vec<(Feed, Vec<Word>)> {
    let mut order: Vec<_> = labs.iter().enumerate().collect();
    order.sort_by_key(|(number, lab)| (rank(*number, lab), *number));
    let mut words = vec![Vec::new(); EPOCHS];
    for (place, (number, lab)) in order.into_iter().enumerate() {
        let epoch = place * EPOCHS / labs.len();
        if number % WRONG == 0 && epoch + 2 < EPOCHS {
            let wrong = Lab { value: if lab.value > 4.0 { 1.0 } else { 11.0 }, ..*lab };
            words[epoch].push((number, wrong, None));
            words[epoch + 2].push((number, Lab { at: lab.at + SECOND, ..*lab }, Some(lab.at)));
        } else {
            words[epoch].push((number, *lab, None));
        }
    }
    let (mut people, mut watermark, mut offset) = (BTreeSet::new(), Micros::MIN, 0);
    let feed = |said: Vec<Word>| {
        let mut events = Vec::new();
        for (number, lab, _) in &said {
            watermark = watermark.max(lab.at);
            offset += 1;
            events.push(lab.event(*number, offset));
            if people.insert(lab.user) {
                events.push(lab.profile(offset));
            }
        }
        (Feed { events, watermark, ..Feed::default() }, said)
    };
    words.into_iter().map(feed).collect()
}

fn level(value: f64, moderate: f64, high: f64) -> Option<Level> {
    if value >= high {
        Some(Level::High)
    } else if value >= moderate {
        Some(Level::Moderate)
    } else {
        None
    }
}

/// Walks through all that was said, person by person and rule by rule.
fn by_hand(said: &[Word]) -> BTreeSet<Told> {
    let mut people = BTreeMap::<(UserId, Parameter), BTreeSet<_>>::new();
    for (number, lab, corrects) in said {
        // Values are not negative: their bits are in order.
        let word = (lab.at, *corrects, lab.value.to_bits(), *number);
        people.entry((lab.user, lab.parameter)).or_default().insert(word);
    }
    let mut told = BTreeSet::new();
    for ((user, parameter), words) in people {
        let Some((rule, _, moderate, high)) = RULES.into_iter().find(|(_, of, ..)| *of == parameter) else {
            continue;
        };
        // Level, when it was last told, since when it is gone.
        let mut open = None::<(Level, Micros, Option<Micros>)>;
        // The last four known: when each was released, its value, which result it is.
        let mut known = Vec::<(Micros, u64, usize)>::new();
        for (at, corrects, bits, number) in words {
            let value =
                |known: &[(Micros, u64, usize)]| known.last().map(|(_, bits, _)| f64::from_bits(*bits));
            let before = value(&known);
            let count = known.len();
            if corrects.is_some() {
                known.retain(|(.., of)| *of != number);
            }
            if corrects.is_none() || known.len() < count {
                known.push((corrects.unwrap_or(at), bits, number));
                known.sort_unstable();
                known.drain(..known.len().saturating_sub(4));
            }
            if corrects.is_some() && value(&known) == before {
                continue;
            }
            let value = value(&known).unwrap();
            let level = level(value, moderate, high);
            let mut tell = |kind, level| told.insert((user, rule, at, kind, level));
            if let Some((before, ..)) = open
                && corrects.is_some()
                && level < Some(before)
            {
                tell(ChangeKind::Cleared, before);
                open = None;
            }
            match (&mut open, level) {
                (None, None) => {}
                (None, Some(level)) => {
                    tell(ChangeKind::Raised, level);
                    open = Some((level, at, None));
                }
                (Some((before, last, gone)), Some(level)) => {
                    *gone = None;
                    if level > *before {
                        tell(ChangeKind::Escalated, level);
                        (*before, *last) = (level, at);
                    } else if level == *before && at - *last >= 1_800 * SECOND {
                        tell(ChangeKind::Repeated, level);
                        *last = at;
                    }
                }
                // Until it is 5 % of the limit inside it stands.
                (Some((.., gone)), None) if value > 0.95 * moderate => *gone = None,
                (Some((before, _, gone)), None) => {
                    if at - *gone.get_or_insert(at) >= 600 * SECOND {
                        tell(ChangeKind::Cleared, *before);
                        open = None;
                    }
                }
            }
        }
    }
    told
}

fn compare(feeds: Vec<(Feed, Vec<Word>)>, workers: usize) {
    let (feeds, words): (Vec<_>, Vec<_>) = feeds.into_iter().unzip();
    let (mut said, mut before, mut taken_back, mut kinds) = (Vec::new(), BTreeSet::new(), 0, BTreeSet::new());
    for (epoch, ((changes, _), new)) in run(&feeds, workers, EVER).into_iter().zip(words).enumerate() {
        said.extend(new);
        let wanted = by_hand(&said);
        let found: BTreeSet<Told> = changes
            .iter()
            .map(|change| {
                // Four criteria, of which leukocytes are one: nobody reaches two of them.
                let of_change = |(rule, ..): &(&'static str, _, _, _)| *rule == change.rule.id();
                let (rule, ..) = RULES.into_iter().find(of_change).unwrap_or_else(|| panic!("{change:?}"));
                (change.user, rule, change.at, change.kind, change.level)
            })
            .collect();
        assert_eq!(found.len(), changes.len());
        let (missing, extra) = (wanted.difference(&found).next(), found.difference(&wanted).next());
        assert_eq!((missing, extra), (None, None), "epoch {epoch}");
        taken_back += before.difference(&found).count();
        kinds.extend(found.iter().map(|(.., kind, level)| (*kind, *level)));
        before = found;
    }
    assert!(before.len() > 1_000 && taken_back > 20, "{} alerts, {taken_back} taken back", before.len());
    assert_eq!(kinds.len(), 7, "every kind at both levels, but nobody escalates to MODERATE: {kinds:?}");
}

#[test]
fn laboratory_results_in_order_give_the_alerts_of_a_plain_walk() {
    compare(feeds(&laboratory(), |_, lab| lab.at), 1);
}

#[test]
fn laboratory_results_an_hour_out_of_order_give_the_same_alerts() {
    // Knuth's multiplicative hash: the same disorder every time.
    let late = |number: usize| Micros::from((number as u32).wrapping_mul(2_654_435_761) % 3_600) * SECOND;
    compare(feeds(&laboratory(), |number, lab| lab.at + late(number)), 3);
}
