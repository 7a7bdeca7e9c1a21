//! Who hears of a risk, and who does not.

use super::{Kind, Known, Recipients};
use crate::timeline::{Fold, oracle};
use model::{
    AlertChange, ChangeKind, Claim, EventId, Evidence, Finding, Level, Number, RiskDetected, Rule, SetRule,
    Sharing, UserId,
    consent::{ALERTS, FAMILY_SHARING},
};
use proptest::prelude::*;

fn user(name: &str) -> UserId {
    UserId::derive(&[name])
}

fn finding(parameter: &str, value: u32, unit: &str, score: u32) -> Finding {
    let (parameter, unit) = (parameter.to_owned(), unit.to_owned());
    Finding { parameter, value: Number::from(value), unit, observed_at: 0, score }
}

fn change(at: i64, rule: Rule, findings: Vec<Finding>) -> AlertChange {
    AlertChange {
        at,
        alert: EventId::derive(&["alert"]),
        kind: ChangeKind::Raised,
        level: Level::High,
        user: user("person"),
        session: None,
        rule,
        onset: at,
        evidence: Evidence { score: 0, findings, window_start: at, window_end: at, spans: Vec::new() },
    }
}

fn risk(at: i64) -> Known {
    let findings = vec![finding("hr", 140, "/min", 3)];
    Known { at, what: Kind::Risk(Box::new(change(at, Rule::PulseBand, findings))) }
}

fn sharing(at: i64, sharing: Sharing) -> Known {
    Known { at, what: Kind::Sharing(EventId::derive(&[&at.to_string()]), sharing) }
}

fn shared(at: i64, member: &str, data: &[&str]) -> Known {
    let data = data.iter().map(|name| (*name).to_owned()).collect();
    sharing(at, Sharing::Shared { member: user(member), data })
}

fn consent(at: i64, granted: bool, name: &str) -> Known {
    sharing(at, if granted { Sharing::Granted(name.into()) } else { Sharing::Revoked(name.into()) })
}

fn detected(known: impl IntoIterator<Item = Known>) -> Vec<RiskDetected> {
    let mut circle = super::Circle::default();
    known.into_iter().filter_map(|known| Recipients::new().step(&mut circle, &known)).collect()
}

fn heard(known: impl IntoIterator<Item = Known>) -> Vec<Vec<UserId>> {
    detected(known).into_iter().map(|detected| detected.recipients).collect()
}

#[test]
fn only_a_consent_and_a_sharing_together_let_anybody_else_hear() {
    let (person, mother) = (user("person"), user("mother"));
    let (consents, shares) = (consent(1, true, FAMILY_SHARING), shared(2, "mother", &["trends", ALERTS]));
    assert_eq!(heard([risk(3)]), [vec![person]]);
    assert_eq!(heard([consents.clone(), risk(3)]), [vec![person]]);
    assert_eq!(heard([shares.clone(), risk(3)]), [vec![person]]);
    assert_eq!(heard([consents.clone(), shares.clone(), risk(3)]), [vec![person, mother]]);
    assert_eq!(heard([consent(1, true, "marketing"), shares.clone(), risk(3)]), [vec![person]]);
    assert_eq!(heard([consents.clone(), shared(2, "mother", &["trends"]), risk(3)]), [vec![person]]);
    let ended = [shared(4, "mother", &[]), consent(4, false, FAMILY_SHARING)];
    for end in ended {
        let all = [consents.clone(), shares.clone(), risk(3), end, risk(5)];
        assert_eq!(heard(all), [vec![person, mother], vec![person]]);
    }
}

#[test]
fn the_person_is_first_and_the_family_in_order() {
    let all = ["a", "b", "c"].map(|member| shared(1, member, &[ALERTS]));
    let mut family = ["a", "b", "c"].map(user);
    family.sort_unstable();
    let heard = heard([consent(0, true, FAMILY_SHARING)].into_iter().chain(all).chain([risk(2)]));
    assert_eq!((heard[0][0], &heard[0][1..]), (user("person"), &family[..]));
}

#[test]
fn the_leading_value_is_the_one_that_decided_and_has_its_limits_where_they_hold_for_all() {
    let claim = |value, unit: &str| Claim {
        class: String::new(),
        value: Number::from(value),
        unit: unit.into(),
        at_least: false,
        low: None,
        high: None,
        limits: String::new(),
        source: String::new(),
        confidence: Number::from(1),
        needs_retest: false,
    };
    let of_set = |id: &str, claim| {
        let (set, version) = (String::new(), String::new());
        Rule::Set(Box::new(SetRule { id: id.into(), set, version, claim: Some(claim) }))
    };
    let pressures = || vec![finding("diastolic", 125, "mm[Hg]", 0), finding("systolic", 150, "mm[Hg]", 0)];
    let glucose = || vec![finding("glucose", 40, "mg/dL", 0)];
    let vitals = || {
        vec![finding("pulse", 120, "/min", 2), finding("resp", 26, "/min", 3), finding("spo2", 90, "%", 3)]
    };
    for (rule, findings, parameter, low, high) in [
        (of_set("glucose", claim(40, "mg/dL")), glucose(), "glucose", Some(70), Some(180)),
        (of_set("blood_pressure.kr", claim(125, "mm[Hg]")), pressures(), "diastolic", None, Some(80)),
        (Rule::News2LowerBound, vitals(), "resp", Some(12), Some(20)),
    ] {
        let known = Known { at: 1, what: Kind::Risk(Box::new(change(1, rule, findings))) };
        let found = detected([known]).remove(0);
        assert_eq!(found.leading.unwrap().parameter, parameter);
        let limits = (low.map(Number::from), high.map(Number::from));
        assert_eq!(found.reference, Some(limits), "{parameter}");
    }
    // Shares may be equal: it is the one that can be of the class.
    let class = "too much time below 54 mg/dL".to_owned();
    let rule = of_set("cgm", Claim { class, ..claim(2, "%") });
    let shares = vec![finding("cgm_above_250", 2, "%", 0), finding("cgm_below_54", 2, "%", 0)];
    let known = Known { at: 1, what: Kind::Risk(Box::new(change(1, rule, shares))) };
    assert_eq!(detected([known]).remove(0).leading.unwrap().parameter, "cgm_below_54");
    // What is well differs with confirmed hypercapnic failure.
    let saturation = vec![finding("spo2", 80, "%", 3)];
    let known = Known { at: 1, what: Kind::Risk(Box::new(change(1, Rule::News2LowerBound, saturation))) };
    assert_eq!(detected([known]).remove(0).reference, None);
}

fn any_known() -> impl Strategy<Value = Known> {
    let member = prop_oneof![Just("a"), Just("b"), Just("c")];
    prop_oneof![
        (0_i64..20).prop_map(risk),
        (0_i64..20, any::<bool>()).prop_map(|(at, granted)| consent(at, granted, FAMILY_SHARING)),
        (0_i64..20, member, any::<bool>()).prop_map(|(at, member, alerts)| shared(
            at,
            member,
            if alerts { &[ALERTS] } else { &[] }
        )),
    ]
}

/// Who hears of a risk, written again without a fold.
fn plain(at: i64, all: &[Known]) -> Vec<UserId> {
    let before = || all.iter().filter(|known| known.at <= at).rev();
    let consents = before().find_map(|known| match &known.what {
        Kind::Sharing(_, Sharing::Granted(_)) => Some(true),
        Kind::Sharing(_, Sharing::Revoked(_)) => Some(false),
        _ => None,
    });
    let hears = |member: &UserId| {
        before().find_map(|known| match &known.what {
            Kind::Sharing(_, Sharing::Shared { member: other, data }) if other == member => {
                Some(!data.is_empty())
            }
            _ => None,
        }) == Some(true)
    };
    let mut family: Vec<_> = ["a", "b", "c"].map(user).into_iter().filter(hears).collect();
    family.sort_unstable();
    if consents != Some(true) {
        family.clear();
    }
    [vec![user("person")], family].concat()
}

proptest! {
    /// At every epoch what stands is what a plain look at everything that stands comes to.
    #[test]
    fn recipients_follow_whatever_comes_late_and_is_taken_back(
        epochs in prop::collection::vec(prop::collection::vec((any_known(), any::<bool>()), 1..8), 1..8),
    ) {
        oracle::follow(&Recipients::new(), epochs, |told, all| {
            let wanted: Vec<_> = all
                .iter()
                .filter(|known| matches!(known.what, Kind::Risk(_)))
                .map(|known| (known.at, plain(known.at, all)))
                .collect();
            let found: Vec<_> = told.iter().map(|(it, _)| (it.change.at, it.recipients.clone())).collect();
            prop_assert!(told.iter().all(|(_, count)| *count == 1));
            prop_assert_eq!(found, wanted);
            Ok(())
        })?;
    }
}
