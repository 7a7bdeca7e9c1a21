//! All sessions merged in time order, as drafts for the log.
//!
//! At one instant starts go first, then packets by their number, observations by their row, ends of packets by their
//! number, ends of sessions. What is still equal goes by name of the recording, and of one recording pulse,
//! respiration, electrocardiogram.
//!
//! The merge keeps one candidate per session, so its cost does not grow with the length of the
//! recordings.

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
    /// Per partition, how many drafts are already on the log.
    written: Vec<u64>,
}

/// Drafts in time order; see [`super::Recordings::traffic`].
#[derive(Clone, Debug)]
pub struct Traffic {
    scripts: Vec<Script>,
    /// Candidates: the next step of each script.
    queue: BinaryHeap<Reverse<(Step, usize)>>,
    spoiled: VecDeque<Spoiled>,
    lanes: [Lane; Input::ALL.len()],
    /// Partitions of each topic.
    partitions: u32,
}

impl Traffic {
    /// Traffic over topics of `partitions` partitions each; `spoil` adds bad records.
    pub(super) fn new(recordings: &[Arc<Recording>], partitions: u32, spoil: bool) -> Self {
        let of_recording = |recording: &Arc<Recording>| {
            let of_track = |track| Script::new(Arc::clone(recording), track);
            (0..recording.tracks().len()).map(of_track).collect::<Vec<_>>()
        };
        let scripts: Vec<_> = recordings.iter().flat_map(of_recording).collect();
        let queue = scripts.iter().enumerate().filter_map(|(at, script)| candidate(at, script)).collect();
        let first = scripts.first().filter(|_| spoil);
        let spoiled = first.map(spoil::records).unwrap_or_default();
        let lanes = Input::ALL
            .map(|input| Lane { topic: input.topic().into(), written: vec![0; partitions as usize] });
        Self { scripts, queue, spoiled, lanes, partitions }
    }

    /// Leaves out what is already on the log: the first `counts` drafts of each partition.
    ///
    /// The rest is exactly what an uninterrupted replay would have sent after them, if it was asked
    /// for with the same recordings, partitions and spoiling.
    pub fn skip_written(mut self, counts: &BTreeMap<TopicPartition, u64>) -> Self {
        for lane in &mut self.lanes {
            for (partition, written) in (0..).zip(&mut lane.written) {
                let place = TopicPartition::new(Arc::clone(&lane.topic), partition);
                *written = counts.get(&place).copied().unwrap_or(0);
            }
        }
        self
    }

    /// How many drafts are still to come; walks the rest of the recordings without encoding them.
    pub fn total(&self) -> u64 {
        let mut rest = self.clone();
        std::iter::from_fn(|| rest.advance()).count() as u64
    }

    /// The next draft that is not on the log yet, not encoded.
    fn advance(&mut self) -> Option<Next> {
        loop {
            let next = self.pop()?;
            let lane = next.input() as usize;
            let partition = partition_of(self.key(&next), self.partitions);
            let written = &mut self.lanes[lane].written[partition as usize];
            if *written == 0 {
                return Some(next);
            }
            *written -= 1;
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
        self.queue.extend(candidate(at, script));
        Some(Next::Step(step, at))
    }

    fn key<'a>(&'a self, next: &'a Next) -> &'a [u8] {
        match next {
            Next::Step(step, at) => self.scripts[*at].key(step).as_bytes(),
            Next::Spoiled(spoiled) => &spoiled.encoded.key,
        }
    }
}

/// What script number `at` sends next.
fn candidate(at: usize, script: &Script) -> Option<Reverse<(Step, usize)>> {
    script.peek().map(|step| Reverse((step, at)))
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
        let topic = Arc::clone(&self.lanes[next.input() as usize].topic);
        let (at, encoded) = match next {
            Next::Step(step, script) => (step.at, self.scripts[script].encode(&step)),
            Next::Spoiled(spoiled) => (spoiled.at, spoiled.encoded),
        };
        Some(Draft {
            partition: partition_of(&encoded.key, self.partitions),
            topic,
            timestamp_ms: at.div_euclid(1_000),
            key: Some(encoded.key),
            value: encoded.value,
            headers: encoded.headers,
        })
    }
}
