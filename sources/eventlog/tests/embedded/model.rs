//! Random transactions against a model: lists of values per partition, a map of offsets.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use eventlog::{Budget, Log, Outcome, Shared, TopicPartition, Writer, embedded::Embedded};
use proptest::{collection::vec, prelude::*};

use crate::{
    drafts::{at, draft},
    options, topic,
};

#[derive(Clone, Debug)]
enum Step {
    Begin {
        writer: usize,
    },
    Send {
        writer: usize,
        place: usize,
        bytes: usize,
    },
    Commit {
        writer: usize,
        offset: Option<(usize, u64)>,
    },
    Abort {
        writer: usize,
    },
    /// A new writer of the same id; the old one is fenced.
    Replace {
        writer: usize,
    },
    /// Close and open; what is not committed is gone.
    Reopen,
    Read {
        place: usize,
        skip: u64,
        budget: (usize, usize),
    },
}

const WRITERS: usize = 2;
const PLACES: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let (writer, place) = (0..WRITERS, 0..PLACES);
    let bytes = prop_oneof![8 => 0..100_usize, 1 => 100_000..400_000_usize];
    prop_oneof![
        6 => writer.clone().prop_map(|writer| Step::Begin { writer }),
        24 => (writer.clone(), place.clone(), bytes).prop_map(|(writer, place, bytes)| Step::Send { writer, place, bytes }),
        6 => (writer.clone(), proptest::option::of((place.clone(), 0..1_000_u64)))
            .prop_map(|(writer, offset)| Step::Commit { writer, offset }),
        2 => writer.clone().prop_map(|writer| Step::Abort { writer }),
        1 => writer.prop_map(|writer| Step::Replace { writer }),
        1 => Just(Step::Reopen),
        4 => (place, 0..20_u64, (1..20_usize, 1..2_000_usize))
            .prop_map(|(place, skip, budget)| Step::Read { place, skip, budget }),
    ]
}

/// Place and value, in the order sent.
type Sent = Vec<(usize, Vec<u8>)>;

struct Run {
    dir: tempfile::TempDir,
    log: Option<Shared>,
    writers: Vec<Box<dyn Writer>>,
    places: Vec<TopicPartition>,
    /// Open transactions.
    open: Vec<Option<Sent>>,
    committed: Vec<Vec<Vec<u8>>>,
    offsets: BTreeMap<usize, u64>,
    sent: u64,
}

impl Run {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (writers, open) = (Vec::new(), Vec::new());
        let (committed, offsets) = (vec![Vec::new(); PLACES], BTreeMap::new());
        let mut run = Self { dir, log: None, writers, places: Vec::new(), open, committed, offsets, sent: 0 };
        run.reopen();
        run
    }

    fn log(&self) -> &Shared {
        self.log.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.writers.clear();
        self.log = None;
        let log = Embedded::open(&options(self.dir.path())).unwrap();
        let (wide, narrow) = (topic(&log, "wide", 3), topic(&log, "narrow", 1));
        self.places = vec![at(&wide, 0), at(&wide, 1), at(&wide, 2), at(&narrow, 0)];
        self.writers = (0..WRITERS).map(|writer| log.writer(&writer.to_string()).unwrap()).collect();
        self.open = vec![None; WRITERS];
        self.log = Some(Arc::new(log));
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Begin { writer } => {
                assert_eq!(self.writers[writer].begin().is_ok(), self.open[writer].is_none());
                self.open[writer].get_or_insert_default();
            }
            Step::Send { writer, place, bytes } => {
                self.sent += 1;
                let mut value = self.sent.to_le_bytes().to_vec();
                value.resize(8 + bytes, self.sent as u8);
                let TopicPartition { topic, partition } = &self.places[place];
                let sent = self.writers[writer].send(draft(topic, *partition, value.clone()));
                assert_eq!(sent.is_ok(), self.open[writer].is_some());
                self.open[writer].iter_mut().for_each(|open| open.push((place, value.clone())));
            }
            Step::Commit { writer, offset } => {
                let offsets: Vec<_> =
                    offset.iter().map(|(place, next)| (self.places[*place].clone(), *next)).collect();
                let outcome = self.writers[writer].commit("group", &offsets);
                let Some(open) = self.open[writer].take() else { return assert!(outcome.is_err()) };
                assert_eq!(outcome.unwrap(), Outcome::Committed);
                for (place, value) in open {
                    self.committed[place].push(value);
                }
                self.offsets.extend(offset);
            }
            Step::Abort { writer } => {
                self.writers[writer].abort().unwrap();
                self.open[writer] = None;
            }
            Step::Replace { writer } => {
                let new = self.log().writer(&writer.to_string()).unwrap();
                let mut old = std::mem::replace(&mut self.writers[writer], new);
                assert!(old.begin().is_err() && old.commit("group", &[]).is_err());
                self.open[writer] = None;
            }
            Step::Reopen => self.reopen(),
            Step::Read { place, skip, budget } => self.read(place, skip, budget),
        }
    }

    fn read(&self, place: usize, skip: u64, (records, bytes): (usize, usize)) {
        let (at, expected) = (&self.places[place], &self.committed[place]);
        assert_eq!(self.log().range(at).unwrap(), 0..expected.len() as u64);
        let first = skip.min(expected.len() as u64);
        let mut reader = self.log().reader().unwrap();
        reader.assign(&[(at.clone(), first)]).unwrap();
        let mut found = Vec::new();
        while first + (found.len() as u64) < expected.len() as u64 {
            let before = found.len();
            reader.poll(Budget { records, bytes }, Duration::ZERO, &mut found).unwrap();
            assert!((1..=records).contains(&(found.len() - before)));
        }
        let offsets: Vec<u64> = found.iter().map(|record| record.offset).collect();
        assert_eq!(offsets, (first..expected.len() as u64).collect::<Vec<_>>());
        assert!(found.iter().map(|record| &record.value).eq(&expected[first as usize..]), "values differ");
    }

    fn check(&self) {
        (0..PLACES).for_each(|place| self.read(place, 0, (1_000, 1 << 24)));
        let offsets: Vec<_> = (0..PLACES).map(|place| self.offsets.get(&place).copied()).collect();
        assert_eq!(self.log().committed("group", &self.places).unwrap(), offsets);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_transactions_agree_with_the_model(steps in vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in &steps {
            run.take(step);
        }
        run.check();
        run.reopen();
        run.check();
    }
}
