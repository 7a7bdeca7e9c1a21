//! All sessions merged in time order, as drafts for the log.
//!
//! At one instant starts go first, then packets, observations and ends, each by name of the
//! recording. The merge keeps one candidate per session, so its cost does
//! not grow with the length of the recordings.

use super::{
    Recording,
    script::{Script, Step},
    spoil::{self, Spoiled},
};
use eventlog::{Draft, TopicPartition, partition_of};
use model::Input;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::Arc,
};

/// A topic being written to.
#[derive(Clone, Debug)]
struct Lane {
    topic: Arc<str>,
    partitions: u32,
    /// Per partition, how many drafts are already on the log.
    sent: Vec<u64>,
}

/// Drafts in time order; see [`super::Recordings::traffic`].
#[derive(Clone, Debug)]
pub struct Traffic {
    scripts: Vec<Script>,
    /// Candidates: the next step of each script.
    queue: BinaryHeap<Reverse<(Step, usize)>>,
    spoiled: VecDeque<Spoiled>,
    lanes: [Lane; Input::ALL.len()],
}

/// How much is still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// Drafts.
    pub drafts: u64,
    /// Of these, device packets.
    pub packets: u64,
}

impl Traffic {
    pub(super) fn new(recordings: &[Arc<Recording>], partitions: impl Fn(Input) -> u32) -> Self {
        let scripts: Vec<_> = recordings.iter().map(|recording| Script::new(Arc::clone(recording))).collect();
        let candidate = |(at, script): (usize, &Script)| script.peek().map(|step| Reverse((step, at)));
        let queue = scripts.iter().enumerate().filter_map(candidate).collect();
        let lanes = Input::ALL.map(|input| Lane {
            topic: input.topic().into(),
            partitions: partitions(input),
            sent: vec![0; partitions(input) as usize],
        });
        Self { scripts, queue, spoiled: VecDeque::new(), lanes }
    }

    /// Adds records that are bad on purpose, so that there are dead letters to look at.
    ///
    /// They are extra: every good record is sent as before. One per reason that decoding can give, the
    /// same every time, under the first session, from 10 s after the start every 2 s.
    pub fn spoiled(mut self) -> Self {
        self.spoiled = self.scripts.first().map(spoil::records).unwrap_or_default();
        self
    }

    /// Leaves out what is already on the log: the first `counts` drafts of each partition.
    ///
    /// The rest is exactly what an uninterrupted replay would have sent after them, if it was asked
    /// for with the same recordings, partitions and [`Self::spoiled`].
    pub fn after(mut self, counts: &BTreeMap<TopicPartition, u64>) -> Self {
        for lane in &mut self.lanes {
            for (partition, sent) in (0..).zip(&mut lane.sent) {
                *sent = counts
                    .get(&TopicPartition::new(Arc::clone(&lane.topic), partition))
                    .copied()
                    .unwrap_or(0);
            }
        }
        self
    }

    /// How much is still to come; walks the rest of the recordings without encoding them.
    pub fn remaining(&self) -> Remaining {
        let mut rest = self.clone();
        let mut remaining = Remaining::default();
        while let Some(next) = rest.advance() {
            remaining.drafts += 1;
            remaining.packets += u64::from(next.input() == Input::Packets);
        }
        remaining
    }

    /// The next draft that is not on the log yet, not encoded.
    fn advance(&mut self) -> Option<Next> {
        loop {
            let next = self.pop()?;
            let lane = next.input() as usize;
            let partition = partition_of(self.key(&next), self.lanes[lane].partitions);
            let sent = &mut self.lanes[lane].sent[partition as usize];
            if *sent == 0 {
                return Some(next);
            }
            *sent -= 1;
        }
    }

    /// The next draft, whether on the log or not.
    fn pop(&mut self) -> Option<Next> {
        let next_step = self.queue.peek().map(|Reverse((step, _))| step.at);
        let is_spoiled_next = |spoiled: &Spoiled| next_step.is_none_or(|at| spoiled.at <= at);
        if let Some(spoiled) = self.spoiled.pop_front_if(|spoiled| is_spoiled_next(spoiled)) {
            return Some(Next::Spoiled(spoiled));
        }
        let Reverse((step, at)) = self.queue.pop()?;
        let script = &mut self.scripts[at];
        script.pass(&step);
        self.queue.extend(script.peek().map(|step| Reverse((step, at))));
        Some(Next::Step(step, at))
    }

    fn key<'a>(&'a self, next: &'a Next) -> &'a [u8] {
        match next {
            Next::Step(step, at) => self.scripts[*at].key(step).as_bytes(),
            Next::Spoiled(spoiled) => &spoiled.encoded.key,
        }
    }
}

/// What comes next: a step of one of the scripts, or a spoiled record.
enum Next {
    Step(Step, usize),
    Spoiled(Spoiled),
}

impl Next {
    fn input(&self) -> Input {
        match self {
            Self::Step(step, _) => step.input(),
            Self::Spoiled(spoiled) => spoiled.input,
        }
    }
}

impl Iterator for Traffic {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        let next = self.advance()?;
        let lane = &self.lanes[next.input() as usize];
        let (topic, partitions) = (Arc::clone(&lane.topic), lane.partitions);
        let (at, encoded) = match next {
            Next::Step(step, script) => (step.at, self.scripts[script].encode(&step)),
            Next::Spoiled(spoiled) => (spoiled.at, spoiled.encoded),
        };
        Some(Draft {
            partition: partition_of(&encoded.key, partitions),
            topic,
            timestamp_ms: at.div_euclid(1_000),
            key: Some(encoded.key),
            value: encoded.value,
            headers: encoded.headers,
        })
    }
}
