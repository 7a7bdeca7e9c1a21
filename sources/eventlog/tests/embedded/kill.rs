//! kill -9 in the middle of commits: every acknowledged one is there whole, nothing is torn.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use eventlog::{Log, Outcome, TopicPartition, embedded::Embedded};

use crate::{
    drafts::{EVERYTHING, at, draft},
    options, topic,
};

const CHILD: &str = "MANPASIK_EVENTLOG_CHILD";
const WRITERS: u64 = 3;
/// Acknowledged commits after which the child is killed, round by round.
const ROUNDS: [usize; 6] = [1, 7, 2, 40, 15, 3];

/// Number of records and bytes per record of transaction `number`; some cross several chunks and a data file.
fn shape(number: u64) -> (u64, usize) {
    (1 + number * 7 % 40, if number.is_multiple_of(5) { 60_000 } else { 20 + (number * 31 % 900) as usize })
}

fn is_aborted(number: u64) -> bool {
    number % 6 == 4
}

#[test]
fn killed_in_the_middle_of_commits() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    for acknowledgements in ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::killed_in_the_middle_of_commits", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = BTreeMap::<u64, u64>::new();
        let mut note = |line: String| {
            let numbers: Vec<u64> =
                line.strip_prefix("ack ").unwrap().split(' ').map(|n| n.parse().unwrap()).collect();
            acknowledged.insert(numbers[0], numbers[1]);
        };
        let mut written = lines.by_ref().map(Result::unwrap).filter(|line| line.starts_with("ack "));
        for _ in 0..acknowledgements {
            note(written.next().expect("the child writes until it is killed"));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        written.for_each(note);
        verify(dir.path(), &acknowledged);
    }
}

fn write_until_killed(dir: &Path) -> ! {
    let log = Embedded::open(&options(dir)).unwrap();
    let (left, right) = (topic(&log, "left", 3), topic(&log, "right", 1));
    for writer in 0..WRITERS {
        let (log, left, right) = (log.clone(), Arc::clone(&left), Arc::clone(&right));
        let write = move || {
            let group = format!("g{writer}");
            let first = log.committed(&group, &[at(&right, 0)]).unwrap()[0].map_or(0, |last| last + 1);
            let mut appender = log.writer(&format!("w{writer}")).unwrap();
            for number in first.. {
                appender.begin().unwrap();
                let (records, bytes) = shape(number);
                for n in 0..records {
                    let mut value = format!("{writer} {number} {n} ").into_bytes();
                    value.resize(bytes, b'.');
                    appender.send(draft(&left, (n % 3) as u32, value.clone())).unwrap();
                    appender.send(draft(&right, 0, value)).unwrap();
                }
                if is_aborted(number) {
                    appender.abort().unwrap();
                    continue;
                }
                assert_eq!(appender.commit(&group, &[(at(&right, 0), number)]).unwrap(), Outcome::Committed);
                let line = format!("ack {writer} {number}\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        };
        thread::Builder::new().name(format!("writer-{writer}")).spawn(write).unwrap();
    }
    loop {
        thread::park();
    }
}

/// Opens what the child left and looks for anything missing, torn or too much.
fn verify(dir: &Path, acknowledged: &BTreeMap<u64, u64>) {
    let log = Embedded::open(&options(dir)).unwrap();
    let (left, right) = (topic(&log, "left", 3), topic(&log, "right", 1));
    let places: Vec<TopicPartition> =
        (0..3).map(|partition| at(&left, partition)).chain([at(&right, 0)]).collect();
    let mut found = BTreeMap::<(Arc<str>, u64, u64), Vec<u64>>::new();
    for record in read(&log, &places) {
        let text = std::str::from_utf8(&record.value).unwrap();
        let numbers: Vec<u64> = text.split(' ').take(3).map(|n| n.parse().unwrap()).collect();
        assert_eq!(record.value.len(), shape(numbers[1]).1);
        found.entry((record.topic, numbers[0], numbers[1])).or_default().push(numbers[2]);
    }
    for writer in 0..WRITERS {
        let last = log.committed(&format!("g{writer}"), &[at(&right, 0)]).unwrap()[0];
        let seen = acknowledged.get(&writer).copied();
        assert!(last >= seen, "writer {writer}: {seen:?} was acknowledged, {last:?} is there");
        for number in (0..=last.unwrap_or(0)).filter(|number| last.is_some() && !is_aborted(*number)) {
            for topic in [&left, &right] {
                let mut records = found.remove(&(Arc::clone(topic), writer, number)).unwrap_or_default();
                records.sort_unstable();
                let expected: Vec<u64> = (0..shape(number).0).collect();
                assert_eq!(records, expected, "transaction {number} of writer {writer} in {topic} is torn");
            }
        }
    }
    assert!(found.is_empty(), "more than was committed: {:?}", found.keys());
}

fn read(log: &Embedded, places: &[TopicPartition]) -> Vec<eventlog::Record> {
    let mut reader = log.reader().unwrap();
    reader.assign(&places.iter().map(|place| (place.clone(), 0)).collect::<Vec<_>>()).unwrap();
    let mut records = Vec::new();
    reader.poll(EVERYTHING, Duration::ZERO, &mut records).unwrap();
    let ends = places.iter().map(|place| (place.clone(), log.range(place).unwrap().end));
    assert_eq!(reader.positions(), ends.collect::<Vec<_>>());
    records
}
