//! NEWS2 over whatever vital signs are known: a lower bound of the total.
//!
//! A missing parameter can only add points, so the sum of the known sub-scores bounds the total
//! from below: it can claim urgency, never safety. Source: RCP 2017 (see [`super::news2`]); the
//! mapping of the published responses to levels is this product's own: any single 3 is MODERATE, a
//! bound of 5 or more HIGH, of 7 or more CRITICAL.

use super::{
    news2::Parameter,
    watch::{self, Change, Observation},
};
use crate::timeline::Fold;
use model::{
    AlertChange, EventId, Evidence, Finding, Level, Micros, Number, Rule, Span, Vitals, time::SECOND,
};
use serde::{Deserialize, Serialize};

/// Options of the rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How long a vital sign stays the latest known, minutes (60 for vital signs, signals spec §4.5).
    pub max_age_minutes: u32,
    /// When to raise and clear.
    pub watch: watch::Options,
}

/// Follows one person's vital signs.
#[derive(Clone, Debug)]
pub struct Bound {
    options: Options,
}

/// The latest value of each parameter, and the watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    latest: [Option<Sign>; 3],
    watch: watch::State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sign {
    value: Number,
    at: Micros,
    span: Span,
}

const PARAMETERS: [Parameter; 3] = [Parameter::Pulse, Parameter::Resp, Parameter::Spo2];

impl Bound {
    /// Follows with these options.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

impl State {
    /// The known sub-scores, ordered by parameter.
    fn findings(&self) -> Vec<(Finding, Span)> {
        PARAMETERS
            .iter()
            .zip(&self.latest)
            .filter_map(|(parameter, sign)| {
                let Sign { value, at, span } = (*sign)?;
                let finding = Finding {
                    parameter: parameter.name().to_owned(),
                    value,
                    unit: parameter.unit().to_owned(),
                    observed_at: at,
                    score: parameter.score(value.get()),
                };
                Some((finding, span))
            })
            .collect()
    }

    fn scores(&self) -> impl Iterator<Item = u32> {
        PARAMETERS
            .iter()
            .zip(&self.latest)
            .filter_map(|(parameter, sign)| sign.map(|sign| parameter.score(sign.value.get())))
    }
}

/// Highest level that a bound and its highest sub-score reach.
fn severity(bound: u32, highest: u32) -> Option<Level> {
    match (bound, highest) {
        (7.., _) => Some(Level::Critical),
        (5.., _) => Some(Level::High),
        (_, 3..) => Some(Level::Moderate),
        _ => None,
    }
}

impl Fold for Bound {
    type Fact = Vitals;
    type State = State;
    type Output = AlertChange;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut State, fact: &Vitals) -> Option<AlertChange> {
        let oldest = fact.at - self.memory();
        let span = Span::from(fact.origin);
        // The oximeter's pulse is what NEWS2 asks for; the electrocardiogram's rate stands in.
        let values = [fact.pulse.or(fact.hr), fact.resp, fact.spo2];
        for (sign, value) in state.latest.iter_mut().zip(values) {
            if let Some(value) = value {
                *sign = Some(Sign { value, at: fact.at, span });
            } else if sign.is_some_and(|sign| sign.at < oldest) {
                *sign = None;
            }
        }
        let bound = state.scores().sum();
        let highest = state.scores().max()?;
        let severity = severity(bound, highest);
        // Hysteresis: one point, in the sum and in the single score.
        let sustained = bound + 1 >= 5 || highest + 1 >= 3;
        let seen = Observation { at: fact.at, severity, sustained, span };
        let change = state.watch.observe(&self.options.watch, seen)?;
        Some(self::change(fact, state, bound, change))
    }

    fn at(fact: &Vitals) -> Micros {
        fact.at
    }

    /// What is older came too late.
    fn floor(_newest: &Vitals, watermark: Micros, horizon: Micros) -> Micros {
        watermark.saturating_sub(horizon)
    }

    /// A sign is the latest known for so long.
    fn memory(&self) -> Micros {
        Micros::from(self.options.max_age_minutes) * 60 * SECOND
    }

    fn may_go(&self, state: &State) -> bool {
        state.watch.is_clean()
    }
}

fn change(fact: &Vitals, state: &State, score: u32, change: Change) -> AlertChange {
    let Change { kind, level, onset, since, mut spans } = change;
    let (findings, latest): (Vec<_>, Vec<_>) = state.findings().into_iter().unzip();
    for span in latest {
        watch::extend(&mut spans, span);
    }
    let rule = Rule::News2LowerBound;
    AlertChange {
        alert: EventId::derive(&["alert", &fact.user.to_string(), rule.id(), &onset.to_string()]),
        at: fact.at,
        kind,
        level,
        user: fact.user,
        session: None,
        rule,
        onset,
        evidence: Evidence { score, findings, window_start: since, window_end: fact.at, spans },
    }
}

#[cfg(test)]
mod tests {
    use super::{Bound, Options, State, severity};
    use crate::{risk::watch, timeline::Fold};
    use model::{AlertChange, EventId, Input, Level, Number, Origin, UserId, Vitals};

    fn options() -> Options {
        let watch = watch::Options {
            raise_after_seconds: 60,
            raise_after_observations: u32::MAX,
            clear_after_seconds: 600,
        };
        Options { max_age_minutes: 60, watch }
    }

    fn vitals(second: i64, pulse: Option<f64>, resp: Option<f64>, spo2: Option<f64>) -> Vitals {
        let number = |value: Option<f64>| value.and_then(Number::finite);
        Vitals {
            user: UserId::derive(&["a"]),
            at: second * 1_000_000,
            event: EventId::derive(&["v", &second.to_string()]),
            hr: None,
            pulse: number(pulse),
            resp: number(resp),
            spo2: number(spo2),
            origin: Origin { input: Input::Vitals, partition: 0, offset: second as u64 },
        }
    }

    fn fold(facts: impl IntoIterator<Item = Vitals>) -> Vec<AlertChange> {
        let (fold, mut state) = (Bound::new(options()), State::default());
        facts.into_iter().filter_map(|fact| fold.step(&mut state, &fact)).collect()
    }

    #[test]
    fn levels_begin_where_the_published_responses_do() {
        assert_eq!(severity(2, 2), None);
        assert_eq!(severity(4, 2), None);
        assert_eq!(severity(3, 3), Some(Level::Moderate));
        assert_eq!(severity(5, 2), Some(Level::High));
        assert_eq!(severity(6, 3), Some(Level::High));
        assert_eq!(severity(7, 3), Some(Level::Critical));
    }

    #[test]
    fn an_alert_carries_the_values_the_window_and_the_offsets() {
        let facts = (0..=60).map(|second| vitals(second, Some(120.0), Some(26.0), Some(97.0)));
        let changes = fold(facts);
        assert_eq!(changes.len(), 1);
        let change = &changes[0];
        assert_eq!((change.level, change.evidence.score), (Level::High, 5));
        let named: Vec<_> =
            change.evidence.findings.iter().map(|f| (f.parameter.as_str(), f.value.get(), f.score)).collect();
        assert_eq!(named, [("pulse", 120.0, 2), ("resp", 26.0, 3), ("spo2", 97.0, 0)]);
        assert_eq!((change.evidence.window_start, change.evidence.window_end), (0, 60_000_000));
        assert_eq!((change.evidence.spans[0].first, change.evidence.spans[0].last), (0, 60));
    }

    #[test]
    fn a_sign_that_is_missing_keeps_its_latest_value_for_an_hour_and_then_counts_nothing() {
        let start = vitals(0, None, Some(26.0), None);
        let within = (3_500..3_570).map(|second| vitals(second, Some(70.0), None, None));
        let alerts = fold(std::iter::once(start.clone()).chain(within));
        assert_eq!(alerts.len(), 1, "26/min an hour ago is still the latest");
        let after = (3_601..3_700).map(|second| vitals(second, Some(70.0), None, None));
        assert!(fold(std::iter::once(start).chain(after)).is_empty());
    }

    #[test]
    fn no_sign_at_all_says_nothing() {
        assert!(fold((0..200).map(|second| vitals(second, None, None, None))).is_empty());
    }
}
