//! NEWS2 over whatever vital signs are known: a lower bound of the total.
//!
//! A missing parameter can only add points, so the sum of the known sub-scores bounds the total
//! from below: it can claim urgency, never safety. Where all seven parameters are known it is the total. Bands and
//! responses are those of the rule `news2` in `sets/news2.toml`, of which this uses scale 1 of the oxygen saturation.

mod former;

use super::{
    parameter::Parameter,
    set::{Case, Column, Rule as Chart, Rulebook},
    watch::{self, Change, Observation},
};
use crate::timeline::{Fold, Timeline};
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
    chart: Chart,
}

/// The latest value of each parameter, and the watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// In the order of [`PARAMETERS`].
    latest: [Option<Sign>; PARAMETERS.len()],
    watch: watch::State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sign {
    value: Number,
    at: Micros,
    span: Span,
}

/// What the score asks about, ordered by name.
const PARAMETERS: [Parameter; 7] = [
    Parameter::Consciousness,
    Parameter::Oxygen,
    Parameter::Pulse,
    Parameter::Respiration,
    Parameter::Saturation,
    Parameter::Systolic,
    Parameter::Temperature,
];

impl Bound {
    fn max_age(&self) -> Micros {
        Micros::from(self.options.max_age_minutes) * 60 * SECOND
    }

    /// Follows with these options, and with the bands and responses that ship.
    pub fn new(options: Options) -> Self {
        let book = Rulebook::shipped();
        let (_, chart) = book.rule("news2").expect("the score ships (a test looks for it)");
        Self { options, chart: chart.clone() }
    }

    /// The known values, each with its points, ordered by parameter.
    fn scored(&self, state: &State) -> impl Iterator<Item = (Parameter, Sign, u32)> {
        PARAMETERS.into_iter().zip(state.latest).filter_map(|(parameter, sign)| {
            let sign = sign?;
            // Nobody is known to be on scale 2; on scale 1 oxygen has points of its own alone.
            let points = |column: &Column| column.row(sign.value.get(), Case::default())?.points();
            Some((parameter, sign, points(self.chart.column(parameter)?)?))
        })
    }

    /// Highest level that a bound and its highest sub-score reach.
    fn severity(&self, bound: u32, highest: u32) -> Option<Level> {
        self.chart.total(bound, highest)?.level.alert()
    }
}

impl Fold for Bound {
    type Fact = Vitals;
    type State = State;
    type Output = AlertChange;

    // 2: with all seven parameters.
    const VERSION: u32 = 2;

    fn older(version: u32, bytes: &[u8]) -> Option<Timeline<Self>> {
        (version == 1).then(|| former::read(bytes)).flatten()
    }

    fn step(&self, state: &mut State, fact: &Vitals) -> Option<AlertChange> {
        let oldest = fact.at - self.max_age();
        let span = Span::from(fact.origin);
        // The oximeter's pulse is what NEWS2 asks for; the electrocardiogram's rate stands in.
        let values = [
            fact.consciousness.map(|consciousness| Number::from(consciousness.step())),
            fact.oxygen.map(|oxygen| Number::from(u32::from(oxygen))),
            fact.pulse.or(fact.hr),
            fact.resp,
            fact.spo2,
            fact.systolic,
            fact.temperature,
        ];
        for (sign, value) in state.latest.iter_mut().zip(values) {
            if let Some(value) = value {
                *sign = Some(Sign { value, at: fact.at, span });
            } else if sign.is_some_and(|sign| sign.at < oldest) {
                *sign = None;
            }
        }
        let bound = self.scored(state).map(|(.., points)| points).sum();
        let highest = self.scored(state).map(|(.., points)| points).max()?;
        let severity = self.severity(bound, highest);
        // Hysteresis: one point, in the sum and in the single score.
        let sustained = self.severity(bound + 1, highest + 1).is_some();
        let seen = Observation { at: fact.at, severity, sustained, span };
        let change = state.watch.observe(&self.options.watch, seen, None)?;
        Some(self.change(fact, state, bound, change))
    }

    fn at(fact: &Vitals) -> Micros {
        fact.at
    }

    /// A sign is the latest known for so long.
    fn memory(&self, _horizon: Micros) -> Micros {
        self.max_age()
    }

    fn may_go(&self, state: &State) -> bool {
        state.watch.is_clean()
    }
}

impl Bound {
    fn change(&self, fact: &Vitals, state: &State, score: u32, change: Change) -> AlertChange {
        let Change { kind, level, onset, since, mut spans } = change;
        let finding = |(parameter, sign, score): (Parameter, Sign, u32)| {
            watch::extend(&mut spans, sign.span);
            let (parameter, unit) = (parameter.name().to_owned(), parameter.unit().to_owned());
            Finding { parameter, value: sign.value, unit, observed_at: sign.at, score }
        };
        let findings = self.scored(state).map(finding).collect();
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
}

#[cfg(test)]
mod tests {
    use super::{Bound, Options, State};
    use crate::{risk::watch, timeline::Fold};
    use model::{AlertChange, Consciousness, EventId, Input, Level, Number, Origin, UserId, Vitals};

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
            systolic: None,
            diastolic: None,
            temperature: None,
            consciousness: None,
            oxygen: None,
            origin: Origin { input: Input::Vitals, partition: 0, offset: second as u64 },
        }
    }

    fn fold(facts: impl IntoIterator<Item = Vitals>) -> Vec<AlertChange> {
        let (fold, mut state) = (Bound::new(options()), State::default());
        facts.into_iter().filter_map(|fact| fold.step(&mut state, &fact)).collect()
    }

    #[test]
    fn levels_begin_where_the_published_responses_do() {
        let bound = Bound::new(options());
        assert_eq!(bound.severity(2, 2), None);
        assert_eq!(bound.severity(4, 2), None);
        assert_eq!(bound.severity(3, 3), Some(Level::Moderate));
        assert_eq!(bound.severity(5, 2), Some(Level::High));
        assert_eq!(bound.severity(6, 3), Some(Level::High));
        assert_eq!(bound.severity(7, 3), Some(Level::Critical));
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
    fn with_all_seven_parameters_the_bound_is_the_total() {
        // 2 + 3 + 3 + 2 + 2 + 3 + 1 by the chart: oxygen, unresponsive, systolic, pulse, saturation, breathing, fever.
        let whole = |second: i64| Vitals {
            systolic: Number::finite(90.0),
            diastolic: Number::finite(60.0),
            temperature: Number::finite(38.5),
            consciousness: Some(Consciousness::Unresponsive),
            oxygen: Some(true),
            ..vitals(second, Some(120.0), Some(26.0), Some(92.0))
        };
        let changes = fold((0..=60).map(whole));
        let named: Vec<_> =
            changes[0].evidence.findings.iter().map(|f| (f.parameter.as_str(), f.score)).collect();
        let wanted = [
            ("consciousness", 3),
            ("oxygen", 2),
            ("pulse", 2),
            ("resp", 3),
            ("spo2", 2),
            ("systolic", 3),
            ("temperature", 1),
        ];
        assert_eq!(named, wanted);
        assert_eq!((changes[0].level, changes[0].evidence.score), (Level::Critical, 16));
    }

    #[test]
    fn a_person_who_does_not_answer_is_told_whatever_else_is_missing() {
        let (systolic, temperature) = (None, None);
        let said = |second| Vitals {
            systolic,
            temperature,
            consciousness: Some(Consciousness::Voice),
            ..vitals(second, None, None, None)
        };
        let changes = fold((0..=60).map(said));
        assert_eq!((changes.len(), changes[0].level), (1, Level::Moderate));
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
