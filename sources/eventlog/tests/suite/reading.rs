//! The contract of topics and readers as cases; each implementation runs all of them.

use std::{
    collections::BTreeMap,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use eventlog::{Budget, Error, Outcome, TopicSpec};

use crate::{
    drafts::{EVERYTHING, at, draft},
    stage::{Stage, eventually, texts},
};

pub(crate) fn order_is_kept_per_partition(stage: &Stage) {
    let topic = stage.topic("t", 3);
    let mut writer = stage.writer("w");
    for round in 0..4 {
        writer.begin().unwrap();
        for number in 0..300_u32 {
            writer.send(draft(&topic, number % 3, format!("{round}/{number:03}"))).unwrap();
        }
        assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    }
    let records = stage.read(&[at(&topic, 0), at(&topic, 1), at(&topic, 2)], 1_200);
    for partition in 0..3 {
        let here: Vec<_> = records.iter().filter(|record| record.partition == partition).cloned().collect();
        assert!(here.windows(2).all(|pair| pair[0].offset < pair[1].offset));
        let expected =
            (0..4).flat_map(|round| (0..100).map(move |n| format!("{round}/{:03}", n * 3 + partition)));
        assert_eq!(texts(&here), expected.collect::<Vec<_>>());
    }
}

pub(crate) fn reads_from_the_middle(stage: &Stage) {
    let topic = stage.topic("t", 2);
    stage.commit((0..50).map(|n| draft(&topic, 0, format!("{n}"))));
    stage.commit((50..100).map(|n| draft(&topic, 0, format!("{n}"))));
    let all = stage.read(&[at(&topic, 0)], 100);
    let log = stage.log();
    let mut reader = log.reader().unwrap();
    for start in [99, 0, 50, 49, 1, 73] {
        reader.assign(&[(at(&topic, 0), all[start].offset), (at(&topic, 1), 0)]).unwrap();
        let mut records = Vec::new();
        eventually("the rest of the partition", || {
            reader.poll(EVERYTHING, Duration::from_millis(50), &mut records).unwrap();
            records.len() >= 100 - start
        });
        assert_eq!(texts(&records), texts(&all[start..]));
    }
}

pub(crate) fn an_offset_outside_is_an_error(stage: &Stage) {
    let topic = stage.topic("t", 1);
    stage.commit([draft(&topic, 0, "a")]);
    stage.read(&[at(&topic, 0)], 1);
    let mut reader = stage.log().reader().unwrap();
    let mut found = reader.assign(&[(at(&topic, 0), 1_000)]).err();
    eventually("an error about the offset", || {
        let mut records = Vec::new();
        found =
            found.take().or_else(|| reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).err());
        assert!(records.is_empty());
        found.is_some()
    });
    assert!(matches!(found, Some(Error::OutOfRange { offset: 1_000, .. })), "{found:?}");
}

pub(crate) fn positions_reach_the_range(stage: &Stage) {
    let topic = stage.topic("t", 2);
    let log = stage.log();
    assert_eq!(log.range(&at(&topic, 0)).unwrap(), 0..0);
    let mut reader = log.reader().unwrap();
    let places = [at(&topic, 0), at(&topic, 1)];
    reader.assign(&places.clone().map(|place| (place, 0))).unwrap();
    assert_eq!(reader.positions(), places.clone().map(|place| (place, 0)));
    for round in 1..4 {
        stage.commit([draft(&topic, 0, "a"), draft(&topic, 0, "b")]);
        let mut writer = stage.writer("aborting");
        writer.begin().unwrap();
        writer.send(draft(&topic, 0, "lost")).unwrap();
        writer.abort().unwrap();
        let mut records = Vec::new();
        eventually("two records and the end of the range", || {
            reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).unwrap();
            let ends = places.iter().map(|place| (place.clone(), log.range(place).unwrap().end));
            records.len() == 2
                && ends.eq(reader.positions())
                && log.range(&places[0]).unwrap().end >= 2 * round
        });
        assert_eq!(log.range(&places[1]).unwrap(), 0..0);
    }
    assert!(log.range(&places[0]).unwrap().end >= 6);
}

pub(crate) fn ends_are_those_of_the_ranges(stage: &Stage) {
    let (topic, other) = (stage.topic("t", 3), stage.topic("u", 1));
    stage.commit([
        draft(&topic, 2, "a"),
        draft(&topic, 0, "b"),
        draft(&other, 0, "c"),
        draft(&topic, 2, "d"),
    ]);
    stage.read(&[at(&topic, 0), at(&topic, 2), at(&other, 0)], 4);
    let log = stage.log();
    let places = [at(&other, 0), at(&topic, 2), at(&topic, 1), at(&topic, 0)];
    let ranges = || places.clone().map(|place| log.range(&place).unwrap().end);
    eventually("the ends of the ranges", || log.ends(&places).unwrap() == ranges());
    let ends = ranges();
    assert_eq!(ends[2], 0);
    assert!(ends[1] >= 2 && ends[0] >= 1 && ends[3] >= 1);
    // What is not committed cannot be read.
    let mut writer = stage.writer("open");
    writer.begin().unwrap();
    writer.send(draft(&topic, 1, "waits")).unwrap();
    assert_eq!(log.ends(&places).unwrap(), ends);
    writer.abort().unwrap();
    assert_eq!(log.ends(&[]).unwrap(), [0; 0]);
}

pub(crate) fn unknown_topics_are_named(stage: &Stage) {
    let topic = stage.topic("t", 2);
    let missing: Arc<str> = stage.name("missing").into();
    let log = stage.log();
    let unknown = |error: &Error| {
        error.to_string().contains("create the topic") && matches!(error, Error::UnknownPartition(_))
    };
    for place in [at(&missing, 0), at(&topic, 2)] {
        assert!(unknown(&log.range(&place).unwrap_err()));
        assert!(unknown(&log.ends(&[at(&topic, 0), place.clone()]).unwrap_err()));
        assert!(unknown(&log.reader().unwrap().assign(&[(place.clone(), 0)]).unwrap_err()));
        let mut writer = stage.writer("w");
        writer.begin().unwrap();
        assert!(unknown(&writer.send(draft(&place.topic, place.partition, "x")).unwrap_err()));
        writer.abort().unwrap();
    }
    assert!(unknown(&log.partitions(&missing).unwrap_err()));
    assert_eq!(log.partitions(&topic).unwrap(), 2);
}

pub(crate) fn many_partitions(stage: &Stage) {
    const PARTITIONS: u32 = 64;
    let topic = stage.topic("t", PARTITIONS);
    for round in 0..3 {
        stage.commit((0..PARTITIONS).flat_map(|partition| {
            let topic = &topic;
            (0..3).map(move |n| draft(topic, partition, format!("{partition}.{round}.{n}")))
        }));
    }
    let places: Vec<_> = (0..PARTITIONS).map(|partition| at(&topic, partition)).collect();
    let mut seen = BTreeMap::<u32, Vec<_>>::new();
    for record in stage.read(&places, PARTITIONS as usize * 9) {
        seen.entry(record.partition).or_default().push(record);
    }
    for (partition, records) in seen {
        let expected = (0..3).flat_map(|round| (0..3).map(move |n| format!("{partition}.{round}.{n}")));
        assert_eq!(texts(&records), expected.collect::<Vec<_>>());
    }
}

pub(crate) fn a_poll_keeps_to_its_budget(stage: &Stage) {
    let topic = stage.topic("t", 1);
    stage.commit((0..100).map(|n| draft(&topic, 0, format!("{n:0100}"))));
    stage.read(&[at(&topic, 0)], 100);
    let log = stage.log();
    let mut reader = log.reader().unwrap();
    let budgets = [
        Budget { records: 7, bytes: 1 << 20 },
        Budget { records: 1_000, bytes: 1_000 },
        Budget { records: 9, bytes: 1 },
    ];
    for (budget, most) in budgets.into_iter().zip([7, 9, 1]) {
        reader.assign(&[(at(&topic, 0), 0)]).unwrap();
        let mut all = Vec::new();
        eventually("all records", || {
            let before = all.len();
            reader.poll(budget, Duration::from_millis(200), &mut all).unwrap();
            assert!(all.len() - before <= most, "{} records for {budget:?}", all.len() - before);
            all.len() == 100
        });
        assert_eq!(texts(&all), (0..100).map(|n| format!("{n:0100}")).collect::<Vec<_>>());
    }
}

pub(crate) fn a_poll_waits_and_gives_up(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let log = stage.log();
    let mut reader = log.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    let (start, wait) = (Instant::now(), Duration::from_millis(300));
    let mut records = Vec::new();
    reader.poll(EVERYTHING, wait, &mut records).unwrap();
    let took = start.elapsed();
    assert!(records.is_empty() && took >= wait && took < wait * 10, "{took:?}");
}

pub(crate) fn a_commit_wakes_a_poll(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut reader = stage.log().reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    let waiting = move || {
        let (start, mut records) = (Instant::now(), Vec::new());
        reader.poll(EVERYTHING, Duration::from_mins(1), &mut records).unwrap();
        (records.len(), start.elapsed())
    };
    let thread = thread::Builder::new().name("waiting".into()).spawn(waiting).unwrap();
    stage.commit([draft(&topic, 0, "a")]);
    let (records, took) = thread.join().unwrap();
    assert_eq!(records, 1);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

pub(crate) fn topics_are_made_once(stage: &Stage) {
    let spec = |suffix: &str, partitions| TopicSpec { name: stage.name(suffix).into(), partitions };
    let log = stage.log();
    log.ensure_topics(&[spec("a", 3), spec("b", 1)]).unwrap();
    log.ensure_topics(&[spec("a", 3), spec("b", 1), spec("c", 2)]).unwrap();
    log.ensure_topics(&[spec("a", 2)]).unwrap();
    assert_eq!(log.partitions(&stage.name("a")).unwrap(), 3);
    assert_eq!(log.partitions(&stage.name("c")).unwrap(), 2);
    for bad in [spec("a", 4), spec("not/legal", 1), spec("none", 0)] {
        let error = log.ensure_topics(&[bad]).unwrap_err();
        assert!(matches!(error, Error::Topic { .. }), "{error:?}");
    }
}

pub(crate) fn an_assignment_replaces_the_one_before(stage: &Stage) {
    let (old, new) = (stage.topic("old", 2), stage.topic("new", 1));
    stage.commit((0..100).map(|n| draft(&old, n % 2, "old")));
    stage.commit((0..20).map(|n| draft(&new, 0, format!("{n}"))));
    stage.read(&[at(&new, 0)], 20);
    let mut reader = stage.log().reader().unwrap();
    reader.assign(&[(at(&old, 0), 0), (at(&old, 1), 0)]).unwrap();
    let mut records = Vec::new();
    eventually("some records of the first assignment", || {
        reader.poll(Budget { records: 3, bytes: 1 << 20 }, Duration::from_millis(50), &mut records).unwrap();
        !records.is_empty()
    });
    records.clear();
    reader.assign(&[(at(&new, 0), 5)]).unwrap();
    assert_eq!(reader.positions(), [(at(&new, 0), 5)]);
    eventually("the records of the second", || {
        reader.poll(EVERYTHING, Duration::from_millis(50), &mut records).unwrap();
        records.len() >= 15
    });
    assert_eq!(texts(&records), (5..20).map(|n| n.to_string()).collect::<Vec<_>>());
    reader.assign(&[]).unwrap();
    reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    assert_eq!((records.len(), reader.positions()), (15, Vec::new()));
}

pub(crate) fn commits_between_polls_are_seen_once(stage: &Stage) {
    const ROUNDS: u32 = 12;
    let topic = stage.topic("t", 2);
    let mut writer = stage.writer("w");
    let mut reader = stage.log().reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0), (at(&topic, 1), 0)]).unwrap();
    let mut records = Vec::new();
    for round in 0..ROUNDS {
        writer.begin().unwrap();
        for n in 0..4 {
            writer.send(draft(&topic, n % 2, format!("{round:02}.{n}"))).unwrap();
        }
        if round % 4 == 3 {
            writer.abort().unwrap();
        } else {
            assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
        }
        reader.poll(Budget { records: 3, bytes: 1 << 20 }, Duration::ZERO, &mut records).unwrap();
    }
    let expected = ROUNDS as usize / 4 * 3 * 4;
    eventually("all that was committed", || {
        reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).unwrap();
        records.len() >= expected
    });
    reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).unwrap();
    assert_eq!(records.len(), expected);
    for partition in 0..2 {
        let here: Vec<_> = records.iter().filter(|record| record.partition == partition).cloned().collect();
        let kept = (0..ROUNDS).filter(|round| round % 4 != 3);
        let expected = kept.flat_map(|round| [partition, partition + 2].map(|n| format!("{round:02}.{n}")));
        assert_eq!(texts(&here), expected.collect::<Vec<_>>());
    }
}

pub(crate) fn a_reader_stands_at_the_end_of_what_is_committed(stage: &Stage) {
    let topic = stage.topic("t", 1);
    stage.commit([draft(&topic, 0, "a")]);
    stage.read(&[at(&topic, 0)], 1);
    let end = stage.log().range(&at(&topic, 0)).unwrap().end;
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "b")).unwrap();
    let mut reader = stage.log().reader().unwrap();
    reader.assign(&[(at(&topic, 0), end)]).unwrap();
    let mut records = Vec::new();
    for _ in 0..5 {
        reader.poll(EVERYTHING, Duration::from_millis(10), &mut records).unwrap();
    }
    assert!(records.is_empty());
    assert_eq!(reader.positions(), [(at(&topic, 0), end)]);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    eventually("the record behind it", || {
        reader.poll(EVERYTHING, Duration::from_millis(20), &mut records).unwrap();
        !records.is_empty()
    });
    assert_eq!(texts(&records), ["b"]);
}

pub(crate) fn what_is_truncated_is_gone(stage: &Stage) {
    let topic = stage.topic("t", 2);
    let place = at(&topic, 0);
    for round in 0..4 {
        stage.commit((0..10).map(|n| draft(&topic, 0, format!("{round}.{n}"))));
        stage.commit([draft(&topic, 1, "other")]);
    }
    let all = stage.read(std::slice::from_ref(&place), 40);
    let log = stage.log();
    let mut reader = log.reader().unwrap();
    reader.assign(&[(place.clone(), all[3].offset)]).unwrap();
    // In the middle of a transaction, and not back again.
    let start = all[25].offset;
    log.truncate(&place, start).unwrap();
    log.truncate(&place, all[7].offset).unwrap();
    let end = log.range(&place).unwrap().end;
    assert_eq!(log.range(&place).unwrap(), start..end);
    assert!(matches!(log.truncate(&place, end + 1), Err(Error::OutOfRange { .. })));
    let mut met = None;
    eventually("an error about the offset", || {
        // What was fetched before is handed out first.
        met = reader.poll(EVERYTHING, Duration::from_millis(20), &mut Vec::new()).err();
        met.is_some() || reader.positions() == [(place.clone(), end)]
    });
    assert!(met.is_none() || matches!(met, Some(Error::OutOfRange { .. })), "{met:?}");
    let outside = log.reader().unwrap().assign(&[(place.clone(), start - 1)]);
    assert!(
        matches!(&outside, Err(Error::OutOfRange { range, .. }) if *range == (start..end)),
        "{outside:?}"
    );
    let left = |stage: &Stage| texts(&stage.read(&[at(&topic, 0)], 15));
    assert_eq!(left(stage), texts(&all[25..]));
    drop((reader, log));
    stage.reopen();
    assert_eq!(left(stage), texts(&all[25..]));
    assert_eq!(stage.read(&[at(&topic, 1)], 4).len(), 4);
}

pub(crate) fn everything_may_be_truncated(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let place = at(&topic, 0);
    stage.commit((0..10).map(|n| draft(&topic, 0, format!("{n}"))));
    stage.read(std::slice::from_ref(&place), 10);
    let end = stage.log().range(&place).unwrap().end;
    stage.log().truncate(&place, end).unwrap();
    assert_eq!(stage.log().range(&place).unwrap(), end..end);
    stage.reopen();
    // Offsets go on where they were.
    assert_eq!(stage.log().range(&place).unwrap(), end..end);
    stage.commit([draft(&topic, 0, "next")]);
    let records = stage.read(std::slice::from_ref(&place), 1);
    assert_eq!((texts(&records), records[0].offset), (vec!["next".to_owned()], end));
    let unknown = stage.log().truncate(&at(&topic, 1), 0);
    assert!(matches!(unknown, Err(Error::UnknownPartition(_))));
}

/// Runs every case of this file as a test of its own, on the stage `$stage` makes from its name.
macro_rules! run_reading {
    ($stage:path) => {
        $crate::reading::run_reading!($stage: order_is_kept_per_partition, reads_from_the_middle, an_offset_outside_is_an_error, positions_reach_the_range, ends_are_those_of_the_ranges, unknown_topics_are_named, many_partitions, a_poll_keeps_to_its_budget, topics_are_made_once, an_assignment_replaces_the_one_before, commits_between_polls_are_seen_once, a_reader_stands_at_the_end_of_what_is_committed, what_is_truncated_is_gone, everything_may_be_truncated);
    };
    ($stage:path: $($case:ident),*) => {
        $(#[test]
        fn $case() {
            $crate::reading::$case(&$stage(stringify!($case)));
        })*
    };
}
pub(crate) use run_reading;

/// The cases that need a clock: logs that answer in simulated time leave them out.
macro_rules! run_waiting {
    ($stage:path) => {
        $crate::reading::run_reading!($stage: a_poll_waits_and_gives_up, a_commit_wakes_a_poll);
    };
}
pub(crate) use run_waiting;
