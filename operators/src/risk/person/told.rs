//! What is told of a change: everything needed to say why, and to find it again.

use super::Followed;
use crate::risk::{
    facts::Facts,
    rule::{self, Judgement, Measure},
    said::Said,
    watch::{self, Change},
};
use model::{AlertChange, Claim, EventId, Evidence, Finding, Profile, SetRule};

impl Followed {
    /// What is told of a change that was seen when something was said.
    pub(super) fn change(
        &self,
        said: &Said,
        (profile, facts): (&Profile, &Facts),
        judgement: Judgement<'_>,
        change: Change,
    ) -> AlertChange {
        let Change { kind, level, onset, since, mut spans } = change;
        let mut findings = Vec::new();
        let rule = self.rule();
        for used in rule::evidence(rule, profile, facts, said.at).iter() {
            watch::extend(&mut spans, used.fact.span);
            let (parameter, unit) = (used.parameter().name().to_owned(), used.parameter().unit().to_owned());
            let (value, observed_at) = (used.fact.value, used.fact.at);
            findings.push(Finding { parameter, value, unit, observed_at, score: used.points().unwrap_or(0) });
        }
        findings.sort_unstable();
        let (claim, score) = match judgement {
            Judgement::Found(finding) => (Some(Claim::from(&finding)), points(finding.measure)),
            Judgement::Inapplicable(_) | Judgement::Silent(_) => (None, None),
        };
        let set = &self.set;
        AlertChange {
            alert: EventId::derive(&["alert", &said.user.to_string(), &rule.id, &onset.to_string()]),
            at: said.at,
            kind,
            level,
            user: said.user,
            session: None,
            rule: model::Rule::Set(Box::new(SetRule {
                id: rule.id.clone(),
                set: set.id.clone(),
                version: set.version.clone(),
                claim,
            })),
            onset,
            evidence: Evidence {
                score: score.unwrap_or(0),
                findings,
                window_start: since,
                window_end: said.at,
                spans,
            },
        }
    }
}

/// Points of a score.
const fn points(measure: Measure) -> Option<u32> {
    match measure {
        Measure::Total(points) | Measure::AtLeast(points) => Some(points),
        Measure::Value(_) => None,
    }
}
