//! A walk over the records of one partition, beside what the epochs say stands there.
//!
//! # Invariants
//! - Records are met once, in their order; a walk that has to wait goes on where it waited.
//! - Behind the first run that does not fit nothing can be told, and nothing is read.

use super::Finding;
use crate::{
    Check,
    binding::{Placed, Run},
    topics::Borrowed,
};
use eventlog::{Record, TopicPartition};
use model::Epoch;
use std::collections::{HashMap, VecDeque};

const OTHERS: &str = "its records are not those committed: lost, torn, or twice";
const SILENT: &str = "was committed by a version whose epochs do not say where their records stand";
const STRANGE: &str = "records follow that no epoch published";
const MISSING: &str = "its records are missing";
const SOME_MISSING: &str = "some of its records are missing";
const NO_WAY_IN: &str =
    "its beginning was deleted, and none of the records kept begins what an epoch published";

/// What does not fit, before anybody knows whether it only needs time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Misfit {
    epoch: Option<Epoch>,
    /// Where the run that does not fit begins.
    from: u64,
    detail: &'static str,
    mendable: bool,
}

/// Where one partition was compared to.
#[derive(Debug)]
pub(super) struct Walk {
    place: TopicPartition,
    /// What was not met in full, oldest first.
    runs: VecDeque<(Epoch, Run)>,
    /// So many of them have to be there.
    due: usize,
    /// The next offset to compare.
    next: u64,
    /// Where the run under way begins, how many of its records were met, and what they come to so far.
    begun: u64,
    met: u64,
    hasher: blake3::Hasher,
    /// Set while the way into a partition whose beginning was deleted is looked for.
    entry: Option<Entry>,
    broken: Option<Misfit>,
    /// The first record of this look that no run known has.
    beyond: Option<u64>,
    /// What did not fit at the last two looks, if it may only need time.
    waits: [Option<Misfit>; 2],
    pub(super) records: u64,
}

impl Walk {
    /// Begins at `next`; `cut` if records before it were deleted.
    pub(super) fn from(place: TopicPartition, next: u64, cut: bool) -> Self {
        Self {
            place,
            runs: VecDeque::new(),
            due: 0,
            next,
            begun: next,
            met: 0,
            hasher: blake3::Hasher::new(),
            entry: cut.then(Entry::default),
            broken: None,
            beyond: None,
            waits: [None, None],
            records: 0,
        }
    }

    /// Takes up what `bindings` say; records of theirs have to be there if `due`.
    pub(super) fn learn(&mut self, bindings: &[Placed], due: bool) {
        for (_, binding) in bindings {
            for repair in binding.repairs.iter().filter(|repair| repair.is_of(&self.place)) {
                // What stands there instead of these runs was counted when it was repaired.
                self.runs.retain(|(epoch, _)| *epoch < repair.from);
                self.runs.push_back((binding.epoch, repair.run()));
            }
            for output in binding.outputs.iter().filter(|output| *output.topic == *self.place.topic) {
                if output.runs.is_empty() && output.records > 0 && self.broken.is_none() {
                    self.broken =
                        Some(Misfit { epoch: Some(binding.epoch), from: 0, detail: SILENT, mendable: false });
                }
                let here = output.runs.iter().filter(|run| run.partition == self.place.partition);
                self.runs.extend(here.map(|run| (binding.epoch, *run)));
            }
        }
        if due {
            self.due = self.runs.len();
        }
        self.due = self.due.min(self.runs.len());
        if let Some(entry) = &mut self.entry {
            entry.learn(&self.runs);
        }
    }

    /// Records before `start` are deleted by now.
    pub(super) fn begin_at(&mut self, start: u64) {
        if self.next < start {
            (self.next, self.begun, self.met) = (start, start, 0);
            self.hasher.reset();
            self.entry = Some(Entry::default());
        }
    }

    /// The offset to read on from; none behind what does not fit.
    pub(super) const fn next(&self) -> Option<u64> {
        if self.broken.is_none() { Some(self.next) } else { None }
    }

    /// Compares the next record; one that no epoch known has published yet is met again at the next look.
    pub(super) fn step(&mut self, record: &Record) {
        if self.broken.is_some() || record.offset < self.next {
            return;
        }
        if let Some(entry) = &mut self.entry {
            self.records += 1;
            self.next = record.offset + 1;
            match entry.step(record) {
                Way::In(run) => {
                    self.runs.drain(..=run);
                    self.due = self.due.saturating_sub(run + 1);
                    self.entry = None;
                }
                Way::None => {
                    let from = self.begun;
                    self.broken = Some(Misfit { epoch: None, from, detail: NO_WAY_IN, mendable: false });
                }
                Way::Unknown => {}
            }
            return;
        }
        let Some((epoch, run)) = self.runs.front() else {
            self.beyond.get_or_insert(record.offset);
            return;
        };
        if self.met == 0 {
            self.begun = record.offset;
        }
        Borrowed::from(record).update(&mut self.hasher);
        (self.met, self.records, self.next) = (self.met + 1, self.records + 1, record.offset + 1);
        if self.met < run.records {
            return;
        }
        let hasher = std::mem::take(&mut self.hasher);
        if Check::from(hasher.finalize()) != run.check {
            let (epoch, from) = (Some(*epoch), self.begun);
            self.broken = Some(Misfit { epoch, from, detail: OTHERS, mendable: true });
            return;
        }
        self.runs.pop_front();
        (self.due, self.met) = (self.due.saturating_sub(1), 0);
    }

    /// The end of a look at everything below `end`.
    pub(super) fn rest(&mut self, end: u64) {
        let (epoch, beyond) = (self.runs.front().map(|(epoch, _)| *epoch), self.beyond.take());
        // What is not a record takes offsets, too.
        self.next = beyond.unwrap_or(self.next.max(end));
        let from = if self.met > 0 { self.begun } else { self.next };
        let misfit = |epoch, detail| Some(Misfit { epoch, from, detail, mendable: true });
        let waits = match epoch {
            _ if self.entry.is_some() => None,
            None if beyond.is_some() => misfit(None, STRANGE),
            Some(_) if self.due == 0 && self.met == 0 => None,
            Some(_) => misfit(epoch, if self.met == 0 { MISSING } else { SOME_MISSING }),
            None => None,
        };
        self.waits = [self.waits[1].take(), waits];
    }

    /// Whether something did not fit at the last look.
    pub(super) const fn is_open(&self) -> bool {
        self.waits[1].is_some()
    }

    /// What does not fit, and did not at the look before either, if it may only need time.
    pub(super) fn finding(&self) -> Option<Finding> {
        let stuck = || self.waits[1].as_ref().filter(|now| self.waits[0].as_ref() == Some(*now));
        let Misfit { epoch, from, detail, mendable } = self.broken.as_ref().or_else(stuck)?.clone();
        Some(Finding { place: self.place.clone(), epoch, from, detail, mendable })
    }
}

/// The way into a partition whose beginning was deleted: the first record at which a whole run ends.
#[derive(Debug, Default)]
struct Entry {
    /// Which run has so many records that come to this; the last of equal ones.
    wanted: HashMap<(u64, Check), usize>,
    longest: u64,
    /// What begins at each of the records met, and how many it has.
    tries: VecDeque<(u64, blake3::Hasher)>,
    met: u64,
}

enum Way {
    In(usize),
    Unknown,
    None,
}

impl Entry {
    fn learn(&mut self, runs: &VecDeque<(Epoch, Run)>) {
        let run = |(at, (_, run)): (usize, &(Epoch, Run))| ((run.records, run.check), at);
        self.wanted = runs.iter().enumerate().map(run).collect();
        self.longest = runs.iter().map(|(_, run)| run.records).max().unwrap_or(0);
    }

    fn step(&mut self, record: &Record) -> Way {
        self.met += 1;
        self.tries.push_back((0, blake3::Hasher::new()));
        for (records, hasher) in &mut self.tries {
            Borrowed::from(record).update(hasher);
            *records += 1;
        }
        let ended = self.tries.iter().find_map(|(records, hasher)| {
            self.wanted.get(&(*records, Check::from(hasher.finalize()))).copied()
        });
        while self.tries.front().is_some_and(|(records, _)| *records >= self.longest) {
            self.tries.pop_front();
        }
        match ended {
            Some(run) => Way::In(run),
            // The rest of a run that was cut, and a whole one.
            None if self.met >= self.longest.saturating_mul(2) => Way::None,
            None => Way::Unknown,
        }
    }
}
