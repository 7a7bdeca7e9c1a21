//! The National Early Warning Score 2 as published: sub-scores, their sum, their bands.
//!
//! Source: Royal College of Physicians, *National Early Warning Score (NEWS) 2*, 2017, chart 1.
//! Reproduced with acknowledgement; the bands are not altered. Values are rounded to integers
//! before they are scored.

/// Parameters whose sub-score can be told from the vital signs this product receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// Pulse rate, 1/min.
    Pulse,
    /// Respiration rate, 1/min.
    Resp,
    /// Oxygen saturation on scale 1, %.
    Spo2,
}

impl Parameter {
    /// Name as evidence spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Resp => "resp",
            Self::Spo2 => "spo2",
        }
    }

    /// UCUM unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Pulse | Self::Resp => "/min",
            Self::Spo2 => "%",
        }
    }

    /// Sub-score of `value`, 0 to 3.
    pub fn score(self, value: f64) -> u32 {
        let rounded = value.round() as i64;
        match self {
            Self::Pulse => match rounded {
                ..=40 | 131.. => 3,
                111..=130 => 2,
                41..=50 | 91..=110 => 1,
                51..=90 => 0,
            },
            Self::Resp => match rounded {
                ..=8 | 25.. => 3,
                21..=24 => 2,
                9..=11 => 1,
                12..=20 => 0,
            },
            Self::Spo2 => match rounded {
                ..=91 => 3,
                92..=93 => 2,
                94..=95 => 1,
                96.. => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Parameter::{self, Pulse, Resp, Spo2};
    use proptest::prelude::*;

    /// Both sides of every published boundary.
    #[test]
    fn every_boundary_scores_as_the_chart_says() {
        let chart: [(Parameter, &[(f64, u32)]); 3] = [
            (Resp, &[(8.0, 3), (9.0, 1), (11.0, 1), (12.0, 0), (20.0, 0), (21.0, 2), (24.0, 2), (25.0, 3)]),
            (Spo2, &[(91.0, 3), (92.0, 2), (93.0, 2), (94.0, 1), (95.0, 1), (96.0, 0)]),
            (
                Pulse,
                &[
                    (40.0, 3),
                    (41.0, 1),
                    (50.0, 1),
                    (51.0, 0),
                    (90.0, 0),
                    (91.0, 1),
                    (110.0, 1),
                    (111.0, 2),
                    (130.0, 2),
                    (131.0, 3),
                ],
            ),
        ];
        for (parameter, boundaries) in chart {
            for (value, score) in boundaries {
                assert_eq!(parameter.score(*value), *score, "{} {value}", parameter.name());
            }
        }
    }

    #[test]
    fn values_are_rounded_before_they_are_scored() {
        assert_eq!(Resp.score(8.4), 3);
        assert_eq!(Resp.score(8.5), 1);
        assert_eq!(Spo2.score(91.5), 2);
        assert_eq!(Pulse.score(130.4), 2);
    }

    proptest! {
        #[test]
        fn risk_never_falls_away_from_normal(value in 0.0_f64..300.0, step in 0.0_f64..50.0) {
            for (parameter, normal) in [(Pulse, 70.0), (Resp, 16.0), (Spo2, 98.0)] {
                let further = if value < normal { value - step } else { value + step };
                if parameter != Spo2 || value < normal {
                    prop_assert!(parameter.score(further) >= parameter.score(value));
                }
            }
        }
    }
}
