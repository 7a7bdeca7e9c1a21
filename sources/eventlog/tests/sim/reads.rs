//! What readers of committed records see: the last stable offset, retention, new partitions, polls that return little.

use std::time::Duration;

use eventlog::{
    Budget, Error, Log, Outcome,
    sim::{Faults, Sim},
};

use crate::{
    begin, draft,
    drafts::{EVERYTHING, at},
    quiet, texts,
};

#[test]
fn readers_stop_at_the_first_open_transaction() {
    let (sim, topic) = quiet(1);
    let (mut slow, mut fast) = (sim.writer("slow").unwrap(), sim.writer("fast").unwrap());
    begin(&mut *fast, &topic, &[(0, "before")]);
    assert_eq!(fast.commit("", &[]).unwrap(), Outcome::Committed);
    begin(&mut *slow, &topic, &[(0, "slow")]);
    begin(&mut *fast, &topic, &[(0, "fast")]);
    assert_eq!(fast.commit("", &[]).unwrap(), Outcome::Committed);
    sim.append(draft(&topic, 0, "plain")).unwrap();
    // before, its marker | slow, fast, marker, plain
    assert_eq!(sim.range(&at(&topic, 0)).unwrap(), 0..2);
    let mut reader = sim.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    let mut records = Vec::new();
    reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    assert_eq!((records.len(), reader.positions()), (1, vec![(at(&topic, 0), 2)]));
    slow.abort().unwrap();
    reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    let offsets: Vec<_> = records.iter().map(|record| record.offset).collect();
    assert_eq!((offsets, reader.positions()), (vec![0, 3, 5], vec![(at(&topic, 0), 7)]));
    assert_eq!(texts(&sim, "t")[0], ["before", "fast", "plain"]);
}

#[test]
fn retention_moves_the_start_and_stops_who_stands_before_it() {
    let (sim, topic) = quiet(1);
    for n in 0..10 {
        sim.append(draft(&topic, 0, format!("{n}"))).unwrap();
    }
    let place = at(&topic, 0);
    let mut reader = sim.reader().unwrap();
    reader.assign(&[(place.clone(), 0)]).unwrap();
    let mut records = Vec::new();
    reader.poll(Budget { records: 2, bytes: 1 << 20 }, Duration::ZERO, &mut records).unwrap();
    sim.truncate(&place, 6).unwrap();
    assert_eq!(sim.range(&place).unwrap(), 6..10);
    let met = reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap_err();
    assert!(matches!(&met, Error::OutOfRange { offset: 2, range, .. } if *range == (6..10)), "{met:?}");
    assert!(matches!(reader.assign(&[(place.clone(), 5)]), Err(Error::OutOfRange { .. })));
    reader.assign(&[(place.clone(), 6)]).unwrap();
    records.clear();
    reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    assert_eq!(records.iter().map(|record| record.offset).collect::<Vec<_>>(), [6, 7, 8, 9]);
}

#[test]
fn retention_leaves_open_transactions() {
    let (sim, topic) = quiet(1);
    sim.append(draft(&topic, 0, "a")).unwrap();
    let mut writer = sim.writer("w").unwrap();
    begin(&mut *writer, &topic, &[(0, "b")]);
    sim.truncate(&at(&topic, 0), 100).unwrap();
    assert_eq!(sim.range(&at(&topic, 0)).unwrap(), 1..1);
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&sim, "t")[0], ["b"]);
}

#[test]
fn partitions_can_be_added() {
    let (sim, topic) = quiet(1);
    assert!(matches!(sim.append(draft(&topic, 1, "x")), Err(Error::UnknownPartition(_))));
    sim.add_partitions(&topic, 2).unwrap();
    assert_eq!(sim.partitions(&topic).unwrap(), 3);
    assert_eq!(sim.append(draft(&topic, 2, "x")).unwrap(), 0);
    assert!(matches!(sim.add_partitions("none", 1), Err(Error::UnknownPartition(_))));
}

#[test]
fn a_poll_lets_simulated_time_pass_and_meets_what_falls_due() {
    let (sim, topic) = quiet(1);
    let mut writer = sim.writer("w").unwrap();
    let mut reader = sim.reader().unwrap();
    reader.assign(&[(at(&topic, 0), 0)]).unwrap();
    begin(&mut *writer, &topic, &[(0, "a")]);
    sim.next_end(eventlog::sim::End::AfterGivingUp(3_000));
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Unknown);
    let mut records = Vec::new();
    reader.poll(EVERYTHING, Duration::from_secs(2), &mut records).unwrap();
    assert_eq!((records.len(), sim.now_ms()), (0, 2_000));
    reader.poll(EVERYTHING, Duration::from_secs(2), &mut records).unwrap();
    assert_eq!((records.len(), sim.now_ms()), (1, 3_000));
}

#[test]
fn polls_that_return_little_lose_and_repeat_nothing() {
    let faults = Faults { poll_few: 500, poll_none: 300, ..Faults::NONE };
    for seed in 0..200 {
        let sim = Sim::new(seed, faults);
        let topic = crate::topic(&sim, "t", 2);
        for n in 0..20 {
            sim.append(draft(&topic, n % 2, "x")).unwrap();
        }
        let mut reader = sim.reader().unwrap();
        reader.assign(&[(at(&topic, 0), 0), (at(&topic, 1), 0)]).unwrap();
        let mut records = Vec::new();
        for _ in 0..1_000 {
            reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
        }
        for partition in 0..2 {
            let here = records.iter().filter(|record| record.partition == partition);
            assert!(here.map(|record| record.offset).eq(0..10), "seed {seed}");
        }
    }
}
