//! Days and goals against everything looked at again at every epoch: under results and alerts that come and go, settings
//! and goals that come late, and time that passes by itself; on any number of workers.

mod made;
mod plain;

use super::{Days, days};
use crate::{
    coaching::Templates,
    risk::said::ASSAYS,
    state::{Memory, States},
    vitals,
};
use differential_dataflow::AsCollection;
use made::{DAY_0, Feed, HORIZON, HOUR, START, Standing, analysis, change, goal, offset, removed, set, user};
use model::{
    AlertChange, Analysis, ChangeKind, DayKind, DomainEvent, Epoch, GoalKind, GoalState, Level, Micros, Risk,
    Text, Tick, goal::BIOMARKERS, time::DAY,
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    Concat,
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::{Map, input::Input as _},
};

/// Runs `feeds`, each an epoch; gives what stands after each, and how many entries are remembered in the end.
fn run(feeds: &[Feed], workers: usize) -> (Vec<Standing>, usize) {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len() as Epoch;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (probe, states) = (Handle::new(), States::default());
        let (mut events, mut analyses, mut changes, mut ticks, captured) =
            worker.dataflow::<Epoch, _, _>(|scope| {
                let (events, event_stream) = scope.new_input::<DomainEvent>();
                let (analyses, analysis_stream) = scope.new_input::<(Analysis, Epoch, i64)>();
                let (changes, change_stream) = scope.new_input::<(AlertChange, Epoch, i64)>();
                let (ticks, tick_stream) = scope.new_input::<Tick>();
                let memory = Memory { ticks: tick_stream, horizon: HORIZON, states: states.clone() };
                let changed = change_stream.as_collection().map(|change| (change, 0));
                let found =
                    days(vitals::facts(event_stream), analysis_stream.as_collection(), changed, &memory);
                let Days { summaries, goals } = found;
                let summaries = summaries.inner.map(|(row, _, diff)| (made::Row::Day(row), diff));
                let goals = goals.inner.map(|(row, _, diff)| (made::Row::Goal(row), diff));
                let rows = summaries.concat(goals).probe_with(&probe).capture();
                (events, analyses, changes, ticks, rows)
            });
        let (index, peers) = (worker.index(), worker.peers());
        for (epoch, feed) in (0..).zip(feeds.iter()) {
            let mine = |place: &usize| place % peers == index;
            for (_, one) in feed.events.iter().enumerate().filter(|(place, _)| mine(place)) {
                events.send(one.clone());
            }
            for (_, (one, diff)) in feed.analyses.iter().enumerate().filter(|(place, _)| mine(place)) {
                analyses.send((one.clone(), epoch, *diff));
            }
            for (_, (one, diff)) in feed.changes.iter().enumerate().filter(|(place, _)| mine(place)) {
                changes.send((one.clone(), epoch, *diff));
            }
            ticks.send(feed.tick());
            events.advance_to(epoch + 1);
            analyses.advance_to(epoch + 1);
            changes.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, analyses, changes, ticks));
        while worker.step() {}
        sender.send((captured, states.len())).unwrap();
    });
    drop(guards.unwrap());
    let (mut changes, mut entries) = (BTreeMap::<Epoch, Vec<(made::Row, i64)>>::new(), 0);
    for (captured, remembered) in receiver {
        entries += remembered;
        for (epoch, rows) in captured.extract() {
            changes.entry(epoch).or_default().extend(rows);
        }
    }
    let mut counts = BTreeMap::<made::Row, i64>::new();
    let standing = |epoch| {
        for (row, diff) in changes.remove(&epoch).unwrap_or_default() {
            *counts.entry(row).or_default() += diff;
        }
        counts.retain(|_, count| *count != 0);
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
        Standing::of(counts.keys().cloned())
    };
    ((0..count).map(standing).collect(), entries)
}

#[derive(Clone, Debug)]
enum Step {
    Event(DomainEvent),
    Analysis(Analysis),
    Change(AlertChange),
}

fn any_step() -> impl Strategy<Value = Step> {
    let level = prop::option::of(prop::sample::select(Risk::ALL.map(|(_, level)| level).to_vec()));
    let kind = prop::sample::select(vec![ChangeKind::Raised, ChangeKind::Escalated, ChangeKind::Cleared]);
    let alert = prop::sample::select(vec![Level::Moderate, Level::High, Level::Critical]);
    let of_goal = prop::sample::select(GoalKind::ALL.map(|(_, kind)| kind).to_vec());
    prop_oneof![
        4 => (0_u32..2, 0_i64..300, 0_u32..6, 0_u32..3, level, any::<bool>()).prop_map(
            |(of, hour, number, what, level, unsure)| {
                Step::Analysis(analysis(of, hour, number, what, level, unsure))
            }
        ),
        2 => (0_u32..2, 0_i64..300, 0_u32..4, kind, alert)
            .prop_map(|(of, hour, number, kind, level)| Step::Change(change(of, hour, number, kind, level))),
        1 => (0_u32..2, 0_i64..300, 100_u32..106, -12_i16..=14)
            .prop_map(|(of, hour, number, hours)| Step::Event(offset(of, hour, number * 10 + of, hours * 60))),
        2 => (0_u32..2, 0_i64..200, 200_u32..210, 0_u32..2, of_goal, 1_u16..4, -3_i32..5, 0_i32..16).prop_map(
            |(of, hour, number, which, kind, target, from, length)| {
                let from = DAY_0 + (hour / 24) as i32 + from;
                let until = from + length.max(kind.days() - 1);
                Step::Event(set(of, hour, number * 10 + of, which, goal(kind, target, from, until)))
            }
        ),
        1 => (0_u32..2, 0_i64..300, 300_u32..304, 0_u32..2)
            .prop_map(|(of, hour, number, which)| Step::Event(removed(of, hour, number * 10 + of, which))),
    ]
}

/// A session has one analysis and an alert one change at a moment, which the next replaces or which is taken back; an event
/// stays said, and an id names one.
fn feeds(epochs: Vec<(Vec<(Step, bool)>, i64)>) -> Vec<Feed> {
    let (mut analyses, mut changes) = (BTreeMap::new(), BTreeMap::new());
    let (mut known, mut now) = (BTreeSet::new(), 0);
    let feed = |(steps, passed): (Vec<(Step, bool)>, i64)| {
        now += passed;
        let mut feed = Feed { now, ..Feed::default() };
        for (step, stays) in steps {
            match step {
                Step::Event(event) => {
                    if known.insert(event.id()) {
                        feed.events.push(event);
                    }
                }
                Step::Analysis(analysis) => {
                    let before: Option<Analysis> = analyses.remove(&analysis.session);
                    feed.analyses.extend(before.map(|before| (before, -1)));
                    if stays {
                        feed.analyses.push((analysis.clone(), 1));
                        analyses.insert(analysis.session, analysis);
                    }
                }
                Step::Change(change) => {
                    let key = (change.alert, change.at);
                    let before: Option<AlertChange> = changes.remove(&key);
                    feed.changes.extend(before.map(|before| (before, -1)));
                    if stays {
                        feed.changes.push((change.clone(), 1));
                        changes.insert(key, change);
                    }
                }
            }
        }
        feed
    };
    epochs.into_iter().map(feed).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// At every epoch what stands is what a plain look at everything comes to, on one worker and on three.
    #[test]
    fn days_and_goals_follow_everything_that_comes_late_and_is_taken_back(
        epochs in prop::collection::vec((prop::collection::vec((any_step(), any::<bool>()), 0..12), 0_i64..70), 1..9),
        workers in 1_usize..4,
    ) {
        let feeds = feeds(epochs);
        for (epoch, standing) in run(&feeds, workers).0.into_iter().enumerate() {
            prop_assert_eq!(standing, plain::plain(&feeds[..=epoch]), "epoch {}", epoch);
        }
    }
}

fn at(now: i64) -> Feed {
    Feed { now, ..Feed::default() }
}

#[test]
fn a_day_ends_by_itself_at_the_persons_midnight_and_who_stops_measuring_is_asked_once() {
    let low = analysis(0, 1, 1, 0, Some(Risk::Low), false);
    let first = Feed { analyses: vec![(low, 1)], now: 2, ..Feed::default() };
    // In Korea it is midnight at three in the afternoon of UTC.
    let told = run(&[first, at(14), at(15), at(38), at(39), at(100), at(1_000)], 1).0;
    let days = |standing: &Standing| {
        standing.days.iter().map(|day| (day.day - DAY_0, day.is_over, day.kind)).collect::<Vec<_>>()
    };
    let (open, over) = ((0, false, DayKind::InRange), (0, true, DayKind::InRange));
    let nothing = (1, true, DayKind::Nothing);
    let due = [vec![open], vec![open], vec![over], vec![over], vec![over, nothing]];
    assert_eq!(told.iter().take(5).map(days).collect::<Vec<_>>(), due);
    assert_eq!((&told[5], &told[6]), (&told[4], &told[4]));
    // Elsewhere the same moments lie in other days.
    let west = Feed { events: vec![offset(0, 0, 1, -480)], now: 1_001, ..Feed::default() };
    let told = run(
        &[Feed { analyses: vec![(analysis(0, 1, 1, 0, None, false), 1)], now: 2, ..Feed::default() }, west],
        1,
    )
    .0;
    assert_eq!(days(&told[1]), [(-1, true, DayKind::Recorded), (0, true, DayKind::Nothing)]);
}

#[test]
fn what_is_told_of_a_day_names_what_must_be_repeated_and_holds_no_number() {
    let unsure = analysis(0, 1, 1, 0, Some(Risk::High), true);
    let told = run(&[Feed { analyses: vec![(unsure, 1)], now: 2, ..Feed::default() }], 1).0;
    let day = told[0].days.first().unwrap();
    assert_eq!((day.kind, day.measurements, day.to_repeat), (DayKind::Urgent, 1, 1));
    let Text { en, ko } = &day.text;
    assert!(
        en.starts_with("Something was urgent") && en.contains("measured again. This is not a diagnosis."),
        "{en}"
    );
    assert!(!en.chars().chain(ko.chars()).any(char::is_numeric));
    let templates = Templates::shipped();
    for (_, kind) in DayKind::ALL {
        assert!(!templates.day(kind, false).en.starts_with("This is not"), "{kind:?} has words");
    }
    for (_, kind) in GoalKind::ALL {
        for (_, state) in GoalState::ALL {
            assert!(!templates.goal(kind, state).ko.is_empty(), "{kind:?} {state:?} has words");
        }
    }
}

#[test]
fn goals_are_about_every_biomarker_that_is_judged() {
    let judged: BTreeSet<_> = ASSAYS.iter().map(|(.., parameter)| parameter.name()).collect();
    assert_eq!(BIOMARKERS.into_iter().collect::<BTreeSet<_>>(), judged);
}

#[test]
fn a_goal_is_reached_at_the_moment_it_is_and_missed_at_the_end_of_its_time() {
    let twice = set(0, 1, 1, 0, goal(GoalKind::PerDay, 2, DAY_0, DAY_0 + 1));
    let one = |hour, number| (analysis(0, hour, number, 0, None, false), 1);
    let feeds = [
        Feed { events: vec![twice], analyses: vec![one(2, 1)], now: 3, ..Feed::default() },
        Feed { analyses: vec![one(4, 2)], now: 5, ..Feed::default() },
        at(39),
        // The second result was never there.
        Feed { analyses: vec![(one(4, 2).0, -1)], now: 40, ..Feed::default() },
        // It is removed: what was over stays.
        Feed { events: vec![removed(0, 41, 2, 0)], now: 41, ..Feed::default() },
    ];
    let told = run(&feeds, 2).0;
    let stands = |standing: &Standing| {
        let row = |goal: &model::GoalProgress| {
            (goal.from - DAY_0, goal.done, goal.state, (goal.since - START) / HOUR)
        };
        standing.goals.iter().map(row).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let (open, reached, missed) = (GoalState::Open, GoalState::Reached, GoalState::Missed);
    let told: Vec<_> = told.iter().map(stands).collect();
    assert_eq!(told[0], [(0, 1, open, -9)]);
    assert_eq!(told[1], [(0, 2, reached, 4)]);
    assert_eq!(told[2], [(0, 2, reached, 4), (1, 0, missed, 39)]);
    assert_eq!(told[3], [(0, 1, missed, 15), (1, 0, missed, 39)]);
    assert_eq!(told[4], told[3]);
}

/// A year of a person who measures every day, and a late change of what is too old.
#[test]
fn what_is_too_old_stays_as_it_was_said_and_does_not_stay_in_memory() {
    let one = |day: i64| (analysis(0, day * 24, day as u32, 0, Some(Risk::Low), false), 1);
    let daily = |day: i64| Feed { analyses: vec![one(day)], now: day * 24 + 1, ..Feed::default() };
    let mut feeds: Vec<_> = (0..365).map(daily).collect();
    // A goal that nobody removes, and one result of long ago that is taken back, with another that comes.
    feeds[0].events.push(set(0, 0, 1, 0, goal(GoalKind::PerWeek, 7, DAY_0, DAY_0 + 27)));
    let (old, late) = (one(3).0, analysis(0, 80, 1_000, 0, Some(Risk::Critical), false));
    feeds.push(Feed { analyses: vec![(old, -1), (late, 1)], now: 365 * 24, ..Feed::default() });
    let (told, entries) = run(&feeds, 1);
    assert_eq!(entries, 1);
    let last = told.last().unwrap();
    assert_eq!(last.days.len(), 365);
    assert!(last.days.iter().all(|day| day.measurements == 1 && day.kind == DayKind::InRange));
    assert_eq!(last.goals.iter().filter(|goal| goal.state == GoalState::Reached).count(), 4);
    let mut person = super::person::Person::default();
    for day in 0..365_i64 {
        let (_, known) = super::fact::measured(one(day).0);
        person.learn(known, 1, Micros::MIN);
        person.turn(user(0), START + day * DAY);
        person.prune(START + (day - 30) * DAY);
        assert!(postcard::to_allocvec(&person).unwrap().len() < 12_000, "day {day}");
    }
    // Who is silent is forgotten.
    feeds.push(Feed { now: 500 * 24, ..Feed::default() });
    feeds.push(Feed { now: 501 * 24, ..Feed::default() });
    assert_eq!(run(&feeds, 1).1, 0);
}
