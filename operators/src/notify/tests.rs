//! What people are told, and when, against everything looked at again at every epoch: under requests, risks, coachings,
//! days and goals that come and go, settings that come late, what is too old, and time that passes by itself; on any number
//! of workers.

mod made;
mod plain;

use super::{Causes, Notified, Options, notify};
use crate::{
    state::{Memory, States},
    vitals,
};
use differential_dataflow::AsCollection;
use made::{
    Feed, HOUR, NEVER, Row, START, Standing, coaching, day, goal, read, request, risk, settings, user,
};
use model::{
    Coaching, DailySummary, DomainEvent, Epoch, EventId, GoalProgress, GoalState, Level, Micros,
    Notification, NotificationListed, RiskDetected, SessionId, Tick,
    notification::{Language, Priority},
};
use plain::plain;
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

/// Runs `feeds`, each an epoch; gives what stands after each.
fn run(feeds: &[Feed], workers: usize) -> Vec<Standing> {
    run_until(NEVER, feeds, workers)
}

/// As [`run`], where nobody is told of what is older than so many hours.
fn run_until(max_age: i64, feeds: &[Feed], workers: usize) -> Vec<Standing> {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len() as Epoch;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let probe = Handle::new();
        let (mut events, mut risks, mut coachings, mut days, mut goals, mut ticks, captured) = worker
            .dataflow::<Epoch, _, _>(|scope| {
                let (events, event_stream) = scope.new_input::<DomainEvent>();
                let (risks, risk_stream) = scope.new_input::<(RiskDetected, Epoch, i64)>();
                let (coachings, coaching_stream) = scope.new_input::<(Coaching, Epoch, i64)>();
                let (days, day_stream) = scope.new_input::<(DailySummary, Epoch, i64)>();
                let (goals, goal_stream) = scope.new_input::<(GoalProgress, Epoch, i64)>();
                let (ticks, tick_stream) = scope.new_input::<Tick>();
                let memory = Memory { ticks: tick_stream, horizon: HOUR, states: States::default() };
                let causes = Causes {
                    risks: risk_stream.as_collection(),
                    coachings: coaching_stream.as_collection(),
                    summaries: day_stream.as_collection(),
                    goals: goal_stream.as_collection(),
                };
                let options = Options { max_age_s: (max_age * 3_600) as u32 };
                let Notified { sent, listed, unread } =
                    notify(vitals::facts(event_stream), causes, options, &memory);
                let sent = sent.inner.map(|(row, _, diff)| (Row::Sent(row), diff));
                let listed = listed.inner.map(|(row, _, diff)| (Row::Listed(row), diff));
                let unread = unread.inner.map(|(row, _, diff)| (Row::Unread(row), diff));
                let rows = sent.concat(listed).concat(unread).probe_with(&probe).capture();
                (events, risks, coachings, days, goals, ticks, rows)
            });
        let (index, peers) = (worker.index(), worker.peers());
        for (epoch, feed) in (0..).zip(feeds.iter()) {
            let mine = |place: &usize| place % peers == index;
            for (_, one) in feed.events.iter().enumerate().filter(|(place, _)| mine(place)) {
                events.send(one.clone());
            }
            for (_, (one, diff)) in feed.risks.iter().enumerate().filter(|(place, _)| mine(place)) {
                risks.send((one.clone(), epoch, *diff));
            }
            for (_, (one, diff)) in feed.coachings.iter().enumerate().filter(|(place, _)| mine(place)) {
                coachings.send((one.clone(), epoch, *diff));
            }
            for (_, (one, diff)) in feed.days.iter().enumerate().filter(|(place, _)| mine(place)) {
                days.send((one.clone(), epoch, *diff));
            }
            for (_, (one, diff)) in feed.goals.iter().enumerate().filter(|(place, _)| mine(place)) {
                goals.send((one.clone(), epoch, *diff));
            }
            ticks.send(Tick { now: START + feed.now * HOUR, watermark: START });
            events.advance_to(epoch + 1);
            risks.advance_to(epoch + 1);
            coachings.advance_to(epoch + 1);
            days.advance_to(epoch + 1);
            goals.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, risks, coachings, days, goals, ticks));
        while worker.step() {}
        sender.send(captured).unwrap();
    });
    drop(guards.unwrap());
    let mut changes = BTreeMap::<Epoch, Vec<(Row, i64)>>::new();
    for captured in receiver {
        for (epoch, rows) in captured.extract() {
            changes.entry(epoch).or_default().extend(rows);
        }
    }
    standings(count, changes)
}

/// What stands after each of so many epochs.
fn standings(count: Epoch, mut changes: BTreeMap<Epoch, Vec<(Row, i64)>>) -> Vec<Standing> {
    let mut counts = BTreeMap::<Row, i64>::new();
    let standing = |epoch| {
        for (row, diff) in changes.remove(&epoch).unwrap_or_default() {
            *counts.entry(row).or_default() += diff;
        }
        counts.retain(|_, count| *count != 0);
        let mut standing = Standing::default();
        for (row, count) in &counts {
            assert_eq!(*count, 1, "{row:?}");
            match row.clone() {
                Row::Sent(row) => assert!(standing.sent.insert(row)),
                Row::Listed(row) => assert!(standing.listed.insert(row)),
                Row::Unread(row) => assert!(standing.unread.insert(row)),
            }
        }
        standing
    };
    (0..count).map(standing).collect()
}

/// Without the words this product chose itself.
fn wordless(mut of: Standing) -> Standing {
    let plain = |mut notification: Notification| {
        if notification.kind.starts_with("NOTIFICATION_TYPE") {
            (notification.title, notification.body) = (String::new(), String::new());
        }
        notification
    };
    of.sent = of.sent.into_iter().map(plain).collect();
    let listed = of.listed.into_iter();
    of.listed =
        listed.map(|one| NotificationListed { notification: plain(one.notification), ..one }).collect();
    of
}

#[derive(Clone, Debug)]
enum Step {
    Event(DomainEvent),
    Risk(RiskDetected),
    Coaching(Coaching),
    Day(DailySummary),
    Goal(GoalProgress),
}

fn any_step() -> impl Strategy<Value = Step> {
    let priority = prop::sample::select(Priority::ALL.map(|(_, priority)| priority).to_vec());
    let level = prop::sample::select(vec![Level::High, Level::Critical]);
    prop_oneof![
        (0_u32..3, 0_i64..60, 0_u32..20, priority).prop_map(|(of, hour, number, priority)| Step::Event(
            request(of, hour, number * 10 + of, priority)
        )),
        (0_u32..3, 0_i64..60, 1_000_u32..1_006, prop::option::of((0_u16..24, 0_u16..24))).prop_map(
            |(of, hour, number, quiet)| {
                let quiet = quiet.filter(|(from, until)| from != until);
                Step::Event(settings(of, hour, number * 10 + of, quiet, Language::English))
            }
        ),
        (0_u32..3, 0_i64..60, 2_000_u32..2_020, 0_u32..20, 0_u32..3).prop_map(
            |(of, hour, number, which, whose)| {
                let id = EventId::derive(&["event", &(which * 10 + whose).to_string()]);
                Step::Event(read(of, hour, number * 10 + of, id))
            }
        ),
        (0_u32..3, 0_i64..60, level, 0_usize..3).prop_map(|(of, hour, level, family)| {
            Step::Risk(risk(of, hour, level, &[of, (of + 1) % 3, (of + 2) % 3][..=family]))
        }),
        (0_u32..3, 0_i64..60, 0_u32..2)
            .prop_map(|(of, hour, revision)| Step::Coaching(coaching(of, hour, revision))),
        (0_u32..3, 0_i64..60, any::<bool>(), 0_u32..2)
            .prop_map(|(of, hour, is_over, count)| Step::Day(day(of, hour, is_over, count))),
        (0_u32..3, 0_i64..60, prop::sample::select(GoalState::ALL.to_vec()))
            .prop_map(|(of, hour, (_, state))| Step::Goal(goal(of, hour, state))),
    ]
}

/// Each risk of an alert and each coaching of a session replaces the one before or is taken back; an event stays said, and
/// an id names one.
fn feeds(epochs: Vec<(Vec<(Step, bool)>, i64)>) -> Vec<Feed> {
    let (mut risks, mut coachings) =
        (BTreeMap::<(EventId, Micros, Level), RiskDetected>::new(), BTreeMap::<SessionId, Coaching>::new());
    let (mut days, mut goals) =
        (BTreeMap::<EventId, DailySummary>::new(), BTreeMap::<EventId, GoalProgress>::new());
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
                Step::Risk(risk) => {
                    let key = (risk.change.alert, risk.change.at, risk.change.level);
                    feed.risks.extend(risks.remove(&key).map(|before| (before, -1)));
                    if stays {
                        feed.risks.push((risk.clone(), 1));
                        risks.insert(key, risk);
                    }
                }
                Step::Day(day) => {
                    feed.days.extend(days.remove(&day.id()).map(|before| (before, -1)));
                    if stays {
                        feed.days.push((day.clone(), 1));
                        days.insert(day.id(), day);
                    }
                }
                Step::Goal(goal) => {
                    feed.goals.extend(goals.remove(&goal.id()).map(|before| (before, -1)));
                    if stays {
                        feed.goals.push((goal.clone(), 1));
                        goals.insert(goal.id(), goal);
                    }
                }
                Step::Coaching(coaching) => {
                    feed.coachings.extend(coachings.remove(&coaching.session).map(|before| (before, -1)));
                    if stays {
                        feed.coachings.push((coaching.clone(), 1));
                        coachings.insert(coaching.session, coaching);
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
    fn notifications_follow_everything_that_comes_late_and_is_taken_back(
        epochs in prop::collection::vec((prop::collection::vec((any_step(), any::<bool>()), 0..8), 0_i64..12), 1..10),
        max_age in prop::sample::select(vec![1_i64, 12, 24, NEVER]), workers in 1_usize..4,
    ) {
        let feeds = feeds(epochs);
        for (epoch, standing) in run_until(max_age, &feeds, workers).into_iter().enumerate() {
            prop_assert_eq!(wordless(standing), plain(max_age, &feeds[..=epoch]), "epoch {}", epoch);
        }
    }
}

#[test]
fn in_quiet_hours_only_what_is_critical_goes_and_the_rest_when_they_end_though_nobody_sends_anything() {
    // Quiet from 22 to 7.
    let hours = settings(0, 0, 1, Some((22, 7)), Language::Korean);
    let events = vec![hours, request(0, 23, 2, Priority::High), request(0, 23, 3, Priority::Critical)];
    let at = |now| Feed { now, ..Feed::default() };
    let told = run(&[Feed { events, now: 23, ..Feed::default() }, at(30), at(31)], 1);
    let sent = told.iter().map(|standing| standing.sent.iter().map(|one| one.priority).collect::<Vec<_>>());
    assert_eq!(
        sent.collect::<Vec<_>>(),
        [vec![Priority::Critical], vec![Priority::Critical], vec![Priority::Critical, Priority::High]]
    );
    let late = told[2].sent.iter().find(|one| one.priority == Priority::High).unwrap();
    assert_eq!((late.at, late.due), (START + 23 * HOUR, START + 31 * HOUR));
    let unread: Vec<_> = told.iter().map(|standing| standing.unread.first().map(|row| row.count)).collect();
    assert_eq!(unread, [Some(1), Some(1), Some(2)]);
}

#[test]
fn what_is_taken_back_while_it_waits_is_never_told_and_a_revision_tells_nobody_again() {
    let hours = settings(0, 0, 1, Some((22, 7)), Language::Korean);
    let first =
        Feed { events: vec![hours], coachings: vec![(coaching(0, 23, 0), 1)], now: 23, ..Feed::default() };
    let back = Feed { coachings: vec![(coaching(0, 23, 0), -1)], now: 24, ..Feed::default() };
    let told = run(&[first, back, Feed { now: 40, ..Feed::default() }], 1);
    assert!(told.iter().all(|standing| *standing == Standing::default()));
    let first = Feed { coachings: vec![(coaching(0, 23, 0), 1)], now: 23, ..Feed::default() };
    let revised = Feed {
        coachings: vec![(coaching(0, 23, 0), -1), (coaching(0, 23, 1), 1)],
        now: 24,
        ..Feed::default()
    };
    let told = run(&[first, revised], 1);
    assert_eq!((told[0].sent.len(), &told[0]), (1, &told[1]));
}

#[test]
fn a_risk_is_told_to_each_in_their_language_without_a_value_and_a_late_revocation_takes_it_from_one_alone() {
    let shared = risk(0, 5, Level::Critical, &[0, 1]);
    let alone = risk(0, 5, Level::Critical, &[0]);
    let english = settings(1, 0, 1, None, Language::English);
    let first = Feed { events: vec![english], risks: vec![(shared.clone(), 1)], now: 6, ..Feed::default() };
    let revoked = Feed { risks: vec![(shared, -1), (alone, 1)], now: 7, ..Feed::default() };
    let told = run(&[first, revoked], 1);
    let of = |standing: &Standing, n| standing.sent.iter().find(|one| one.user == user(n)).cloned();
    let (person, mother) = (of(&told[0], 0).unwrap(), of(&told[0], 1).unwrap());
    assert_eq!(
        (person.title.as_str(), mother.title.as_str()),
        ("긴급 건강 알림", "Urgent health alert of your family")
    );
    for one in [&person, &mother] {
        assert!(!one.body.chars().any(char::is_numeric) && one.priority == Priority::Critical, "{one:?}");
    }
    assert_eq!((of(&told[1], 0), of(&told[1], 1)), (Some(person), None));
}

#[test]
fn nobody_reads_for_another_and_what_is_read_stays_read() {
    let id = EventId::derive(&["event", "1"]);
    let asked = Feed { events: vec![request(0, 1, 1, Priority::Low)], now: 2, ..Feed::default() };
    let other = Feed { events: vec![read(1, 3, 2, id)], now: 3, ..Feed::default() };
    let early = Feed { events: vec![read(0, 0, 3, id)], now: 4, ..Feed::default() };
    let own = Feed { events: vec![read(0, 6, 4, id), read(0, 5, 5, id)], now: 6, ..Feed::default() };
    let told = run(&[asked, other, early, own], 1);
    let read_at: Vec<_> = told.iter().map(|standing| standing.listed.first().unwrap().read_at).collect();
    assert_eq!(read_at, [None, None, None, Some(START + 5 * HOUR)]);
    let unread: Vec<_> = told.iter().map(|standing| standing.unread.len()).collect();
    assert_eq!(unread, [1, 1, 1, 0]);
}

#[test]
fn nobody_is_told_of_what_is_long_past_not_even_at_critical_and_what_came_two_hours_late_is_told() {
    let of = |hour| risk(0, hour, Level::Critical, &[0]);
    let sums = |hour| (day(0, hour, true, 1), 1);
    // A backfill at hour 50 brings a risk and a day of hour 2, and a risk of hour 48.
    let risks = vec![(of(2), 1), (of(48), 1)];
    let feeds = [
        Feed { risks, days: vec![sums(2)], now: 50, ..Feed::default() },
        // Hours later it is told still, and revised without being told again or taken back.
        Feed { coachings: vec![(coaching(0, 49, 0), 1)], now: 55, ..Feed::default() },
        // The old one is taken back, as if it had never been.
        Feed { risks: vec![(of(2), -1)], now: 56, ..Feed::default() },
    ];
    let told = run_until(24, &feeds, 2);
    let hours = |rows: Vec<(Micros, bool)>| {
        rows.into_iter().map(|(at, is_expired)| ((at - START) / HOUR, is_expired)).collect::<Vec<_>>()
    };
    let listed = |standing: &Standing| {
        hours(standing.listed.iter().map(|one| (one.notification.at, one.is_expired)).collect())
    };
    assert_eq!(listed(&told[0]), [(2, true), (2, true), (48, false)]);
    assert_eq!(hours(told[0].sent.iter().map(|one| (one.at, false)).collect()), [(48, false)]);
    assert_eq!(told[0].unread.first().map(|row| row.count), Some(1));
    assert_eq!(listed(&told[1]), [(2, true), (2, true), (48, false), (49, false)]);
    assert_eq!(listed(&told[2]), [(2, true), (48, false), (49, false)]);
    assert_eq!(told[2].sent, told[1].sent);
}

#[test]
fn who_was_told_is_told_in_time_for_ever_and_quiet_hours_make_nothing_old() {
    // Quiet from 22 to 7: what is asked for at 22 goes at 31, when it may be an hour old at most.
    let hours = settings(0, 0, 1, Some((22, 7)), Language::Korean);
    let events = vec![hours, request(0, 22, 2, Priority::High)];
    let at = |now| Feed { now, ..Feed::default() };
    // Days later settings of before then come: it went in quiet hours that nobody had wanted.
    let english = settings(0, 1, 3, Some((21, 6)), Language::English);
    let late = Feed { events: vec![english], now: 200, ..Feed::default() };
    let told = run_until(1, &[Feed { events, now: 23, ..Feed::default() }, at(31), late], 1);
    let states: Vec<_> = told
        .iter()
        .map(|standing| {
            standing
                .listed
                .iter()
                .map(|one| (one.state(), (one.notification.due - START) / HOUR))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(states, [vec![], vec![("sent", 31)], vec![("sent", 30)]]);
    // Nobody looked in time: the program stood still.
    let hours = settings(0, 0, 1, Some((22, 7)), Language::Korean);
    let events = vec![hours, request(0, 22, 2, Priority::High)];
    let told = run_until(1, &[Feed { events, now: 23, ..Feed::default() }, at(33)], 1);
    assert!(
        told[1].sent.is_empty() && told[1].listed.first().unwrap().is_expired && told[1].unread.is_empty()
    );
}
