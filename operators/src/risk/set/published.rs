//! What may be published while the program runs: limits, rows, sources and to whom rules apply, of rules that ship.
//!
//! A rule that does not ship, or that asks about something else, comes with a release: its words for people and its tests
//! come with it. The early-warning score is followed by operators of its own and its chart is not to be altered, so it
//! ships, too.

use super::{Error, Parameter, Place, Rule, RuleSet, Rulebook, file};
use model::{Date, Micros};

/// The set that ships only.
const SHIPS: &str = "news2";
/// What errors call the text.
const NAME: &str = "text";

impl Rulebook {
    /// The rule set `name` as it was published at `at`.
    ///
    /// # Errors
    /// Names the line, and what to publish instead.
    ///
    /// # Examples
    /// ```
    /// use operators::risk::set::Rulebook;
    ///
    /// let refusal = Rulebook::published("kidney", "id = \"kidneys\"", 0).unwrap_err();
    /// assert_eq!(refusal.to_string(), "text:1: key \"version\" is missing");
    /// ```
    pub fn published(name: &str, text: &str, at: Micros) -> Result<RuleSet, Error> {
        let set = file::read(NAME, text, |_| false)?;
        let wrong = |key: &str, problem: String| Error::Limits { at: place(text, key), problem };
        let shipped = Self::shipped().sets().find(|known| known.id == set.id && known.id != SHIPS);
        let Some(shipped) = shipped else {
            let sets = Self::shipped().sets().map(|set| set.id.as_str()).filter(|id| *id != SHIPS);
            let sets: Vec<_> = sets.collect();
            let problem = format!("no such set can be published; publish one of {}", sets.join(", "));
            return Err(wrong("id", problem));
        };
        if set.id != name {
            return Err(wrong(
                "id",
                "the set has another id than the event's set_id; send one of both".into(),
            ));
        }
        if Date::of(at).is_none_or(|day| set.effective > day) {
            let problem = "\"effective\" is after the event's day; send it when the set takes effect".into();
            return Err(wrong("effective", problem));
        }
        if set.version == shipped.version && set != **shipped {
            let problem =
                "the version is that of the set that ships, which is another; give it a new one".into();
            return Err(wrong("version", problem));
        }
        for rule in &set.rules {
            let Some(known) = shipped.rules.iter().find(|known| known.id == rule.id) else {
                let problem = "no such rule ships with this set; a new rule comes with a release".into();
                return Err(wrong(&rule.id, problem));
            };
            if let Some(parameter) = asks_anew(known, rule) {
                let problem =
                    format!("the rule did not ask about \"{parameter}\" when it shipped; remove it");
                return Err(wrong(&rule.id, problem));
            }
        }
        let missing = shipped.rules.iter().find(|known| set.rules.iter().all(|rule| rule.id != known.id));
        if let Some(missing) = missing {
            let problem = format!(
                "rule \"{}\" is missing; to switch it off publish it with enabled = false in its rows",
                missing.id
            );
            return Err(wrong("rule", problem));
        }
        Ok(set)
    }
}

/// A parameter that `rule` asks about and `known` does not.
fn asks_anew(known: &Rule, rule: &Rule) -> Option<&'static str> {
    let asked = rule.columns.iter().map(|column| column.parameter);
    asked.into_iter().find(|asked| known.column(*asked).is_none()).map(Parameter::name)
}

/// The first line that has `word` as a whole word: a key, or a quoted id.
fn place(text: &str, word: &str) -> Place {
    let is_it = |line: &str| {
        line.split(|at: char| !at.is_alphanumeric() && at != '_' && at != '.').any(|of| of == word)
    };
    let line = text.lines().position(is_it).map_or(1, |before| before + 1);
    Place { file: NAME.to_owned(), line }
}

#[cfg(test)]
mod tests;
