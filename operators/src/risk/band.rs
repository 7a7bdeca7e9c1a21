//! The NEWS2 pulse band, applied to the heart rate that good optical pulse windows show.
//!
//! Only windows behind the quality gate speak; the others say nothing either way. An estimate from
//! the waveform never enters the NEWS2 sum, it has a rule of its own. Source of the limits: RCP 2017
//! (see [`super::news2`]): a sub-score of 3 is MODERATE. Hysteresis: 5 % of the limit.

use super::{
    news2::Parameter,
    watch::{self, Change, Observation},
};
use crate::timeline::Fold;
use model::{AlertChange, EventId, Evidence, Finding, Level, Micros, Number, PulseWindow, Rule};

/// The limits inside which the sub-score is below 3, widened by 5 %: 40·1.05 and 131·0.95, 1/min.
const CALM: std::ops::Range<f64> = 42.0..124.45;

/// Follows one session's windows.
#[derive(Clone, Debug)]
pub struct Band {
    options: watch::Options,
}

impl Band {
    /// Follows with these options.
    pub fn new(options: watch::Options) -> Self {
        Self { options }
    }
}

impl Fold for Band {
    type Fact = PulseWindow;
    type State = watch::State;
    type Output = AlertChange;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut watch::State, fact: &PulseWindow) -> Option<AlertChange> {
        let rate = fact.hr_bpm.filter(|_| fact.good)?;
        let score = Parameter::Pulse.score(rate.get());
        let seen = Observation {
            at: fact.end,
            severity: (score == 3).then_some(Level::Moderate),
            sustained: !CALM.contains(&rate.get()),
            span: fact.packets,
        };
        let change = state.observe(&self.options, seen)?;
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
    let unit = Parameter::Pulse.unit().to_owned();
    let finding = Finding { parameter: "pulse_ppg".to_owned(), value, unit, observed_at: fact.end, score };
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
    use model::{ChangeKind, Input, Number, PulseWindow, SessionId, Span, UserId};

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
