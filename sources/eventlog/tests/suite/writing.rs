//! The contract of transactions as cases; each implementation runs all of them.

use std::{collections::BTreeMap, sync::Arc, thread};

use eventlog::{Draft, Error, Outcome};

use crate::{
    drafts::{at, draft},
    stage::{Stage, texts},
};

pub(crate) fn visible_only_after_commit(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    for value in ["a", "b"] {
        writer.send(draft(&topic, 0, value)).unwrap();
    }
    assert!(stage.read(&[at(&topic, 0)], 0).is_empty());
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 2)), ["a", "b"]);
}

pub(crate) fn aborted_records_are_never_seen(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    for (value, commits) in [("a", true), ("lost", false), ("b", true), ("lost too", false)] {
        writer.begin().unwrap();
        writer.send(draft(&topic, 0, value)).unwrap();
        if commits {
            assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
        } else {
            writer.abort().unwrap();
        }
    }
    writer.abort().unwrap();
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 2)), ["a", "b"]);
}

pub(crate) fn a_dropped_writer_leaves_nothing(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "lost")).unwrap();
    drop(writer);
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "kept")).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["kept"]);
}

pub(crate) fn one_commit_over_topics_and_offsets(stage: &Stage) {
    let (input, left, right) = (stage.topic("in", 2), stage.topic("left", 2), stage.topic("right", 1));
    let group = stage.name("g");
    let places = [at(&left, 0), at(&left, 1), at(&right, 0)];
    let mut writer = stage.writer("w");
    for (round, commits) in [(1, false), (2, true)] {
        writer.begin().unwrap();
        for place in &places {
            writer.send(draft(&place.topic, place.partition, format!("{round}"))).unwrap();
        }
        if commits {
            let offsets = [(at(&input, 0), 7), (at(&input, 1), 9)];
            assert_eq!(writer.commit(&group, &offsets).unwrap(), Outcome::Committed);
        } else {
            writer.abort().unwrap();
            assert_eq!(stage.log().committed(&group, &[at(&input, 0)]).unwrap(), [None]);
        }
    }
    assert_eq!(texts(&stage.read(&places, 3)), ["2", "2", "2"]);
    assert_eq!(stage.log().committed(&group, &[at(&input, 1), at(&input, 0)]).unwrap(), [Some(9), Some(7)]);
}

pub(crate) fn offsets_belong_to_groups(stage: &Stage) {
    let topic = stage.topic("t", 3);
    let (one, other) = (stage.name("one"), stage.name("other"));
    let mut writer = stage.writer("w");
    for (group, offset) in [(&one, 1), (&other, 5), (&one, 2)] {
        writer.begin().unwrap();
        assert_eq!(writer.commit(group, &[(at(&topic, 1), offset)]).unwrap(), Outcome::Committed);
    }
    let places = [at(&topic, 0), at(&topic, 1)];
    assert_eq!(stage.log().committed(&one, &places).unwrap(), [None, Some(2)]);
    assert_eq!(stage.log().committed(&other, &places).unwrap(), [None, Some(5)]);
    assert_eq!(stage.log().committed(&stage.name("nobody"), &places).unwrap(), [None, None]);
}

pub(crate) fn records_keep_their_shape(stage: &Stage) {
    let topic = stage.topic("t", 2);
    let large: Vec<u8> = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let header = |name: &str, value: &[u8]| (Arc::from(name), value.to_vec());
    let shape = |timestamp_ms, key: Option<&[u8]>, value: &[u8], headers| Draft {
        topic: Arc::clone(&topic),
        partition: 1,
        timestamp_ms,
        key: key.map(<[u8]>::to_vec),
        value: value.to_vec(),
        headers,
    };
    let drafts = [
        shape(1, None, b"no key", vec![]),
        shape(1_763_000_000_999, Some(b""), b"empty key", vec![]),
        shape(
            2,
            Some(b"\x00\xff"),
            b"",
            vec![header("b", b""), header("a", b"\x00\xfe"), header("b", b"twice")],
        ),
        shape(0, Some(b"large"), &large, vec![header("content-type", b"application/octet-stream")]),
    ];
    stage.commit(drafts.clone());
    let records = stage.read(&[at(&topic, 1)], drafts.len());
    for (record, draft) in records.iter().zip(&drafts) {
        assert_eq!((&record.topic, record.partition), (&draft.topic, 1));
        assert_eq!(record.timestamp_ms, draft.timestamp_ms.max(1));
        assert_eq!(record.key, draft.key);
        assert!(record.value == draft.value, "a value of {} bytes changed", draft.value.len());
        assert_eq!(record.headers, draft.headers);
    }
}

pub(crate) fn opening_again_keeps_everything(stage: &Stage) {
    let topic = stage.topic("t", 2);
    let group = stage.name("g");
    let places = [at(&topic, 0), at(&topic, 1)];
    for round in 0..3_u64 {
        let mut writer = stage.writer("w");
        writer.begin().unwrap();
        for partition in 0..2 {
            writer.send(draft(&topic, partition, format!("{round}"))).unwrap();
        }
        assert_eq!(writer.commit(&group, &[(at(&topic, 0), round)]).unwrap(), Outcome::Committed);
        // Open when the log closes: nothing of it is left.
        writer.begin().unwrap();
        writer.send(draft(&topic, 0, "lost")).unwrap();
        drop(writer);
        stage.reopen();
        assert_eq!(stage.log().partitions(&topic).unwrap(), 2);
        assert_eq!(stage.log().committed(&group, &places).unwrap(), [Some(round), None]);
        // On a broker the transaction left open holds readers back until a writer of its id comes.
        drop(stage.writer("w"));
        let records = stage.read(&places, 2 * (round as usize + 1));
        let mut seen = BTreeMap::<u32, Vec<String>>::new();
        for record in &records {
            seen.entry(record.partition).or_default().push(String::from_utf8(record.value.clone()).unwrap());
        }
        let expected: Vec<_> = (0..=round).map(|round| round.to_string()).collect();
        assert!(seen.values().all(|values| *values == expected), "{seen:?}");
    }
}

pub(crate) fn a_later_writer_fences_the_earlier(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut first = stage.writer("w");
    first.begin().unwrap();
    first.send(draft(&topic, 0, "first")).unwrap();
    let mut second = stage.writer("w");
    second.begin().unwrap();
    second.send(draft(&topic, 0, "second")).unwrap();
    assert_eq!(second.commit("", &[]).unwrap(), Outcome::Committed);
    let sent = first.send(draft(&topic, 0, "first too"));
    assert!(matches!(sent, Ok(()) | Err(Error::Fenced(_))), "{sent:?}");
    let committed = first.commit("", &[]);
    assert!(matches!(committed, Err(Error::Fenced(_))), "{committed:?}");
    let begun = first.begin();
    assert!(matches!(begun, Err(Error::Fenced(_))), "{begun:?}");
    second.begin().unwrap();
    assert_eq!(second.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["second"]);
}

pub(crate) fn writers_work_side_by_side(stage: &Stage) {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 12;
    let topic = stage.topic("t", 2);
    let threads: Vec<_> = (0..WRITERS)
        .map(|number| {
            let mut writer = stage.writer(&format!("w{number}"));
            let topic = Arc::clone(&topic);
            let write = move || {
                for round in 0..ROUNDS {
                    writer.begin().unwrap();
                    for n in 0..10 {
                        writer.send(draft(&topic, n % 2, format!("{number}.{round:02}.{n}"))).unwrap();
                    }
                    if round % 3 == 2 {
                        writer.abort().unwrap();
                    } else {
                        assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
                    }
                }
            };
            thread::Builder::new().name(format!("writer-{number}")).spawn(write).unwrap()
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let records = stage.read(&[at(&topic, 0), at(&topic, 1)], WRITERS * ROUNDS * 10 * 2 / 3);
    for (number, partition) in (0..WRITERS).flat_map(|number| [(number, 0), (number, 1)]) {
        let own: Vec<_> = records
            .iter()
            .filter(|record| {
                record.partition == partition && record.value.starts_with(format!("{number}.").as_bytes())
            })
            .cloned()
            .collect();
        let rounds = (0..ROUNDS).filter(|round| round % 3 != 2);
        let expected = rounds
            .flat_map(|round| (0..5).map(move |n| format!("{number}.{round:02}.{}", n * 2 + partition)));
        assert_eq!(texts(&own), expected.collect::<Vec<_>>());
    }
}

pub(crate) fn a_record_too_large_is_refused(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    let error = writer.send(draft(&topic, 0, vec![7; 3 << 20])).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }) && error.can_abort(), "{error:?}");
    writer.abort().unwrap();
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "fits")).unwrap();
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["fits"]);
}

pub(crate) fn a_transaction_may_be_empty(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let group = stage.name("g");
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    assert_eq!(writer.commit(&group, &[]).unwrap(), Outcome::Committed);
    writer.begin().unwrap();
    assert_eq!(writer.commit(&group, &[(at(&topic, 0), 3)]).unwrap(), Outcome::Committed);
    writer.begin().unwrap();
    writer.abort().unwrap();
    assert_eq!(stage.log().committed(&group, &[at(&topic, 0)]).unwrap(), [Some(3)]);
    assert!(stage.read(&[at(&topic, 0)], 0).is_empty());
}

pub(crate) fn calls_out_of_order_are_refused(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    assert!(matches!(writer.send(draft(&topic, 0, "x")), Err(Error::Order(_))));
    assert!(matches!(writer.commit("", &[]), Err(Error::Order(_))));
    writer.begin().unwrap();
    assert!(matches!(writer.begin(), Err(Error::Order(_))));
    assert_eq!(writer.commit("", &[]).unwrap(), Outcome::Committed);
}

/// Event times are what devices say: a wrong clock must not stop a commit.
pub(crate) fn times_far_ahead_are_taken(stage: &Stage) {
    let topic = stage.topic("t", 1);
    // The year 2100.
    let ahead = Draft { timestamp_ms: 4_102_444_800_000, ..draft(&topic, 0, "ahead") };
    stage.commit([ahead]);
    assert_eq!(stage.read(&[at(&topic, 0)], 1)[0].timestamp_ms, 4_102_444_800_000);
}

pub(crate) fn a_fenced_commit_moves_nothing(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let group = stage.name("g");
    let mut first = stage.writer("w");
    first.begin().unwrap();
    first.send(draft(&topic, 0, "a")).unwrap();
    assert_eq!(first.commit(&group, &[(at(&topic, 0), 1)]).unwrap(), Outcome::Committed);
    first.begin().unwrap();
    first.send(draft(&topic, 0, "lost")).unwrap();
    let second = stage.writer("w");
    let committed = first.commit(&group, &[(at(&topic, 0), 2)]);
    assert!(matches!(committed, Err(Error::Fenced(_))), "{committed:?}");
    assert_eq!(stage.log().committed(&group, &[at(&topic, 0)]).unwrap(), [Some(1)]);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 1)), ["a"]);
    drop(second);
}

pub(crate) fn an_abort_leaves_the_offsets(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let group = stage.name("g");
    let mut writer = stage.writer("w");
    for (round, commits) in [(1, true), (2, false), (3, false), (4, true)] {
        writer.begin().unwrap();
        writer.send(draft(&topic, 0, format!("{round}"))).unwrap();
        if commits {
            assert_eq!(writer.commit(&group, &[(at(&topic, 0), round)]).unwrap(), Outcome::Committed);
        } else {
            writer.abort().unwrap();
            assert_eq!(stage.log().committed(&group, &[at(&topic, 0)]).unwrap(), [Some(1)]);
        }
    }
    assert_eq!(stage.log().committed(&group, &[at(&topic, 0)]).unwrap(), [Some(4)]);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 2)), ["1", "4"]);
}

pub(crate) fn ids_do_not_fence_each_other(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let (mut one, mut other) = (stage.writer("one"), stage.writer("other"));
    one.begin().unwrap();
    other.begin().unwrap();
    one.send(draft(&topic, 0, "one")).unwrap();
    other.send(draft(&topic, 0, "lost")).unwrap();
    other.abort().unwrap();
    assert_eq!(one.commit("", &[]).unwrap(), Outcome::Committed);
    other.begin().unwrap();
    other.send(draft(&topic, 0, "other")).unwrap();
    assert_eq!(other.commit("", &[]).unwrap(), Outcome::Committed);
    assert_eq!(texts(&stage.read(&[at(&topic, 0)], 2)), ["one", "other"]);
}

pub(crate) fn offsets_need_a_group(stage: &Stage) {
    let topic = stage.topic("t", 1);
    let mut writer = stage.writer("w");
    writer.begin().unwrap();
    writer.send(draft(&topic, 0, "lost")).unwrap();
    assert!(matches!(writer.commit("", &[(at(&topic, 0), 1)]), Err(Error::Order(_))));
    writer.abort().unwrap();
    assert!(stage.read(&[at(&topic, 0)], 0).is_empty());
}

/// Runs every case of this file as a test of its own, on the stage `$stage` makes from its name.
macro_rules! run_writing {
    ($stage:path) => {
        $crate::writing::run_writing!($stage: visible_only_after_commit, aborted_records_are_never_seen, a_dropped_writer_leaves_nothing, one_commit_over_topics_and_offsets, offsets_belong_to_groups, records_keep_their_shape, opening_again_keeps_everything, a_later_writer_fences_the_earlier, writers_work_side_by_side, a_record_too_large_is_refused, a_transaction_may_be_empty, times_far_ahead_are_taken, calls_out_of_order_are_refused, a_fenced_commit_moves_nothing, an_abort_leaves_the_offsets, ids_do_not_fence_each_other, offsets_need_a_group);
    };
    ($stage:path: $($case:ident),*) => {
        $(#[test]
        fn $case() {
            $crate::writing::$case(&$stage(stringify!($case)));
        })*
    };
}
pub(crate) use run_writing;
