//! What the facts of one day come to.

use super::fact::{Fact, Measured, What};
use model::{
    AlertCounts, BiomarkerDay, DailySummary, Day, DayKind, EventId, Level, Micros, Number, Risk, Text, UserId,
};
use std::collections::BTreeMap;

/// The day of `user` that ends so, without its words; `facts` are those of the day, in order.
pub(super) fn summary(
    user: UserId,
    day: Day,
    (ends_at, offset): (Micros, i16),
    facts: &[&Fact],
    now: Micros,
) -> DailySummary {
    let measured = || facts.iter().filter_map(|fact| Some((fact.at, fact.measured()?)));
    let alerts = alerts(facts);
    let levels: Vec<_> = measured().map(|(_, measured)| measured.level).collect();
    DailySummary {
        ends_at,
        user,
        day,
        offset,
        is_over: now >= ends_at,
        kind: kind(&levels, alerts),
        measurements: levels.len() as u32,
        to_repeat: measured().filter(|(_, measured)| measured.to_repeat).count() as u32,
        biomarkers: biomarkers(measured()),
        alerts,
        text: Text::default(),
        version: String::new(),
    }
}

/// What kind of day has results of these levels and these alerts.
fn kind(levels: &[Option<Risk>], alerts: AlertCounts) -> DayKind {
    let worst = levels.iter().flatten().max();
    let AlertCounts { moderate, high, critical } = alerts;
    if worst >= Some(&Risk::High) || high + critical > 0 {
        DayKind::Urgent
    } else if worst >= Some(&Risk::Moderate) || moderate > 0 {
        DayKind::Outside
    } else if levels.is_empty() {
        DayKind::Nothing
    } else if levels.contains(&None) {
        DayKind::Recorded
    } else {
        DayKind::InRange
    }
}

fn alerts(facts: &[&Fact]) -> AlertCounts {
    let mut highest = BTreeMap::<EventId, Level>::new();
    for fact in facts {
        if let What::Rose(alert, level) = fact.what {
            let known = highest.entry(alert).or_insert(level);
            *known = level.max(*known);
        }
    }
    let mut counts = AlertCounts::default();
    for level in highest.into_values() {
        counts.add(level);
    }
    counts
}

fn biomarkers<'a>(measured: impl Iterator<Item = (Micros, &'a Measured)>) -> Vec<BiomarkerDay> {
    let mut days = BTreeMap::<&(String, String), BiomarkerDay>::new();
    for (at, measured) in measured {
        let Some(biomarker) = &measured.biomarker else { continue };
        let day = days.entry(biomarker).or_insert_with(|| {
            let (name, unit) = biomarker.clone();
            BiomarkerDay { name, unit, count: 0, lowest: None, highest: None, last: None, worst: None }
        });
        day.count += 1;
        day.worst = day.worst.max(measured.level);
        let Some(value) = measured.value else { continue };
        let keep = |known: Option<Number>, better: fn(Number, Number) -> Number| {
            Some(known.map_or(value, |known| better(known, value)))
        };
        (day.lowest, day.highest) = (keep(day.lowest, Ord::min), keep(day.highest, Ord::max));
        // They come in order; of two of one moment the later in that order stands.
        day.last = Some((at, value));
    }
    days.into_values().collect()
}
