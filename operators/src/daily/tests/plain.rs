//! The same by looking at everything that came so far, hour by hour and day by day.

use super::made::{DAY_0, Feed, HOUR, START, Standing, user};
use crate::coaching::Templates;
use model::{
    AlertChange, AlertCounts, Analysis, BiomarkerDay, ChangeKind, DailySummary, Day, DayKind, DomainEvent,
    GoalChange, GoalEvent, GoalKind, GoalProgress, GoalState, Level, Micros, NotificationEvent, Risk, UserId,
    notification::NotificationChange, time::DAY,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that stands of one person.
struct All {
    user: UserId,
    now: Micros,
    events: Vec<DomainEvent>,
    analyses: Vec<Analysis>,
    changes: Vec<AlertChange>,
}

fn standing<T: Ord>(changes: impl Iterator<Item = (T, i64)>) -> Vec<T> {
    let mut counts = BTreeMap::new();
    changes.for_each(|(row, diff)| *counts.entry(row).or_insert(0) += diff);
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(row, _)| row).collect()
}

/// What stands after `feeds`.
pub(super) fn plain(feeds: &[Feed]) -> Standing {
    let mut found = Standing::default();
    for of in 0..2 {
        let user = user(of);
        let is_theirs = |event: &&DomainEvent| match event {
            DomainEvent::Notification(event) => event.user == user,
            DomainEvent::Goal(event) => event.user == user,
            _ => false,
        };
        let analyses = standing(feeds.iter().flat_map(|feed| feed.analyses.clone()));
        let changes = standing(feeds.iter().flat_map(|feed| feed.changes.clone()));
        let all = All {
            user,
            now: START + feeds.iter().map(|feed| feed.now).max().unwrap() * HOUR,
            events: feeds.iter().flat_map(|feed| &feed.events).filter(is_theirs).cloned().collect(),
            analyses: analyses.into_iter().filter(|analysis| analysis.user == user).collect(),
            changes: changes.into_iter().filter(|change| change.user == user).collect(),
        };
        found.days.extend((DAY_0 - 3..DAY_0 + 40).filter_map(|day| all.summary(day)));
        found.goals.extend(all.goals());
    }
    found
}

impl All {
    /// Minutes ahead of UTC.
    fn offset(&self, at: Micros) -> i16 {
        let settings = self.events.iter().filter_map(|event| match event {
            DomainEvent::Notification(NotificationEvent {
                at: since,
                event,
                change: NotificationChange::Settings(settings),
                ..
            }) if *since <= at => Some((*since, *event, settings.quiet.unwrap().offset)),
            _ => None,
        });
        settings.max().map_or(540, |(.., offset)| offset)
    }

    fn day(&self, at: Micros) -> Day {
        (at + Micros::from(self.offset(at)) * 60_000_000).div_euclid(DAY) as Day
    }

    fn end(&self, day: Day) -> Micros {
        let midnight = Micros::from(day + 1) * DAY;
        midnight - Micros::from(self.offset(midnight)) * 60_000_000
    }

    fn measured(&self, day: Day) -> Vec<&Analysis> {
        self.analyses.iter().filter(|analysis| self.day(analysis.at) == day).collect()
    }

    fn alerts(&self, day: Day) -> AlertCounts {
        let rose = self.changes.iter().filter(|change| {
            self.day(change.at) == day && matches!(change.kind, ChangeKind::Raised | ChangeKind::Escalated)
        });
        let rose: BTreeSet<_> = rose.map(|change| (change.alert, change.level)).collect();
        let highest = |level: Level| {
            let of = |(alert, its): &&(_, Level)| {
                *its == level && !rose.iter().any(|(other, higher)| other == alert && *higher > level)
            };
            rose.iter().filter(of).count() as u32
        };
        AlertCounts {
            moderate: highest(Level::Moderate),
            high: highest(Level::High),
            critical: highest(Level::Critical),
        }
    }

    fn summary(&self, day: Day) -> Option<DailySummary> {
        let (measured, alerts, ends_at) = (self.measured(day), self.alerts(day), self.end(day));
        let is_over = ends_at <= self.now;
        let is_empty = measured.is_empty() && alerts == AlertCounts::default();
        if is_empty && (!is_over || self.measured(day - 1).is_empty()) {
            return None;
        }
        let levels: Vec<_> = measured.iter().map(|analysis| analysis.level()).collect();
        let above = |risk| levels.iter().flatten().any(|level| *level >= risk);
        let kind = if above(Risk::High) || alerts.high > 0 || alerts.critical > 0 {
            DayKind::Urgent
        } else if above(Risk::Moderate) || alerts.moderate > 0 {
            DayKind::Outside
        } else if measured.is_empty() {
            DayKind::Nothing
        } else if levels.iter().all(|level| *level == Some(Risk::Low)) {
            DayKind::InRange
        } else {
            DayKind::Recorded
        };
        let names: BTreeSet<_> = measured.iter().filter_map(|analysis| analysis.biomarker.clone()).collect();
        let to_repeat = measured.iter().filter(|analysis| analysis.needs_retest()).count() as u32;
        Some(DailySummary {
            ends_at,
            user: self.user,
            day,
            offset: self.offset(Micros::from(day + 1) * DAY),
            is_over,
            kind,
            measurements: measured.len() as u32,
            to_repeat,
            biomarkers: names.into_iter().map(|name| biomarker(name, &measured)).collect(),
            alerts,
            text: Templates::shipped().day(kind, to_repeat > 0),
            version: "1.0".into(),
        })
    }

    fn goals(&self) -> Vec<GoalProgress> {
        let said = self.events.iter().filter_map(|event| match event {
            DomainEvent::Goal(event) => Some(event),
            _ => None,
        });
        let said: Vec<&GoalEvent> = said.collect();
        let mut found = Vec::new();
        for event in &said {
            let GoalChange::Set(terms) = &event.change else { continue };
            let moment = (event.at, event.event);
            let later =
                said.iter().filter(|other| other.goal == event.goal && (other.at, other.event) > moment);
            let next = later.map(|other| other.at).min();
            for from in (terms.from..=terms.until).step_by(terms.kind.days() as usize) {
                let last = from + terms.kind.days() - 1;
                let (begins_at, ends_at) = (self.end(from - 1), self.end(last));
                let counts = last <= terms.until && ends_at > event.at && begins_at <= self.now;
                // Whether it was still this goal when the period was over; none of its later periods was, either.
                let was = (terms.from..=from)
                    .step_by(terms.kind.days() as usize)
                    .map(|from| self.end(from + terms.kind.days() - 1))
                    .filter(|end| *end > event.at)
                    .all(|end| next.is_none_or(|next| end <= next));
                if counts && was {
                    found.push(self.progress(event, from, (begins_at, ends_at)));
                }
            }
        }
        found
    }

    fn progress(&self, event: &GoalEvent, from: Day, (begins_at, ends_at): (Micros, Micros)) -> GoalProgress {
        let GoalChange::Set(terms) = &event.change else { unreachable!("it was set") };
        let days = from..from + terms.kind.days();
        let is_it =
            |analysis: &&&Analysis| terms.biomarker.is_none() || analysis.biomarker == terms.biomarker;
        let mut moments = Vec::new();
        for day in days {
            let measured = self.measured(day);
            let levels: Vec<_> =
                measured.iter().filter(is_it).filter_map(|analysis| analysis.level()).collect();
            if terms.kind != GoalKind::InRange {
                moments.extend(measured.iter().filter(is_it).map(|analysis| analysis.at));
            } else if !levels.is_empty()
                && levels.iter().all(|level| *level == Risk::Low)
                && self.end(day) <= self.now
            {
                moments.push(self.end(day));
            }
        }
        moments.sort_unstable();
        let (state, since) = match moments.get(usize::from(terms.target) - 1) {
            Some(at) => (GoalState::Reached, *at),
            None if ends_at <= self.now => (GoalState::Missed, ends_at),
            None => (GoalState::Open, begins_at),
        };
        GoalProgress {
            since,
            user: self.user,
            goal: event.goal,
            kind: terms.kind,
            biomarker: terms.biomarker.clone(),
            from,
            ends_at,
            target: terms.target,
            done: moments.len() as u32,
            state,
            text: Templates::shipped().goal(terms.kind, state),
            version: "1.0".into(),
        }
    }
}

fn biomarker(name: String, measured: &[&Analysis]) -> BiomarkerDay {
    let mut of: Vec<_> =
        measured.iter().filter(|analysis| analysis.biomarker.as_deref() == Some(&*name)).collect();
    of.sort_by_key(|analysis| (analysis.at, analysis.session));
    let values = || of.iter().filter_map(|analysis| analysis.value);
    BiomarkerDay {
        name,
        unit: "mg/dL".into(),
        count: of.len() as u32,
        lowest: values().min(),
        highest: values().max(),
        last: of.last().and_then(|analysis| Some((analysis.at, analysis.value?))),
        worst: of.iter().filter_map(|analysis| analysis.level()).max(),
    }
}
