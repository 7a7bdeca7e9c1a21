//! People, facts, and one rule applied to them.

use model::{Date, Input, Number, Profile, Region, Sex, Span};
use operators::risk::{
    facts::{Fact, Facts, Method},
    parameter::Parameter,
    rule::{Judgement, Measure, judge},
    set::{Risk, Rulebook},
};

/// Noon of 1 July 2026.
pub(super) const NOW: i64 = 1_782_907_200_000_000;

/// Somebody of this age and sex, in Korea.
pub(super) fn person(age: i32, sex: Sex) -> Profile {
    Profile {
        birth_date: Date::new(2026 - age, 1, 1),
        sex: Some(sex),
        pregnant: Some(false),
        region: Some(Region::Korea),
        hypercapnic: false,
    }
}

/// Facts of `NOW`, sure, and measured on as many occasions as any rule asks for.
pub(super) fn facts(values: &[(Parameter, f64)]) -> Facts {
    let mut facts = Facts::default();
    for (parameter, value) in values {
        let is_optical = *parameter == Parameter::OpticalPulse;
        let fact = Fact {
            at: NOW,
            value: Number::finite(*value).unwrap(),
            confidence: Number::from(1),
            method: if is_optical { Method::Optical } else { Method::Observed },
            occasions: 2,
            span: Span { input: Input::Vitals, partition: 0, first: 0, last: 0 },
        };
        facts.take(*parameter, fact).unwrap();
    }
    facts
}

/// A finding, without what it borrows.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) level: Risk,
    pub(super) class: String,
    pub(super) measure: Measure,
    pub(super) unit: &'static str,
    pub(super) confidence: Number,
    pub(super) needs_retest: bool,
    used: Vec<(Parameter, Option<String>, Option<u32>)>,
}

impl Found {
    /// The class of one parameter alone; empty if no row is for it.
    pub(super) fn class_of(&self, parameter: Parameter) -> String {
        let used = self.used.iter().find(|(known, ..)| *known == parameter);
        used.and_then(|(_, class, _)| class.clone()).unwrap_or_default()
    }

    /// The points of one parameter.
    pub(super) fn points_of(&self, parameter: Parameter) -> Option<u32> {
        self.used.iter().find(|(known, ..)| *known == parameter)?.2
    }
}

/// What the rule of this id finds; nothing if it finds nothing.
pub(super) fn found(
    book: &Rulebook,
    rule: &str,
    profile: &Profile,
    values: &[(Parameter, f64)],
) -> Option<Found> {
    let (set, rule) = book.rule(rule).expect("a shipped rule");
    match judge(set, rule, profile, &facts(values), NOW) {
        Judgement::Found(finding) => Some(Found {
            level: finding.level,
            class: finding.class.to_owned(),
            measure: finding.measure,
            unit: finding.unit,
            confidence: finding.confidence,
            needs_retest: finding.needs_retest,
            used: finding
                .evidence
                .iter()
                .map(|used| (used.parameter(), used.class().map(ToOwned::to_owned), used.points()))
                .collect(),
        }),
        Judgement::Silent(_) => None,
        Judgement::Inapplicable(why) => panic!("{} is not for this person: {why:?}", rule.id),
    }
}
