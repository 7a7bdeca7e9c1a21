//! Exactly once, for thousands of seeds under all faults; and not at all with the planted bugs.

use std::collections::BTreeSet;

use eventlog::{
    Record,
    sim::{Faults, Sim},
};

use crate::{
    drafts::draft,
    job::{Job, PARTITIONS, Topics},
    topic,
};

/// Records per input partition.
const RECORDS: u64 = 12;
const STEPS: u64 = 150;
/// Steps a job gets to finish once nothing goes wrong any more.
const CALM_STEPS: u64 = 60;

/// The chance of the driver, apart from that of the log.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        // An LCG of Knuth's; its upper bits are good enough to choose steps by.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

struct Run {
    sim: Sim,
    topics: Topics,
    chance: Chance,
    jobs: Vec<Job>,
    /// Records appended, per input partition.
    appended: Vec<u64>,
}

impl Run {
    fn new(seed: u64, faults: Faults, reopens: bool) -> Self {
        let sim = Sim::new(seed, Faults::NONE);
        if reopens {
            sim.reopen_after_doubt();
        }
        let topics = Topics {
            input: topic(&sim, "in", PARTITIONS),
            output: topic(&sim, "out", PARTITIONS),
            state: topic(&sim, "state", 1),
        };
        sim.set_faults(faults);
        let jobs = vec![Job::new(sim.process(), &topics)];
        Self { sim, topics, chance: Chance(seed), jobs, appended: vec![0; PARTITIONS as usize] }
    }

    fn append(&mut self, partition: u32) {
        let count = &mut self.appended[partition as usize];
        if *count < RECORDS {
            self.sim.append(draft(&self.topics.input, partition, count.to_le_bytes())).unwrap();
            *count += 1;
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let one = self.chance.below(self.jobs.len() as u64) as usize;
        match self.chance.below(100) {
            0..15 => {
                let partition = self.chance.below(u64::from(PARTITIONS)) as u32;
                self.append(partition);
            }
            15..19 => self.jobs[one].kill(),
            19..23 => {
                // The one before goes on: it does not know that it was replaced.
                self.jobs.truncate(2);
                self.jobs.insert(0, Job::new(self.sim.process(), &self.topics));
            }
            23..29 => self.sim.advance(self.chance.below(500)),
            29..31 => self.sim.advance(self.chance.below(40_000)),
            _ => self.jobs[one].step()?,
        }
        // Somebody sees to it that there is one; a stray request can fence the last of them.
        if self.jobs[0].is_over() {
            self.jobs[0].kill();
        }
        Ok(())
    }

    fn finish(&mut self, faults: Faults) -> Result<(), String> {
        (0..PARTITIONS).for_each(|partition| (0..RECORDS).for_each(|_| self.append(partition)));
        self.sim.set_faults(Faults { reuse_after_doubt: faults.reuse_after_doubt, ..Faults::NONE });
        self.jobs.iter_mut().for_each(Job::kill);
        // Whatever is still under way arrives while the last one works, or after.
        let mut last = Job::new(self.sim.process(), &self.topics);
        for _ in 0..CALM_STEPS {
            last.step()?;
        }
        self.check()?;
        self.sim.advance(200_000);
        self.check()
    }

    fn check(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for (output, records) in self.sim.visible(&self.topics.output).iter().enumerate() {
            let mut last = [None; PARTITIONS as usize];
            for record in records {
                let (partition, number) = origin(record);
                if !seen.insert((partition, number)) {
                    return Err(format!("{partition}/{number} is there twice"));
                }
                let before = &mut last[partition as usize];
                if before.is_some_and(|before| before > number) {
                    return Err(format!("{partition}/{number} in output {output} is out of order"));
                }
                *before = Some(number);
            }
        }
        let all = (0..PARTITIONS).flat_map(|partition| (0..RECORDS).map(move |number| (partition, number)));
        let missing: Vec<_> = all.filter(|record| !seen.contains(record)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} are missing")) }
    }
}

/// Which input record an output record was made of.
fn origin(record: &Record) -> (u32, u64) {
    let (partition, number) = record.value.split_at(4);
    (u32::from_le_bytes(partition.try_into().unwrap()), u64::from_le_bytes(number.try_into().unwrap()))
}

/// Runs `seed`; what it found wrong, and the hash of all that happened.
fn run(seed: u64, faults: Faults, reopens: bool) -> (Result<(), String>, u64, Sim) {
    let mut run = Run::new(seed, faults, reopens);
    let found = (0..STEPS).try_for_each(|_| run.step()).and_then(|()| run.finish(faults));
    (found, run.sim.trace_hash(), run.sim)
}

#[test]
fn a_client_that_keeps_the_contract_copies_exactly_once() {
    for seed in 0..4_000 {
        let faults = Faults { restart: if seed % 2 == 0 { 60 } else { Faults::ALL.restart }, ..Faults::ALL };
        let (found, _, sim) = run(seed, faults, false);
        if let Err(wrong) = found {
            panic!("seed {seed}: {wrong}\n{}", sim.trace().join("\n"));
        }
    }
}

#[test]
fn a_client_that_reuses_a_doubtful_producer_does_not() {
    let faults = Faults { reuse_after_doubt: true, ..Faults::ALL };
    let caught = (0..10_000).find(|seed| run(*seed, faults, false).0.is_err());
    assert!(caught.is_some(), "the planted bug was not found in 10,000 seeds");
}

#[test]
fn a_writer_that_takes_its_id_back_does_not() {
    // Broken connections leave a process in doubt while its successor works.
    let faults = Faults { restart: 200, end_repeated: 400, ..Faults::NONE };
    let caught = (0..10_000).find(|seed| run(*seed, faults, true).0.is_err());
    assert!(caught.is_some(), "the planted bug was not found in 10,000 seeds");
}

#[test]
fn each_fault_happens_and_a_seed_repeats_a_run() {
    let marks = [
        "Late",
        "Repeated",
        "ReplyLost",
        "RequestLost",
        "AfterGivingUp",
        "stray open",
        "Fenced",
        "Committed",
        "Unknown",
        "timed out",
        "unreachable",
        "restart",
        "(stopped)",
        "(abort)",
        "killed",
    ];
    let mut left: BTreeSet<&str> = marks.into();
    let mut hashes = BTreeSet::new();
    for seed in 0..100 {
        let (_, hash, sim) = run(seed, Faults::ALL, false);
        assert_eq!(run(seed, Faults::ALL, false).1, hash, "seed {seed}");
        hashes.insert(hash);
        let trace = sim.trace().join("\n");
        left.retain(|mark| !trace.contains(mark));
    }
    assert!(left.is_empty(), "never happened: {left:?}");
    assert_eq!(hashes.len(), 100);
}
