//! A hospital's log as it came, late, out of order and corrected: what stands after every epoch is what a plain walk through
//! everything known so far finds.

#[path = "hospital/log.rs"]
mod log;

use crate::{EVER, made::Feed, run::run};
use log::{Lab, Signs, What, Word};
use model::{ChangeKind, Level, Micros, UserId, time::SECOND};
use operators::risk::parameter::Parameter;
use std::collections::BTreeSet;

const EPOCHS: usize = 20;
/// One of so many results is sent wrong at first.
const WRONG: usize = 37;
const MINUTE: Micros = 60 * SECOND;

/// A change of an alert: whose, by which rule, when, what, how urgent.
type Told = (UserId, &'static str, Micros, ChangeKind, Level);

/// Rules and what they ask the laboratory for (sets/inflammation.toml names the sources).
const RULES: [(&str, Parameter); 3] =
    [("crp", Parameter::ReactiveProtein), ("lactate", Parameter::Lactate), ("sirs", Parameter::Leukocytes)];

/// What is said in each epoch: words in the order of `rank`, some results wrong at first and corrected two epochs on, by an
/// event a second later.
fn epochs(words: &[Word], rank: impl Fn(usize, &Word) -> Micros) -> Vec<Vec<Word>> {
    let mut order: Vec<_> = words.iter().enumerate().collect();
    order.sort_by_key(|(place, word)| (rank(*place, word), *place));
    let mut epochs = vec![Vec::new(); EPOCHS];
    for (place, (_, word)) in order.into_iter().enumerate() {
        let epoch = place * EPOCHS / words.len();
        match word.what {
            What::Lab(lab) if lab.number % WRONG == 0 && epoch + 2 < EPOCHS => {
                let value = if lab.value > 4.0 { 1.0 } else { 13.0 };
                epochs[epoch].push(Word { what: What::Lab(Lab { value, ..lab }), ..*word });
                let right = What::Lab(Lab { corrects: Some(word.at), ..lab });
                epochs[epoch + 2].push(Word { at: word.at + SECOND, what: right, ..*word });
            }
            What::Lab(_) | What::Signs(_) => epochs[epoch].push(*word),
        }
    }
    epochs
}

/// What is known of somebody, as one rule asks for it.
#[derive(Default)]
struct Known {
    /// The last four results: when each was released, its value, which it is.
    results: Vec<(Micros, f64, usize)>,
    signs: Option<(Micros, Signs)>,
}

impl Known {
    fn value(&self) -> Option<f64> {
        self.results.last().map(|(_, value, _)| *value)
    }

    /// Takes a result; whether anything else is known now.
    fn take(&mut self, at: Micros, lab: Lab) -> bool {
        let (before, count) = (self.value(), self.results.len());
        if lab.corrects.is_some() {
            self.results.retain(|(.., number)| *number != lab.number);
        }
        // A correction of one that is not among the last four any more says nothing.
        if lab.corrects.is_none() || self.results.len() < count {
            self.results.push((lab.corrects.unwrap_or(at), lab.value, lab.number));
            self.results.sort_by(|one, other| one.partial_cmp(other).unwrap());
            self.results.drain(..self.results.len().saturating_sub(4));
        }
        lab.corrects.is_none() || self.value() != before
    }

    /// The level found at `at`, and whether it is near enough to one for an alert to stand.
    fn judged(&self, rule: &str, at: Micros) -> (Option<Level>, bool) {
        let of_value = |moderate, high| {
            let Some(value) = self.value() else { return (None, false) };
            let level =
                (value >= moderate).then_some(if value >= high { Level::High } else { Level::Moderate });
            // Until it is 5 % of the limit inside it stands.
            (level, level.is_some() || value > 0.95 * moderate)
        };
        match rule {
            "crp" => of_value(3.0, 10.0),
            "lactate" => of_value(2.0, 4.0),
            _ => {
                // Two of four criteria; signs count for an hour and cells for a day. It stands while one more would do.
                let signs = self.signs.filter(|(of, _)| at - of <= 60 * MINUTE).map(|(_, signs)| signs);
                let met = signs.map_or(0, |signs| signs.iter().filter(|sign| **sign == Some(true)).count());
                let cells = self.results.last().filter(|(of, ..)| at - of <= 1_440 * MINUTE);
                let met = met + usize::from(cells.is_some_and(|(_, value, _)| !(4.0..=12.0).contains(value)));
                ((met >= 2).then_some(Level::Moderate), met >= 1)
            }
        }
    }
}

/// Walks through all that was said, person by person and rule by rule.
fn by_hand(said: &[Word]) -> BTreeSet<Told> {
    let mut told = BTreeSet::new();
    for (user, words) in log::by_person(said) {
        for (rule, parameter) in RULES {
            walk(rule, parameter, &words, |at, kind, level| {
                told.insert((user, rule, at, kind, level));
            });
        }
    }
    told
}

fn walk(
    rule: &str,
    asked: Parameter,
    words: &[(Micros, What)],
    mut tell: impl FnMut(Micros, ChangeKind, Level),
) {
    let mut known = Known::default();
    // Level, when it was last told, since when it is gone.
    let mut open = None::<(Level, Micros, Option<Micros>)>;
    // Since when criteria are met without a break: signs come and go, results of the laboratory do not.
    let mut met_since = None;
    for &(at, what) in words {
        let is_correction = match what {
            What::Lab(lab) if lab.parameter != asked || !known.take(at, lab) => continue,
            What::Lab(lab) => lab.corrects.is_some(),
            What::Signs(_) if rule != "sirs" => continue,
            What::Signs(signs) => {
                known.signs = Some((at, signs));
                false
            }
        };
        let (level, is_near) = known.judged(rule, at);
        if let Some((before, ..)) = open
            && is_correction
            && level < Some(before)
        {
            tell(at, ChangeKind::Cleared, before);
            open = None;
        }
        met_since = level.map(|_| met_since.unwrap_or(at));
        let held = level.filter(|_| rule != "sirs" || met_since.is_some_and(|since| at - since >= MINUTE));
        match (&mut open, held) {
            (None, None) => {}
            (None, Some(level)) => {
                tell(at, ChangeKind::Raised, level);
                open = Some((level, at, None));
            }
            (Some((before, last, gone)), Some(level)) if level > *before => {
                tell(at, ChangeKind::Escalated, level);
                (*before, *last, *gone) = (level, at, None);
            }
            (Some((before, last, gone)), held) if is_near => {
                *gone = None;
                if held == Some(*before) && at - *last >= 30 * MINUTE {
                    tell(at, ChangeKind::Repeated, *before);
                    *last = at;
                }
            }
            (Some((before, _, gone)), _) => {
                if at - *gone.get_or_insert(at) >= 10 * MINUTE {
                    tell(at, ChangeKind::Cleared, *before);
                    open = None;
                }
            }
        }
    }
}

fn compare(epochs: &[Vec<Word>], workers: usize) {
    let mut watermark = Micros::MIN;
    let feed = |(events, words): (_, &Vec<Word>)| {
        watermark = words.iter().fold(watermark, |latest, word| latest.max(word.at));
        Feed { events, watermark, ..Feed::default() }
    };
    let feeds: Vec<_> = log::events(epochs).into_iter().zip(epochs).map(feed).collect();
    let (mut said, mut before, mut taken_back, mut kinds) = (Vec::new(), BTreeSet::new(), 0, BTreeSet::new());
    for (epoch, ((changes, _), new)) in run(&feeds, workers, EVER).into_iter().zip(epochs).enumerate() {
        said.extend_from_slice(new);
        let wanted = by_hand(&said);
        // Signs say something to other rules, too.
        let of_rule = |id| RULES.into_iter().map(|(rule, _)| rule).find(|rule| *rule == id);
        let found: Vec<Told> = changes
            .iter()
            .filter_map(|change| {
                Some((change.user, of_rule(change.rule.id())?, change.at, change.kind, change.level))
            })
            .collect();
        let count = found.len();
        let found: BTreeSet<_> = found.into_iter().collect();
        assert_eq!(found.len(), count);
        let (missing, extra) = (wanted.difference(&found).next(), found.difference(&wanted).next());
        assert_eq!((missing, extra), (None, None), "epoch {epoch}");
        taken_back += before.difference(&found).count();
        kinds.extend(found.iter().map(|(_, rule, _, kind, level)| (*rule == "sirs", *kind, *level)));
        before = found;
    }
    let of_signs = before.iter().filter(|(_, rule, ..)| *rule == "sirs").count();
    assert!(
        before.len() > 1_000 && of_signs > 500 && taken_back > 20,
        "{}, {of_signs}, {taken_back}",
        before.len()
    );
    // Every kind at both levels, but nobody escalates to MODERATE; signs were looked at once and keep no alert open for long.
    assert_eq!(kinds.len(), 7 + 2, "{kinds:?}");
}

#[test]
fn the_log_in_order_gives_the_alerts_of_a_plain_walk() {
    compare(&epochs(&log::all(), |_, word| word.at), 1);
}

#[test]
fn the_log_an_hour_out_of_order_gives_the_same_alerts() {
    // Knuth's multiplicative hash: the same disorder every time.
    let late = |place: usize| Micros::from((place as u32).wrapping_mul(2_654_435_761) % 3_600) * SECOND;
    compare(&epochs(&log::all(), |place, word| word.at + late(place)), 3);
}
