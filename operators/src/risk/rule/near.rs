//! Whether an alert goes on although its limits are not reached any more: the hysteresis (risk.md §4.12).
//!
//! A value is well inside again when it is there by 5 % of the limit, a score when one point more would be, too.

use super::{Evidence, inapplicable};
use crate::risk::{
    facts::Facts,
    set::{Risk, Rule},
};
use model::{Micros, Profile};

/// How far a value must be inside a limit again, as a share of the limit (risk.md §4.12).
const SHARE: f64 = 0.05;

/// Whether a rule that found more than LOW of a person would still be near it at `at`; never if it is not for them.
pub fn is_near(rule: &Rule, profile: &Profile, facts: &Facts, at: Micros) -> bool {
    if inapplicable(rule.applies, profile, at).is_some() {
        return false;
    }
    let evidence = Evidence::new(rule, profile, facts, at);
    if rule.totals.is_empty() {
        // A value is inside a lower limit by the share where so much less would be, too; likewise an upper one.
        let factors = [1.0 / (1.0 + SHARE), 1.0, 1.0 / (1.0 - SHARE)];
        return evidence.iter().any(|used| {
            factors.into_iter().any(|factor| used.level_of(used.fact.value.get() * factor) > Some(Risk::Low))
        });
    }
    let points = || evidence.iter().filter_map(|used| used.points());
    let (sum, highest) = (points().sum::<u32>(), points().max());
    let more = highest.and_then(|highest| rule.total(sum + 1, highest + 1));
    more.is_some_and(|total| total.level > Risk::Low)
}
