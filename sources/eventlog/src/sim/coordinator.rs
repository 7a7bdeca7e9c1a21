//! The transaction coordinator, as Kafka's protocol before KIP-890 part 2 (transaction version 1) has it.
//!
//! ```text
//! Empty ──add──► Ongoing ──end──► Preparing ──last marker──► Complete ──add──► Ongoing
//!                   └──timeout, or another open: epoch + 1, abort──► Preparing
//! ```
//!
//! # Invariants
//! - A request of another epoch than the latest is refused as fenced.
//! - One epoch serves many transactions: an end that arrives late ends whichever is open. Leaders do ask the coordinator
//!   whether a partition belongs to the open transaction (KIP-890 part 1, brokers since 3.6).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    broker::{Broker, Request},
    partition::Producer,
};
use crate::{Draft, TopicPartition};

/// How long a transaction may stay open; the Kafka writer sets the same.
pub(super) const TRANSACTION_TIMEOUT_MS: u64 = 30_000;
/// How late a marker may come.
const MARKER_MS: u64 = 3_000;

#[derive(Debug)]
pub(super) struct Transactional {
    pub(super) producer: Producer,
    pub(super) state: State,
}

#[derive(Debug)]
pub(super) enum State {
    Empty,
    Ongoing {
        since: u64,
        touched: Touched,
    },
    /// Decided; these markers are still to be written.
    Preparing {
        commits: bool,
        touched: Touched,
    },
    Complete {
        commits: bool,
    },
}

/// What a transaction wrote to.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) places: BTreeSet<TopicPartition>,
    pub(super) offsets: BTreeMap<(String, TopicPartition), u64>,
}

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `PRODUCER_FENCED` and `INVALID_PRODUCER_EPOCH`.
    Fenced,
    /// `CONCURRENT_TRANSACTIONS`: ask again once the markers are written.
    Concurrent,
    /// `INVALID_TXN_STATE`.
    Invalid,
}

type Answer = std::result::Result<(), Refusal>;

impl Broker {
    /// `InitProducerId`, asked until it is answered.
    pub(super) fn open(&mut self, id: &str) -> Producer {
        self.open_once(id);
        while self.is_preparing(id) {
            self.wait(MARKER_MS);
        }
        let of = self.ids.get_mut(id).expect("opened once");
        of.producer.epoch += 1;
        of.state = State::Empty;
        let producer = of.producer;
        self.note(format_args!("{id}: producer {} epoch {}", producer.id, producer.epoch));
        producer
    }

    /// A repeated `InitProducerId` nobody waits for.
    pub(super) fn open_by_stray(&mut self, id: &str) {
        self.open_once(id);
        if let Some(of) = self.ids.get_mut(id)
            && !matches!(of.state, State::Preparing { .. })
        {
            of.producer.epoch += 1;
            of.state = State::Empty;
        }
        self.note(format_args!("{id}: a stray open arrived"));
    }

    fn open_once(&mut self, id: &str) {
        if let Some(of) = self.ids.get_mut(id) {
            if matches!(of.state, State::Ongoing { .. }) {
                of.producer.epoch += 1;
                self.prepare(id, false);
            }
            return;
        }
        self.producers += 1;
        let producer = Producer { id: self.producers, epoch: 0 };
        self.ids.insert(id.to_owned(), Transactional { producer, state: State::Empty });
    }

    /// `AddPartitionsToTxn` and `AddOffsetsToTxn`: what the open transaction, or a new one, has touched.
    pub(super) fn add(&mut self, id: &str, producer: Producer) -> std::result::Result<&mut Touched, Refusal> {
        let now = self.now();
        let of = self.ids.get_mut(id).filter(|of| of.producer == producer).ok_or(Refusal::Fenced)?;
        match &of.state {
            State::Preparing { .. } => return Err(Refusal::Concurrent),
            State::Empty | State::Complete { .. } => {
                of.state = State::Ongoing { since: now, touched: Touched::default() };
            }
            State::Ongoing { .. } => {}
        }
        match &mut of.state {
            State::Ongoing { touched, .. } => Ok(touched),
            _ => Err(Refusal::Invalid),
        }
    }

    /// `Produce`: appends one record to a partition added before.
    pub(super) fn produce(&mut self, id: &str, producer: Producer, draft: Draft) -> Answer {
        let at = TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition };
        let of = self.ids.get(id).filter(|of| of.producer == producer).ok_or(Refusal::Fenced)?;
        match &of.state {
            State::Ongoing { touched, .. } if touched.places.contains(&at) => {}
            _ => return Err(Refusal::Invalid),
        }
        let partition = self.partition_mut(&at).map_err(|_| Refusal::Invalid)?;
        partition.append_open(draft, producer).map(drop).ok_or(Refusal::Fenced)
    }

    /// `EndTxn`.
    pub(super) fn end(&mut self, id: &str, producer: Producer, commits: bool) -> Answer {
        let of = self.ids.get(id).filter(|of| of.producer == producer).ok_or(Refusal::Fenced)?;
        match of.state {
            State::Ongoing { .. } => {
                self.prepare(id, commits);
                Ok(())
            }
            State::Preparing { commits: decided, .. } if decided == commits => Err(Refusal::Concurrent),
            State::Complete { commits: decided } if decided == commits => Ok(()),
            _ => Err(Refusal::Invalid),
        }
    }

    fn is_preparing(&self, id: &str) -> bool {
        self.ids.get(id).is_some_and(|of| matches!(of.state, State::Preparing { .. }))
    }

    /// Waits until a decided transaction of `id` is complete, as a client does that is told to ask again.
    pub(super) fn settle(&mut self, id: &str) {
        while self.is_preparing(id) {
            self.wait(MARKER_MS);
        }
    }

    /// Decides the open transaction; its markers follow, each at its time.
    fn prepare(&mut self, id: &str, commits: bool) {
        let Some(of) = self.ids.get_mut(id) else { return };
        let State::Ongoing { touched, .. } = std::mem::replace(&mut of.state, State::Complete { commits })
        else {
            return;
        };
        let epoch = of.producer.epoch;
        let mut marks: Vec<_> = touched.places.iter().cloned().map(Some).collect();
        marks.push(None);
        of.state = State::Preparing { commits, touched };
        self.note(format_args!("{id}: decided, commit={commits} epoch {epoch}"));
        for place in marks {
            if self.random.hits(self.faults.markers_late) {
                let ms = 1 + self.random.below(MARKER_MS);
                self.later(ms, Request::Mark { id: id.to_owned(), place });
            } else {
                self.mark(id, place);
            }
        }
    }

    /// Writes the marker of a decided transaction to a partition, or to the offsets of groups.
    pub(super) fn mark(&mut self, id: &str, place: Option<TopicPartition>) {
        let Some(of) = self.ids.get_mut(id) else { return };
        let (producer, State::Preparing { commits, touched }) = (of.producer, &mut of.state) else { return };
        let commits = *commits;
        let mut offsets = BTreeMap::new();
        match &place {
            Some(at) if !touched.places.remove(at) => return,
            Some(_) => {}
            None => offsets = std::mem::take(&mut touched.offsets),
        }
        // The marker of offsets without offsets is due with the last partition.
        if touched.places.is_empty() && touched.offsets.is_empty() {
            of.state = State::Complete { commits };
        }
        if commits {
            self.groups.extend(offsets);
        }
        if let Some(at) = place {
            self.note(format_args!("{id}: marker in {at}, commit={commits}"));
            if let Ok(partition) = self.partition_mut(&at) {
                partition.mark(producer, commits);
            }
        }
    }

    /// When the next transaction is open for too long, and whose it is.
    pub(super) fn next_timeout(&self) -> Option<(u64, String)> {
        let due = |of: &Transactional| match of.state {
            State::Ongoing { since, .. } => Some(since + TRANSACTION_TIMEOUT_MS),
            _ => None,
        };
        let all = self.ids.iter().filter_map(|(id, of)| Some((due(of)?, id)));
        all.min().map(|(due, id)| (due, id.clone()))
    }

    /// Aborts the transaction of `id`, and fences who wrote it.
    pub(super) fn time_out(&mut self, id: &str) {
        self.note(format_args!("{id}: the transaction timed out"));
        if let Some(of) = self.ids.get_mut(id) {
            of.producer.epoch += 1;
        }
        self.prepare(id, false);
    }
}
