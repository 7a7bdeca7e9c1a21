//! A million packets on a real Kafka, while the program is killed again and again and the broker goes away and comes back.
//!
//! Kills come at random moments of a fixed seed: most of them some time after the program became ready, under load, every
//! fourth while it still starts. The broker is stopped and started in turn with being killed and started. A share of the load is
//! let go for each of them, so that there is always something under way.
//!
//! What is proved at the end stands in `verdict` and `proof`: nothing lost, nothing twice, and topics, lake and views the same.
//!
//! `MANPASIK_KILLS=100 MANPASIK_RESTARTS=5` in the environment makes it longer.

mod producer;
mod program;
mod proof;
mod tail;
mod traffic;
mod verdict;

use crate::broker::Broker;
use eventlog::Shared;
use producer::Producer;
use program::{Place, Program};
use proof::{Topics, canonical, same};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tail::Tail;
use traffic::Device;
use verdict::Verdict;

/// Milliseconds that a ready program may work before it is killed.
const WORKS: std::ops::Range<u64> = 150..1_500;
/// Seconds in which a share of the load is written.
const SHARE_S: f64 = 1.5;
/// Every table, and every column of it in a form that a topic can have too.
const TABLES: [(&str, &str); 5] = [
    ("windows", "SELECT * FROM windows"),
    ("alerts", "SELECT * FROM alerts"),
    (
        "dead_letters",
        "SELECT topic, partition, record_offset, CAST(recorded_at AS BIGINT) / 1000 AS recorded_at, reason, detail, \
         key, value FROM dead_letters",
    ),
    ("vitals", "SELECT * FROM vitals"),
    ("sessions", "SELECT * FROM sessions"),
];

/// What happened on the way.
#[derive(Default)]
struct Story {
    starts: usize,
    /// Kills of a program that was ready and under load.
    at_work: u32,
    /// From start to ready.
    recoveries: Vec<Duration>,
    /// From the moment the broker began to go away until the program had committed again.
    outages: Vec<Duration>,
    /// Ends that nobody asked for.
    ends: Vec<String>,
}

struct Run {
    place: Place,
    broker: Broker,
    producer: Option<Producer>,
    tail: Tail,
    share: u64,
    random: u64,
    story: Story,
}

#[test]
fn kafka_a_million_packets_twenty_kills_and_five_restarts_of_the_broker() {
    let (kills, restarts) = (parameter("MANPASIK_KILLS", 20), parameter("MANPASIK_RESTARTS", 5));
    let begun = Instant::now();
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start();
    let log = open(&broker);
    log.ensure_topics(&pipeline::engine::inputs(traffic::PARTITIONS)).unwrap();
    let share = traffic::RECORDS / u64::from(kills + 2 * restarts + 2);
    let mut run = Run {
        place: Place { dir: dir.path().to_owned(), brokers: broker.address() },
        producer: Some(Producer::start(Arc::clone(&log), share as f64 / SHARE_S)),
        tail: Tail::new(Arc::clone(&log)),
        broker,
        share,
        random: u64::from(kills),
        story: Story::default(),
    };
    for number in 0..kills {
        run.kill(number);
        // After so many kills each: in the middle of them for one, never before the first.
        let due = |kill: u32| kill * restarts / kills.max(1);
        if due(number + 1) > due(number) {
            run.restart_broker(due(number).is_multiple_of(2));
        }
    }
    let (lost, duplicate) = run.finish(&log);
    let Run { story, .. } = run;
    let mut recoveries = story.recoveries.clone();
    recoveries.sort_unstable();
    eprintln!(
        "{} packets, {kills} kills ({} at work), {restarts} restarts of the broker in {:.0?}: recovery p50 {:.1?}, max {:.1?}; \
         outages {:.1?}; lost {lost}, duplicate {duplicate}",
        traffic::SESSIONS * traffic::PACKETS,
        story.at_work,
        begun.elapsed(),
        recoveries[recoveries.len() / 2],
        recoveries[recoveries.len() - 1],
        story.outages,
    );
    assert!(story.at_work >= kills / 2, "only {} of {kills} kills hit a program at work", story.at_work);
    assert!(story.ends.is_empty(), "the program ended by itself:\n{}", story.ends.join("\n\n"));
}

impl Run {
    /// Starts the program and kills it: of four times one while it still starts, one some time after it became ready, two
    /// some time after it committed something.
    fn kill(&mut self, number: u32) {
        if number % 4 == 3 {
            self.allow();
            let mut program = self.start();
            let longest = self.story.recoveries.last().map_or(500, |last| last.as_millis() as u64);
            let time = self.moment(&(20..longest.max(100)));
            self.story.ends.extend(program.leave(time));
            return program.kill();
        }
        let mut program = self.start_ready();
        let sent = self.producer().sent();
        self.allow();
        if number.is_multiple_of(2) {
            let goes_on = |tail: &Tail| tail.records() > sent;
            let went_on = self.tail.until("the program commits under load", goes_on, || program.ended());
            self.story.ends.extend(went_on.err());
        }
        let time = self.moment(&WORKS);
        match program.leave(time) {
            Some(ended) => self.story.ends.push(ended),
            None => self.story.at_work += 1,
        }
        program.kill();
    }

    /// Takes the broker away under load and brings it back; the program has to go on by itself.
    fn restart_broker(&mut self, cleanly: bool) {
        let mut program = self.start_ready();
        self.allow();
        let time = self.moment(&WORKS);
        self.story.ends.extend(program.leave(time));
        let begun = Instant::now();
        if cleanly {
            self.broker.restart();
        } else {
            self.broker.kill_and_start();
        }
        self.allow();
        // What is written from now on has to come through.
        let sent = self.producer().sent();
        let goes_on = |tail: &Tail| tail.records() > sent;
        loop {
            match self
                .tail
                .until("the program goes on after the broker was away", goes_on, || program.ended())
            {
                Ok(()) => break,
                Err(ended) => {
                    self.story.ends.push(format!("broker away for {:?}: {ended}", begun.elapsed()));
                    program = self.start_ready();
                }
            }
        }
        self.story.outages.push(begun.elapsed());
        program.kill();
    }

    fn producer(&self) -> &Producer {
        self.producer.as_ref().expect("the load goes on until the end")
    }

    /// Lets a share of the load go.
    fn allow(&self) {
        assert!(!self.producer().failed(), "the load cannot be written; see above");
        self.producer().allow(self.share);
    }

    fn start(&mut self) -> Program {
        self.story.starts += 1;
        Program::start(&self.place, self.story.starts)
    }

    /// A program that is ready; one that gives up before is started again, and remembered.
    fn start_ready(&mut self) -> Program {
        loop {
            let mut program = self.start();
            match program.ready() {
                Ok(time) => {
                    self.story.recoveries.push(time);
                    return program;
                }
                Err(ended) => self.story.ends.push(format!("before it was ready: {ended}")),
            }
            assert!(self.story.ends.len() < 20, "it does not start: {}", self.story.ends.join("\n"));
        }
    }

    /// A moment within `range`, by the seed.
    fn moment(&mut self, range: &std::ops::Range<u64>) -> Duration {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(range.start + (self.random >> 33) % (range.end - range.start))
    }

    /// Lets everything be written and committed, stops the program, and proves what is left; lost and duplicate.
    fn finish(&mut self, log: &Shared) -> (u64, u64) {
        let mut program = self.start_ready();
        let (sent, doubts) = self.producer.take().expect("it is finished once").finish();
        assert_eq!(sent, traffic::RECORDS);
        let all_in = |tail: &Tail| tail.records() >= sent;
        let caught_up = self.tail.until("everything is committed", all_in, || program.ended());
        caught_up.unwrap_or_else(|ended| panic!("it ended before everything was committed: {ended}"));
        let epoch = self.tail.epoch().unwrap();
        let views: BTreeMap<_, _> =
            TABLES.map(|(table, question)| (table, canonical(&program.ask(question, epoch)))).into();
        let counts = program.status().counts;
        let (status, said) = program.stop();
        assert!(status.success(), "{status}: {said}");
        self.tail.read();
        self.tail.check();
        assert_eq!(self.tail.records(), sent, "records bound, {doubts} batches of the load were in doubt");
        let starts = self.tail.starts().len();
        let at_least = self.story.at_work as usize / 2;
        assert!(starts >= at_least, "only {starts} starts committed anything, {at_least} were waited for");

        let audit = sinks::audit(&**log).unwrap();
        assert!(audit.ok() && audit.records > 0, "{audit}");

        let devices: Vec<Device> = (0..traffic::SESSIONS).map(Device::new).collect();
        let topics = Topics::read(log);
        topics.check_origins(log);
        for (table, question) in TABLES {
            let lake = canonical(&program::ask_the_lake(&self.place, question));
            same(table, ("views", &views[table]), ("lake", &lake));
            if let Some(topic) = topics.tables.get(table) {
                same(table, ("topic", &canonical(topic)), ("lake", &lake));
            }
        }
        verdict::check_windows(&devices, &topics.tables["windows"]);
        let verdict = Verdict::of(&devices, &topics, &views);
        assert!(verdict.lost == 0 && verdict.duplicate == 0, "{verdict:#?}");
        assert_eq!((counts.lost, counts.duplicates), (0, 0), "packets lost, packets seen twice");
        (verdict.lost + counts.lost, verdict.duplicate + counts.duplicates)
    }
}

fn open(broker: &Broker) -> Shared {
    let options =
        eventlog::kafka::Options { brokers: broker.address(), group_id: None, properties: BTreeMap::new() };
    Arc::new(eventlog::kafka::Kafka::open(&options).unwrap())
}

fn parameter(name: &str, default: u32) -> u32 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
