//! Results of a hospital's laboratory as they came, late, out of order and corrected: what stands after every epoch is what
//! a plain walk through everything known so far finds.

use crate::{EVER, made::Feed, run::run};
use flate2::read::GzDecoder;
use model::{ChangeKind, Date, EventId, Input, Level, Micros, Number, Profile, Span, UserId, time::SECOND};
use operators::risk::{
    facts::Method,
    parameter::Parameter,
    said::{Said, Values, What},
};
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
    fn said(&self) -> Said {
        let values = Values {
            values: vec![(self.parameter, Number::finite(self.value).unwrap())],
            confidence: Number::from(1),
            method: Method::Assayed,
            span: Span { input: Input::Vitals, partition: 0, first: 0, last: 0 },
        };
        Said { at: self.at, user: self.user, what: What::Values(values) }
    }

    fn profile(&self) -> Said {
        let profile = Profile { birth_date: Date::new(2012 - self.age, 1, 1), ..Profile::default() };
        let span = Span { input: Input::Profiles, partition: 0, first: 0, last: 0 };
        Said { at: FROM, user: self.user, what: What::Profile(EventId::derive(&["profile"]), profile, span) }
    }
}

/// What comes in each epoch: results in the order of `rank`, some of them wrong at first and corrected two epochs on.
fn feeds(labs: &[Lab], rank: impl Fn(usize, &Lab) -> Micros) -> Vec<(Feed, Vec<(Lab, i64)>)> {
    let mut order: Vec<_> = labs.iter().enumerate().collect();
    order.sort_by_key(|(number, lab)| (rank(*number, lab), *number));
    let mut feeds = vec![Vec::new(); EPOCHS];
    for (place, (number, lab)) in order.into_iter().enumerate() {
        let epoch = place * EPOCHS / labs.len();
        if number % WRONG == 0 && epoch + 2 < EPOCHS {
            let wrong = Lab { value: if lab.value > 4.0 { 1.0 } else { 11.0 }, ..*lab };
            feeds[epoch].push((wrong, 1));
            feeds[epoch + 2].extend([(wrong, -1), (*lab, 1)]);
        } else {
            feeds[epoch].push((*lab, 1));
        }
    }
    let (mut people, mut watermark) = (BTreeSet::new(), Micros::MIN);
    let feed = |changes: Vec<(Lab, i64)>| {
        let mut said: Vec<_> = changes.iter().map(|(lab, diff)| (lab.said(), *diff)).collect();
        for (lab, _) in &changes {
            watermark = watermark.max(lab.at);
            if people.insert(lab.user) {
                said.push((lab.profile(), 1));
            }
        }
        (Feed { said, watermark, ..Feed::default() }, changes)
    };
    feeds.into_iter().map(feed).collect()
}

/// Walks through all that is known, person by person and rule by rule.
fn by_hand(known: &[(Lab, i64)]) -> BTreeSet<Told> {
    let mut people = BTreeMap::<(UserId, Parameter), BTreeMap<(Micros, u64), (f64, i64)>>::new();
    for (lab, diff) in known {
        let of_person = people.entry((lab.user, lab.parameter)).or_default();
        // Values are not negative: their bits are in order.
        of_person.entry((lab.at, lab.value.to_bits())).or_insert((lab.value, 0)).1 += diff;
    }
    let mut told = BTreeSet::new();
    for ((user, parameter), values) in people {
        let Some((rule, _, moderate, high)) = RULES.into_iter().find(|(_, of, ..)| *of == parameter) else {
            continue;
        };
        // Level, when it was last told, since when it is gone.
        let mut open = None::<(Level, Micros, Option<Micros>)>;
        for ((at, _), (value, count)) in values {
            if count == 0 {
                continue;
            }
            let level = if value >= high {
                Some(Level::High)
            } else if value >= moderate {
                Some(Level::Moderate)
            } else {
                None
            };
            let mut tell = |kind, level| told.insert((user, rule, at, kind, level));
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

fn compare(feeds: Vec<(Feed, Vec<(Lab, i64)>)>, workers: usize) {
    let (feeds, labs): (Vec<_>, Vec<_>) = feeds.into_iter().unzip();
    let (mut known, mut before, mut taken_back, mut kinds) =
        (Vec::new(), BTreeSet::new(), 0, BTreeSet::new());
    for (epoch, ((changes, _), new)) in run(&feeds, workers, EVER).into_iter().zip(labs).enumerate() {
        known.extend(new);
        let wanted = by_hand(&known);
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
