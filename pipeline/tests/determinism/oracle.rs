//! NEWS2 alerts worked out the slow way: every observation looks back over all that came before it.
//!
//! Written from the chart (RCP 2017) and the rule's description, sharing no code with the product but its words.

use model::{AlertChange, ChangeKind, EventId, Evidence, Finding, Level, Micros, Number, Rule, Span, Vitals};

const SECOND: Micros = 1_000_000;

/// One person's observations, in order, each with what was known then.
struct Person<'a>(Vec<(&'a Vitals, Vec<Known<'a>>)>);

/// What one parameter adds at one observation.
struct Known<'a> {
    seen: &'a Vitals,
    name: &'static str,
    value: Number,
    score: u32,
}

/// The changes of alerts that one person's vital signs lead to.
pub(crate) fn changes<'a>(vitals: impl IntoIterator<Item = &'a Vitals>) -> Vec<AlertChange> {
    let mut all: Vec<&Vitals> = vitals.into_iter().collect();
    all.sort_by_key(|vitals| (vitals.at, vitals.event));
    let known = (0..all.len()).map(|now| (all[now], known(&all[..=now])));
    // An observation while nothing is known says nothing.
    let person = Person(known.filter(|(_, known)| !known.is_empty()).collect());
    let (mut changes, mut open) = (Vec::new(), None::<(Micros, u32)>);
    for now in 0..person.0.len() {
        let held = (1..=3).rev().find(|level| person.lasts(now, 60, |at| person.level(at) >= *level));
        let calm = |at| person.total(at) < 4 && person.highest(at) < 2;
        match (open, held) {
            (None, Some(level)) => {
                let onset = person.0[since(now, |at| person.level(at) >= 1)].0.at;
                let since = since(now, |at| person.level(at) >= level);
                changes.push(person.change(ChangeKind::Raised, level, onset, since, now));
                open = Some((onset, level));
            }
            (Some((onset, before)), Some(level)) if level > before => {
                let since = since(now, |at| person.level(at) >= level);
                changes.push(person.change(ChangeKind::Escalated, level, onset, since, now));
                open = Some((onset, level));
            }
            (Some((onset, level)), _) if person.lasts(now, 600, calm) => {
                let since = since(now, calm);
                changes.push(person.change(ChangeKind::Cleared, level, onset, since, now));
                open = None;
            }
            _ => {}
        }
    }
    changes
}

/// The newest value of each parameter that is not older than an hour.
fn known<'a>(past: &[&'a Vitals]) -> Vec<Known<'a>> {
    let oldest = past.last().map_or(0, |now| now.at) - 3_600 * SECOND;
    let newest = |name, value: fn(&Vitals) -> Option<Number>, score: fn(i64) -> u32| {
        let seen = *past.iter().rev().find(|seen| value(seen).is_some())?;
        let value = value(seen)?;
        (seen.at >= oldest).then(|| Known { seen, name, value, score: score(value.get().round() as i64) })
    };
    let parameters = [
        newest("pulse", |seen| seen.pulse.or(seen.hr), pulse),
        newest("resp", |seen| seen.resp, respiration),
        newest("spo2", |seen| seen.spo2, saturation),
    ];
    parameters.into_iter().flatten().collect()
}

/// The first of the unbroken row of observations up to `now` for which something holds.
fn since(now: usize, holds: impl Fn(usize) -> bool) -> usize {
    (0..=now).rev().take_while(|at| holds(*at)).last().expect("it holds now")
}

impl Person<'_> {
    fn total(&self, now: usize) -> u32 {
        self.0[now].1.iter().map(|known| known.score).sum()
    }

    fn highest(&self, now: usize) -> u32 {
        self.0[now].1.iter().map(|known| known.score).max().unwrap_or(0)
    }

    /// 1 to 3; 0 is no level at all.
    fn level(&self, now: usize) -> u32 {
        let total = self.total(now);
        if total >= 7 {
            3
        } else if total >= 5 {
            2
        } else {
            u32::from(self.highest(now) == 3)
        }
    }

    /// Whether it has held without a break for so long.
    fn lasts(&self, now: usize, seconds: Micros, holds: impl Fn(usize) -> bool) -> bool {
        holds(now) && self.0[now].0.at - self.0[since(now, holds)].0.at >= seconds * SECOND
    }

    fn change(&self, kind: ChangeKind, level: u32, onset: Micros, since: usize, now: usize) -> AlertChange {
        let (seen, known) = &self.0[now];
        let behind =
            self.0[since..=now].iter().map(|(seen, _)| *seen).chain(known.iter().map(|known| known.seen));
        let span = behind.map(|seen| Span::from(seen.origin)).reduce(|one, other| one.union(other).unwrap());
        let finding = |known: &Known<'_>| Finding {
            parameter: known.name.into(),
            value: known.value,
            unit: if known.name == "spo2" { "%" } else { "/min" }.into(),
            observed_at: known.seen.at,
            score: known.score,
        };
        AlertChange {
            alert: EventId::derive(&[
                "alert",
                &seen.user.to_string(),
                "news2.lower_bound",
                &onset.to_string(),
            ]),
            at: seen.at,
            kind,
            level: [Level::Moderate, Level::High, Level::Critical][level as usize - 1],
            user: seen.user,
            session: None,
            rule: Rule::News2LowerBound,
            onset,
            evidence: Evidence {
                score: self.total(now),
                findings: known.iter().map(finding).collect(),
                window_start: self.0[since].0.at,
                window_end: seen.at,
                spans: span.into_iter().collect(),
            },
        }
    }
}

fn pulse(rate: i64) -> u32 {
    if rate <= 40 || rate >= 131 {
        3
    } else if rate >= 111 {
        2
    } else {
        u32::from(rate <= 50 || rate >= 91)
    }
}

fn respiration(rate: i64) -> u32 {
    if rate <= 8 || rate >= 25 {
        3
    } else if rate >= 21 {
        2
    } else {
        u32::from(rate <= 11)
    }
}

fn saturation(percent: i64) -> u32 {
    if percent <= 91 {
        3
    } else if percent <= 93 {
        2
    } else {
        u32::from(percent <= 95)
    }
}
