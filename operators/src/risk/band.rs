//! The NEWS2 pulse band, applied to the heart rate that good optical pulse windows show.
//!
//! Only windows behind the quality gate speak; the others say nothing either way. An estimate from
//! the waveform never enters the NEWS2 sum, it has a rule of its own: `pulse.news2_band` in
//! `sets/news2.toml`. Hysteresis: 5 % of the limit.

use super::{
    parameter::Parameter,
    set::{Case, Column, Outcome, Rulebook},
    watch::{self, Change, Observation},
};
use crate::timeline::Fold;
use model::{AlertChange, EventId, Evidence, Finding, Level, Micros, Number, PulseWindow, Rule};
use std::ops::Range;

/// How far a rate must be inside a limit again, as a share of the limit (risk.md §4.12).
const HYSTERESIS: f64 = 0.05;

/// Follows one session's windows.
#[derive(Clone, Debug)]
pub struct Band {
    options: watch::Options,
    /// The limits, 1/min.
    limits: Column,
    /// Where the rate is well inside the limits, 1/min.
    calm: Range<f64>,
    /// The band's place in the score, for the evidence.
    chart: Column,
}

impl Band {
    /// Follows with these options, and with the limits that ship.
    pub fn new(options: watch::Options) -> Self {
        let book = Rulebook::shipped();
        let column = |rule, parameter| {
            let column = book.rule(rule).and_then(|(_, rule)| rule.column(parameter));
            column.expect("the rule ships (a test looks for it)").clone()
        };
        let limits = column("pulse.news2_band", Parameter::OpticalPulse);
        let chart = column("news2", Parameter::Pulse);
        let mut calm = 0.0..f64::INFINITY;
        for row in limits.rows.iter().filter(|row| row.enabled) {
            if let Some(edge) = row.limits.high {
                calm.start = edge.value.get().mul_add(HYSTERESIS, edge.value.get()).max(calm.start);
            }
            if let Some(edge) = row.limits.low {
                calm.end = edge.value.get().mul_add(-HYSTERESIS, edge.value.get()).min(calm.end);
            }
        }
        Self { options, limits, calm, chart }
    }

    /// The level of a rate, 1/min.
    fn severity(&self, rate: f64) -> Option<Level> {
        match self.limits.row(rate, Case::default())?.outcome {
            Outcome::Level(level) => level.alert(),
            Outcome::Points(_) => None,
        }
    }
}

impl Fold for Band {
    type Fact = PulseWindow;
    type State = watch::State;
    type Output = AlertChange;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut watch::State, fact: &PulseWindow) -> Option<AlertChange> {
        let rate = fact.hr_bpm.filter(|_| fact.good)?;
        let score = self.chart.row(rate.get(), Case::default())?.points()?;
        let seen = Observation {
            at: fact.end,
            severity: self.severity(rate.get()),
            sustained: !self.calm.contains(&rate.get()),
            span: fact.packets,
        };
        let change = state.observe(&self.options, seen, None)?;
        Some(self::change(fact, rate, score, change))
    }

    fn at(fact: &PulseWindow) -> Micros {
        fact.end
    }

    /// By the session's own clock, which may be wrong: a window is corrected within seconds of it.
    fn floor(newest: &PulseWindow, _watermark: Micros, horizon: Micros) -> Micros {
        newest.end.saturating_sub(horizon)
    }

    /// A run in progress goes with its session; an open alert stays.
    fn may_go(&self, state: &watch::State) -> bool {
        !state.is_open()
    }
}

fn change(fact: &PulseWindow, value: Number, score: u32, change: Change) -> AlertChange {
    let Change { kind, level, onset, since, spans } = change;
    let rule = Rule::PulseBand;
    let parameter = Parameter::OpticalPulse;
    let (parameter, unit) = (parameter.name().to_owned(), parameter.unit().to_owned());
    let finding = Finding { parameter, value, unit, observed_at: fact.end, score };
    AlertChange {
        alert: EventId::derive(&["alert", &fact.session.to_string(), rule.id(), &onset.to_string()]),
        at: fact.end,
        kind,
        level,
        user: fact.user,
        session: Some(fact.session),
        rule,
        onset,
        evidence: Evidence {
            score,
            findings: vec![finding],
            window_start: since,
            window_end: fact.end,
            spans,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Band;
    use crate::{
        risk::watch,
        timeline::{Fold, Timeline},
    };
    use model::{ChangeKind, Input, Level, Number, PulseWindow, SessionId, Span, UserId};

    fn band() -> Band {
        Band::new(watch::Options {
            raise_after_seconds: u32::MAX,
            raise_after_observations: 2,
            clear_after_seconds: 10,
        })
    }

    fn window(place: i64, rate: f64, good: bool) -> PulseWindow {
        PulseWindow {
            session: SessionId::derive(&["s"]),
            start: place * 5_000_000,
            end: place * 5_000_000 + 30_000_000,
            revision: 0,
            user: UserId::derive(&["u"]),
            n_expected: 3750,
            n_real: 3750,
            n_imputed: 0,
            hr_bpm: Number::finite(rate),
            beats_bpm: None,
            spectrum_bpm: None,
            beats: 30,
            regularity: None,
            snr_db: None,
            skewness: None,
            quality: None,
            quality_version: 1,
            good,
            packets: Span {
                input: Input::Packets,
                partition: 0,
                first: place as u64,
                last: place as u64 + 6,
            },
        }
    }

    #[test]
    fn the_limits_are_those_of_the_score_and_the_hysteresis_is_five_percent() {
        let band = band();
        for (rate, level) in
            [(40.4, Some(Level::Moderate)), (40.5, None), (130.4, None), (130.5, Some(Level::Moderate))]
        {
            assert_eq!(band.severity(rate), level, "{rate}");
        }
        assert!((band.calm.start - 42.0).abs() < 1e-9 && (band.calm.end - 124.45).abs() < 1e-9);
    }

    #[test]
    fn two_good_windows_in_a_row_raise_and_a_poor_one_says_nothing() {
        let (fold, mut state) = (band(), watch::State::default());
        let plot = [
            (140.0, true),
            (80.0, false),
            (140.0, true),
            (125.0, true),
            (80.0, true),
            (80.0, true),
            (80.0, true),
        ];
        let changes: Vec<_> = plot
            .iter()
            .enumerate()
            .filter_map(|(place, (rate, good))| {
                fold.step(&mut state, &window(place as i64, *rate, *good)).map(|change| (place, change.kind))
            })
            .collect();
        assert_eq!(changes, [(2, ChangeKind::Raised), (6, ChangeKind::Cleared)]);
    }

    #[test]
    fn a_corrected_window_withdraws_the_alert_it_had_raised() {
        let (fold, mut timeline) = (band(), Timeline::<Band>::default());
        let mut standing = Vec::new();
        let mut apply = |timeline: &mut Timeline<Band>, changes: Vec<(PulseWindow, i64)>| {
            timeline.apply(&fold, changes, |change, diff| {
                if diff > 0 {
                    standing.push(change);
                } else {
                    standing.retain(|known| *known != change);
                }
            });
            standing.len()
        };
        let windows: Vec<_> = (0..2).map(|place| (window(place, 140.0, true), 1)).collect();
        assert_eq!(apply(&mut timeline, windows), 1);
        let corrected = PulseWindow { revision: 1, ..window(1, 90.0, true) };
        assert_eq!(apply(&mut timeline, vec![(window(1, 140.0, true), -1), (corrected, 1)]), 0);
    }
}
