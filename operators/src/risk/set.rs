//! Published rules as data: sets of rules with their limits, sources and versions, read from TOML.
//!
//! The limits are published and each row names where; that a class is LOW, MODERATE, HIGH or CRITICAL is this product's
//! own and every set says so. A row whose source nobody compared with its limits ships switched off and unchecked.
//!
//! # Invariants
//! - Limits are finite and in order: away from what is calm, a level never falls, and no two rows claim one value.
//! - An unchecked row is never in force.
//! - Rules have different ids, over all sets.

mod column;
mod error;
mod file;
mod published;
mod read;
mod row;
mod scale;
#[cfg(test)]
mod tests;

pub use error::{Error, Place};
pub use row::{Case, Outcome, Reached, Row, Total, When};
pub use scale::{Edge, Limits};

pub use model::Risk;

use super::parameter::Parameter;
use model::{Date, Micros, Number, Region, Sex};
use scale::Scale;
use std::sync::{Arc, LazyLock};

/// Rule sets as shipped: file and text.
const SHIPPED: [(&str, &str); 6] = [
    ("sets/news2.toml", include_str!("sets/news2.toml")),
    ("sets/glucose.toml", include_str!("sets/glucose.toml")),
    ("sets/blood_pressure.toml", include_str!("sets/blood_pressure.toml")),
    ("sets/kidney.toml", include_str!("sets/kidney.toml")),
    ("sets/inflammation.toml", include_str!("sets/inflammation.toml")),
    ("sets/markers.toml", include_str!("sets/markers.toml")),
];

/// All rules in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Rulebook {
    sets: Vec<Arc<RuleSet>>,
}

impl Rulebook {
    /// The rule sets that ship with the product, read once.
    pub fn shipped() -> &'static Self {
        static BOOK: LazyLock<Rulebook> = LazyLock::new(|| {
            Rulebook::load(&SHIPPED).expect("the shipped rule sets are valid (a test loads them)")
        });
        &BOOK
    }

    /// The text of the rule set of this name, as it ships.
    pub fn text(set: &str) -> Option<&'static str> {
        let place = Self::shipped().sets().position(|known| known.id == set)?;
        Some(SHIPPED[place].1)
    }

    /// Reads rule sets, each a file's name and its text.
    ///
    /// # Errors
    /// Names file and line, the key and the nearest valid one.
    ///
    /// # Examples
    /// ```
    /// use operators::risk::set::Rulebook;
    ///
    /// let wrong = "id = \"mine\"\nverison = \"1.0\"";
    /// let refusal = Rulebook::load(&[("mine.toml", wrong)]).unwrap_err();
    /// assert_eq!(
    ///     refusal.to_string(),
    ///     "mine.toml:2: unknown key \"verison\"; did you mean \"version\"?"
    /// );
    /// ```
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Error> {
        let mut sets: Vec<RuleSet> = Vec::with_capacity(files.len());
        for (name, text) in files {
            let is_taken = |rule: &str| sets.iter().flat_map(|set| &set.rules).any(|known| known.id == rule);
            let set = file::read(name, text, is_taken)?;
            sets.push(set);
        }
        Ok(Self { sets: sets.into_iter().map(Arc::new).collect() })
    }

    /// The rule sets, in the order of the files.
    pub fn sets(&self) -> impl Iterator<Item = &Arc<RuleSet>> {
        self.sets.iter()
    }

    /// These rules, but `set` in place of the set of its name.
    #[must_use]
    pub fn with(&self, set: &Arc<RuleSet>) -> Self {
        let known = |known: &Arc<RuleSet>| Arc::clone(if known.id == set.id { set } else { known });
        Self { sets: self.sets.iter().map(known).collect() }
    }

    /// Every rule with its set, in the order of the files.
    pub fn rules(&self) -> impl Iterator<Item = (&RuleSet, &Rule)> {
        self.sets.iter().flat_map(|set| set.rules.iter().map(move |rule| (&**set, rule)))
    }

    /// The rule of this id, with its set.
    pub fn rule(&self, id: &str) -> Option<(&RuleSet, &Rule)> {
        self.rules().find(|(_, rule)| rule.id == id)
    }
}

/// Rules that change together.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSet {
    /// Stable name.
    pub id: String,
    /// Changes whenever the same facts could lead to another finding.
    pub version: String,
    /// From when on this version holds.
    pub effective: Date,
    /// What it is about.
    pub title: String,
    /// Whose the mapping from published classes to levels is.
    pub mapping: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One rule: at most one finding per person.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Stable name.
    pub id: String,
    /// What it says, for people.
    pub name: String,
    /// To whom it applies.
    pub applies: Applicability,
    /// On how many occasions a value must have been measured to be classed without another measurement.
    pub occasions: u32,
    /// What it asks about.
    pub columns: Vec<Column>,
    /// What the points of all parameters add up to; empty for a rule whose worst parameter decides.
    pub totals: Vec<Total>,
}

impl Rule {
    /// The limits of one parameter.
    pub fn column(&self, parameter: Parameter) -> Option<&Column> {
        self.columns.iter().find(|column| column.parameter == parameter)
    }

    /// Whether a value of `given` is something it asks about.
    pub fn asks(&self, given: Parameter) -> bool {
        self.columns.iter().any(|column| match column.parameter {
            Parameter::FiltrationRate => given == Parameter::Creatinine,
            asked => given.slots().any(|slot| slot == asked),
        })
    }

    /// The worst class that `sum` points in all and `highest` of one parameter reach, in a score.
    pub fn total(&self, sum: u32, highest: u32) -> Option<&Total> {
        let reached = |total: &&Total| match total.reached {
            Reached::AtLeast(points) => sum >= points,
            Reached::AtMost(points) => sum <= points,
            Reached::Single(points) => highest >= points,
        };
        self.totals.iter().filter(reached).max_by_key(|total| total.level)
    }
}

/// To whom a rule applies; who is not known to be one of them is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applicability {
    /// From this age on, whole years.
    pub age_from: u32,
    /// Whether it holds in pregnancy.
    pub in_pregnancy: bool,
    /// Whether sex must be known.
    pub needs_sex: bool,
    /// The only sex it is for.
    pub sex: Option<Sex>,
    /// The only region it is for.
    pub region: Option<Region>,
}

/// One parameter of a rule with its limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Parameter.
    pub parameter: Parameter,
    /// To how many parts of its unit a value is rounded before it is looked up, e.g. 10 for tenths; not at all if 0.
    pub parts: u32,
    /// How long a value stays the latest known.
    pub max_age: Option<Micros>,
    /// All rows, those not in force too.
    pub rows: Vec<Row>,
    /// Where each value stands: one scale, or one for each case.
    scales: Vec<Scale>,
}

impl Column {
    /// `value`, rounded as the rule asks: half away from zero.
    pub fn rounded(&self, value: f64) -> f64 {
        let parts = f64::from(self.parts);
        if self.parts == 0 { value } else { (value * parts).round() / parts }
    }

    /// The limits inside which a value is well, if they are in force and the same for everybody.
    pub fn reference(&self) -> Option<(Option<Number>, Option<Number>)> {
        let is_calm = |row: &&Row| matches!(row.outcome, Outcome::Level(Risk::Low) | Outcome::Points(0));
        let calm: Vec<_> = self.rows.iter().filter(is_calm).collect();
        let is_for_all = calm.iter().all(|row| row.enabled && row.when == When::default());
        let first = calm.iter().min_by(|left, right| left.limits.first().total_cmp(&right.limits.first()))?;
        let last = calm.iter().max_by(|left, right| left.limits.last().total_cmp(&right.limits.last()))?;
        let value = |edge: Edge| edge.value;
        is_for_all.then(|| (first.limits.low.map(value), last.limits.high.map(value)))
    }

    /// The row in force that claims `value`, once rounded.
    pub fn row(&self, value: f64, case: Case) -> Option<&Row> {
        let scale = self.scales.get(case.place()).unwrap_or(&self.scales[0]);
        scale.find(self.rounded(value)).map(|row| &self.rows[row])
    }
}
