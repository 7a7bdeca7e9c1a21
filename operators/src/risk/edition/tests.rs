//! Which rules hold when, whatever the order in which they are learned.

use super::Editions;
use crate::risk::set::Rulebook;
use model::{EventId, Input, Origin, RulesPublished, time::DAY};
use proptest::prelude::*;

/// 2026-12-01: after the day of every set that ships.
const START: i64 = 1_796_083_200_000_000;

/// The set of glucose, with another limit of level 2 of hypoglycaemia, from a day on.
fn glucose(day: i64, below: u32) -> RulesPublished {
    let text = Rulebook::text("glucose").unwrap().replace("below = 54", &format!("below = {below}"));
    published("glucose", day, text.replace("version = \"1.0\"", &format!("version = \"{below}\"")))
}

fn published(set: &str, day: i64, text: String) -> RulesPublished {
    RulesPublished {
        at: START + day * DAY,
        event: EventId::derive(&[set, &day.to_string(), &text]),
        set: set.to_owned(),
        text,
        origin: Origin { input: Input::Rules, partition: 0, offset: day as u64 },
    }
}

fn version(editions: &Editions<()>, day: i64) -> String {
    editions.at(START + day * DAY + 1).book.rule("glucose").unwrap().0.version.clone()
}

#[test]
fn what_ships_holds_until_another_is_published_and_only_the_rules_that_differ_change() {
    let mut editions = Editions::new(|_| ());
    assert_eq!(version(&editions, 5), "1.0");
    let first = glucose(2, 62);
    editions.learn(&first);
    editions.learn(&glucose(4, 61));
    let versions: Vec<_> = [1, 2, 3, 4, 9].map(|day| version(&editions, day)).into();
    assert_eq!(versions, ["1.0", "62", "62", "61", "61"]);
    assert_eq!(editions.changed_by(first.event), ["glucose"], "not every rule of the set");
    assert_eq!(editions.at(START + 9 * DAY).book.rule("egfr").unwrap().0.version, "1.0");
    let moment = START + 2 * DAY;
    assert_eq!(editions.at(moment).id, None, "what is seen at the moment comes first");
    assert_eq!(editions.after(moment, first.event).id, editions.at(moment + 1).id);
    // What ships comes back by being published again.
    editions.learn(&published("glucose", 6, Rulebook::text("glucose").unwrap().to_owned()));
    assert_eq!(version(&editions, 6), "1.0");
    let of = |version| editions.in_version("glucose", version).rule("glucose").unwrap().0.version.clone();
    assert_eq!((of("62"), of("1.0"), of("never")), ("62".to_owned(), "1.0".to_owned(), "1.0".to_owned()));
}

#[test]
fn a_set_that_cannot_be_read_holds_nowhere() {
    let mut editions = Editions::new(|_| ());
    editions.learn(&published("glucose", 1, "id = ".to_owned()));
    assert_eq!((version(&editions, 2), editions.at(START + 2 * DAY).id), ("1.0".to_owned(), None));
}

proptest! {
    /// Whatever the order in which sets are learned; and an edition is another one if any before it is.
    #[test]
    fn what_holds_follows_from_the_days_and_not_from_the_order(
        days in prop::collection::btree_map(0_i64..20, 55_u32..69, 1..6), seed in any::<prop::sample::Index>()
    ) {
        let all: Vec<_> = days.iter().map(|(day, below)| glucose(*day, *below)).collect();
        let (mut straight, mut turned) = (Editions::new(|_| ()), Editions::new(|_| ()));
        for news in &all {
            straight.learn(news);
        }
        let first = seed.index(all.len());
        for news in all[first..].iter().chain(&all[..first]) {
            turned.learn(news);
        }
        let mut less = Editions::new(|_| ());
        for news in &all[1..] {
            less.learn(news);
        }
        for day in 0..22 {
            let wanted = days.range(..=day).next_back().map_or("1.0".to_owned(), |(_, below)| below.to_string());
            prop_assert_eq!(version(&straight, day), wanted);
            let at = |editions: &Editions<()>| editions.at(START + day * DAY + 1).id;
            prop_assert_eq!(at(&straight), at(&turned));
            let begun = days.keys().next().is_some_and(|first| *first <= day);
            prop_assert_eq!(at(&straight) != at(&less), begun);
        }
    }
}
