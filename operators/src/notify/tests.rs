//! What people are told, and when, against everything looked at again at every epoch: under requests, risks and coachings
//! that come and go, settings that come late, and time that passes by itself; on any number of workers.

use super::{Notified, notify};
use crate::{
    state::{Memory, States},
    vitals,
};
use differential_dataflow::AsCollection;
use model::{
    AlertChange, ChangeKind, Coaching, DomainEvent, Epoch, EventId, Evidence, Input, Level, Micros,
    Notification, NotificationEvent, NotificationListed, Origin, RiskDetected, Rule, SessionId, Span, Text,
    Tick, Unread, UserId,
    notification::{Channel, Language, NotificationChange, NotificationSettings, Priority, QuietHours},
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

/// 2026-01-01.
const START: Micros = 1_767_225_600_000_000;
const HOUR: Micros = 3_600_000_000;

fn user(n: u32) -> UserId {
    UserId::derive(&["user", &n.to_string()])
}

fn event(of: u32, hour: i64, number: u32, change: NotificationChange) -> DomainEvent {
    DomainEvent::Notification(NotificationEvent {
        at: START + hour * HOUR,
        event: EventId::derive(&["event", &number.to_string()]),
        user: user(of),
        change,
        origin: Origin { input: Input::Notifications, partition: 0, offset: u64::from(number) },
    })
}

fn request(of: u32, hour: i64, number: u32, priority: Priority) -> DomainEvent {
    let (kind, title, body) = ("a kind".into(), "a title".into(), "a body".into());
    event(
        of,
        hour,
        number,
        NotificationChange::Requested { kind, title, body, priority, channel: Channel::InApp },
    )
}

fn settings(of: u32, hour: i64, number: u32, quiet: Option<(u16, u16)>, language: Language) -> DomainEvent {
    let quiet = quiet.map(|(from, until)| QuietHours { from: from * 60, until: until * 60, offset: 0 });
    event(of, hour, number, NotificationChange::Settings(NotificationSettings { quiet, language }))
}

fn read(of: u32, hour: i64, number: u32, id: EventId) -> DomainEvent {
    event(of, hour, number, NotificationChange::Read(id))
}

fn risk(of: u32, hour: i64, level: Level, recipients: &[u32]) -> RiskDetected {
    let at = START + hour * HOUR;
    let change = AlertChange {
        at,
        alert: EventId::derive(&["alert", &of.to_string()]),
        user: user(of),
        session: None,
        rule: Rule::News2LowerBound,
        kind: ChangeKind::Raised,
        level,
        onset: at,
        evidence: Evidence {
            score: 7,
            findings: Vec::new(),
            window_start: at,
            window_end: at,
            spans: Vec::new(),
        },
    };
    let recipients = recipients.iter().map(|n| user(*n)).collect();
    RiskDetected { change, leading: None, reference: None, recipients }
}

fn coaching(of: u32, hour: i64, revision: u32) -> Coaching {
    Coaching {
        at: START + hour * HOUR,
        session: SessionId::derive(&[&of.to_string(), &hour.to_string()]),
        user: user(of),
        revision,
        biomarker: None,
        level: None,
        needs_retest: false,
        messages: Vec::new(),
        not_a_diagnosis: Text::default(),
        version: "1.0".into(),
        packets: Span { input: Input::Packets, partition: 0, first: 0, last: 0 },
    }
}

/// What comes in one epoch, whose now is so many hours after the start.
#[derive(Clone, Debug, Default)]
struct Feed {
    events: Vec<DomainEvent>,
    risks: Vec<(RiskDetected, i64)>,
    coachings: Vec<(Coaching, i64)>,
    now: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Sent(Notification),
    Listed(NotificationListed),
    Unread(Unread),
}

/// What stands after an epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Standing {
    sent: BTreeSet<Notification>,
    listed: BTreeSet<NotificationListed>,
    unread: BTreeSet<Unread>,
}

/// Runs `feeds`, each an epoch; gives what stands after each.
fn run(feeds: &[Feed], workers: usize) -> Vec<Standing> {
    let feeds = Arc::new(feeds.to_vec());
    let count = feeds.len() as Epoch;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let probe = Handle::new();
        let (mut events, mut risks, mut coachings, mut ticks, captured) =
            worker.dataflow::<Epoch, _, _>(|scope| {
                let (events, event_stream) = scope.new_input::<DomainEvent>();
                let (risks, risk_stream) = scope.new_input::<(RiskDetected, Epoch, i64)>();
                let (coachings, coaching_stream) = scope.new_input::<(Coaching, Epoch, i64)>();
                let (ticks, tick_stream) = scope.new_input::<Tick>();
                let memory = Memory { ticks: tick_stream, horizon: HOUR, states: States::default() };
                let facts = vitals::facts(event_stream);
                let Notified { sent, listed, unread } =
                    notify(facts, risk_stream.as_collection(), coaching_stream.as_collection(), &memory);
                let sent = sent.inner.map(|(row, _, diff)| (Row::Sent(row), diff));
                let listed = listed.inner.map(|(row, _, diff)| (Row::Listed(row), diff));
                let unread = unread.inner.map(|(row, _, diff)| (Row::Unread(row), diff));
                let rows = sent.concat(listed).concat(unread).probe_with(&probe).capture();
                (events, risks, coachings, ticks, rows)
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
            ticks.send(Tick { now: START + feed.now * HOUR, watermark: START });
            events.advance_to(epoch + 1);
            risks.advance_to(epoch + 1);
            coachings.advance_to(epoch + 1);
            ticks.advance_to(epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(epoch + 1)));
        }
        drop((events, risks, coachings, ticks));
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

/// The same, by looking at everything that came so far.
fn plain(feeds: &[Feed]) -> Standing {
    let now = START + feeds.iter().map(|feed| feed.now).max().unwrap() * HOUR;
    let events: BTreeSet<_> = feeds.iter().flat_map(|feed| &feed.events).collect();
    let of = |event: &&DomainEvent| match event {
        DomainEvent::Notification(event) => event.clone(),
        _ => panic!("an event about notifications"),
    };
    let events: Vec<NotificationEvent> = events.iter().map(of).collect();
    let settings = |user: UserId, at: Micros| {
        let those = events.iter().filter(|event| event.user == user && event.at <= at);
        let those = those.filter_map(|event| match event.change {
            NotificationChange::Settings(settings) => Some((event.at, event.event, settings)),
            _ => None,
        });
        those.max().map_or_else(NotificationSettings::default, |(.., settings)| settings)
    };
    let mut wishes: BTreeMap<EventId, Notification> = BTreeMap::new();
    let wish = |at, id, user, words: [&str; 3], priority, channel, about| {
        let quiet = settings(user, at).quiet.filter(|_| priority != Priority::Critical);
        let due = quiet.map_or(at, |quiet| quiet.over(at));
        let [kind, title, body] = words.map(str::to_owned);
        Notification { at, due, id, user, kind, title, body, priority, channel, about }
    };
    for event in &events {
        if let NotificationChange::Requested { kind, title, body, priority, channel } = &event.change {
            let words = [kind.as_str(), title, body];
            wishes.insert(
                event.event,
                wish(event.at, event.event, event.user, words, *priority, *channel, None),
            );
        }
    }
    let mut own = |mut made: Notification| {
        // Its words are looked at by a test of their own.
        (made.title, made.body) = (String::new(), String::new());
        wishes.insert(made.id, made);
    };
    for (risk, _) in standing(feeds.iter().flat_map(|feed| feed.risks.clone())) {
        for (user, at, wish_of) in super::wish::of_risk(&risk) {
            let priority =
                if risk.change.level == Level::Critical { Priority::Critical } else { Priority::High };
            let about = Some(risk.change.alert.to_string());
            let words = ["NOTIFICATION_TYPE_HEALTH_ALERT", "", ""];
            own(wish(at, wish_of.id, user, words, priority, Channel::Push, about));
        }
    }
    for (coaching, _) in standing(feeds.iter().flat_map(|feed| feed.coachings.clone())) {
        let (user, at, wish_of) = super::wish::of_coaching(&coaching);
        let about = Some(coaching.session.to_string());
        let words = ["NOTIFICATION_TYPE_COACHING", "", ""];
        own(wish(at, wish_of.id, user, words, Priority::Normal, Channel::Push, about));
    }
    let sent: BTreeSet<_> = wishes.into_values().filter(|notification| notification.due <= now).collect();
    let listed = sent.iter().map(|notification| {
        let reads = events.iter().filter(|event| {
            event.user == notification.user
                && event.change == NotificationChange::Read(notification.id)
                && event.at >= notification.at
        });
        NotificationListed { notification: notification.clone(), read_at: reads.map(|event| event.at).min() }
    });
    let listed: BTreeSet<_> = listed.collect();
    let mut unread = BTreeMap::<UserId, Unread>::new();
    let counts =
        |listed: &&NotificationListed| listed.read_at.is_none() && listed.notification.due > now - 30 * HOUR;
    for NotificationListed { notification, .. } in listed.iter().filter(counts) {
        let due = notification.due;
        let new = Unread { user: notification.user, count: 0, oldest: due, newest: due };
        let row = unread.entry(notification.user).or_insert(new);
        (row.count, row.oldest, row.newest) = (row.count + 1, row.oldest.min(due), row.newest.max(due));
    }
    Standing { sent, listed, unread: unread.into_values().collect() }
}

fn standing<T: Ord>(changes: impl Iterator<Item = (T, i64)>) -> Vec<(T, i64)> {
    let mut counts = BTreeMap::new();
    changes.for_each(|(row, diff)| *counts.entry(row).or_insert(0) += diff);
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
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
    ]
}

/// Each risk of an alert and each coaching of a session replaces the one before or is taken back; an event stays said, and
/// an id names one.
fn feeds(epochs: Vec<(Vec<(Step, bool)>, i64)>) -> Vec<Feed> {
    let (mut risks, mut coachings) =
        (BTreeMap::<(EventId, Micros, Level), RiskDetected>::new(), BTreeMap::<SessionId, Coaching>::new());
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
        workers in 1_usize..4,
    ) {
        let feeds = feeds(epochs);
        for (epoch, standing) in run(&feeds, workers).into_iter().enumerate() {
            prop_assert_eq!(wordless(standing), plain(&feeds[..=epoch]), "epoch {}", epoch);
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
