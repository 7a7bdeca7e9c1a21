//! The simulated client library: queues records, registers partitions, ends transactions, repeats what was not answered.
//!
//! # Invariants
//! - A partition is registered once per transaction, before its first record; without records and offsets the broker is
//!   never asked to end anything, as in librdkafka.
//! - Whenever a request may have been sent twice, the producer is disturbed, as librdkafka's statistics show it.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    broker::{Broker, Request},
    coordinator::Refusal,
    faults::End,
    partition,
};
use crate::{Draft, TopicPartition};

/// `socket.timeout.ms`: after it a request is repeated.
const SOCKET_TIMEOUT_MS: u64 = 10_000;
/// `message.timeout.ms`: after it a record counts as not delivered.
const MESSAGE_TIMEOUT_MS: u64 = 20_000;
/// After it the adapter stops waiting for the end of a transaction.
const PATIENCE_MS: u64 = 60_000;
/// How late a stray request may be.
const STRAY_MS: u64 = 60_000;

/// What keeps a transaction from being committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// A record was not delivered; the transaction can be aborted.
    Lost,
    /// Another producer took over.
    Fenced,
}

/// How a request to end a transaction ended for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Done,
    Fenced,
    /// The broker says that there is no such transaction; the client cannot tell what became of it.
    Invalid,
    /// No answer came.
    Silence,
}

#[derive(Debug)]
pub(super) struct Producer {
    id: String,
    identity: partition::Producer,
    queue: Vec<Draft>,
    added: BTreeSet<TopicPartition>,
    offsets_added: bool,
    pub(super) trouble: Option<Trouble>,
    /// A transaction began: its requests may be repeated.
    used: bool,
    disturbed: bool,
    breaks: u64,
}

impl Producer {
    /// Takes over `id`.
    pub(super) fn open(broker: &mut Broker, id: &str) -> Self {
        let identity = broker.open(id);
        if broker.random.hits(broker.faults.open_repeated) {
            let ms = broker.random.below(STRAY_MS);
            broker.later(ms, Request::Open { id: id.to_owned() });
        }
        Self {
            id: id.to_owned(),
            identity,
            queue: Vec::new(),
            added: BTreeSet::new(),
            offsets_added: false,
            trouble: None,
            used: false,
            disturbed: false,
            breaks: broker.breaks,
        }
    }

    /// Whether a request may have been sent twice since the first transaction of this producer.
    pub(super) fn is_disturbed(&self, broker: &Broker) -> bool {
        self.used && (self.disturbed || self.breaks != broker.breaks)
    }

    pub(super) fn begin(&mut self, broker: &Broker) {
        if !self.used {
            (self.used, self.breaks) = (true, broker.breaks);
        }
        self.queue.clear();
        self.added.clear();
        (self.offsets_added, self.trouble) = (false, None);
    }

    /// Queues `draft`; what goes wrong with it is met by a later call, as with any asynchronous producer.
    pub(super) fn send(&mut self, broker: &mut Broker, draft: Draft) {
        self.queue.push(draft);
        let keeps = broker.random.hits(broker.faults.produce_later) || !broker.reach(0);
        if !keeps {
            self.flush(broker);
        }
    }

    /// Delivers what is queued.
    pub(super) fn flush(&mut self, broker: &mut Broker) {
        let queue = std::mem::take(&mut self.queue);
        if queue.is_empty() || self.trouble.is_some() {
            return;
        }
        if !broker.reach(MESSAGE_TIMEOUT_MS) {
            self.trouble = Some(Trouble::Lost);
            return;
        }
        for draft in queue {
            let times_out = broker.random.hits(broker.faults.produce_timeout);
            if times_out {
                self.disturbed = true;
                self.trouble = Some(Trouble::Lost);
                if broker.random.hits(500) {
                    return;
                }
            }
            if let Err(trouble) = self.deliver(broker, draft) {
                self.trouble = Some(trouble);
            }
            if self.trouble.is_some() {
                return;
            }
        }
    }

    fn deliver(&mut self, broker: &mut Broker, draft: Draft) -> Result<(), Trouble> {
        let at = TopicPartition { topic: Arc::clone(&draft.topic), partition: draft.partition };
        if !self.added.contains(&at) {
            let added = self.again(broker, |broker, id, producer| {
                broker.add(id, producer).map(|touched| touched.places.insert(at.clone()))
            });
            added.map_err(trouble)?;
            self.added.insert(at);
        }
        broker.produce(&self.id, self.identity, draft).map_err(trouble)
    }

    /// Adds `offsets` of `group` to the transaction.
    pub(super) fn offsets(
        &mut self,
        broker: &mut Broker,
        group: &str,
        offsets: &[(TopicPartition, u64)],
    ) -> Result<(), Trouble> {
        if offsets.is_empty() {
            return Ok(());
        }
        self.offsets_added = true;
        let added = self.again(broker, |broker, id, producer| {
            let named = offsets.iter().map(|(at, next)| ((group.to_owned(), at.clone()), *next));
            broker.add(id, producer).map(|touched| touched.offsets.extend(named))
        });
        added.map_err(trouble)
    }

    /// Repeats `call` while the coordinator is still busy with the transaction before.
    fn again<T>(
        &self,
        broker: &mut Broker,
        call: impl Fn(&mut Broker, &str, partition::Producer) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        loop {
            match call(broker, &self.id, self.identity) {
                Err(Refusal::Concurrent) => broker.settle(&self.id),
                answer => return answer,
            }
        }
    }

    /// Ends the transaction.
    pub(super) fn end(&mut self, broker: &mut Broker, commits: bool) -> Reply {
        self.queue.clear();
        if self.added.is_empty() && !self.offsets_added {
            return Reply::Done;
        }
        if !broker.reach(PATIENCE_MS) {
            return Reply::Silence;
        }
        let end = choose(broker);
        if end != End::Answered {
            broker.note(format_args!("{}: the end (commit={commits}) is {end:?}", self.id));
        }
        self.disturbed |= end != End::Answered;
        let stray = |id: &str, producer| Request::End { id: id.to_owned(), producer, commits };
        match end {
            End::Answered => self.ask_to_end(broker, commits),
            End::Late(ms) => {
                broker.later(ms, stray(&self.id, self.identity));
                broker.advance(SOCKET_TIMEOUT_MS);
                self.ask_to_end(broker, commits)
            }
            End::Repeated(ms) => {
                let reply = self.ask_to_end(broker, commits);
                broker.later(ms, stray(&self.id, self.identity));
                reply
            }
            End::ReplyLost => {
                self.ask_to_end(broker, commits);
                Reply::Silence
            }
            End::RequestLost => Reply::Silence,
            End::AfterGivingUp(ms) => {
                broker.later(ms, stray(&self.id, self.identity));
                Reply::Silence
            }
        }
    }

    fn ask_to_end(&self, broker: &mut Broker, commits: bool) -> Reply {
        match self.again(broker, |broker, id, producer| broker.end(id, producer, commits)) {
            Ok(()) => Reply::Done,
            Err(Refusal::Fenced) => Reply::Fenced,
            Err(_) => Reply::Invalid,
        }
    }
}

fn trouble(refusal: Refusal) -> Trouble {
    if refusal == Refusal::Fenced { Trouble::Fenced } else { Trouble::Lost }
}

/// What becomes of the next request to end a transaction.
fn choose(broker: &mut Broker) -> End {
    if let Some(scripted) = broker.script.ends.pop_front() {
        return scripted;
    }
    let faults = broker.faults;
    // Soon enough, as a rule, to meet the next transaction.
    let ms = if broker.random.hits(500) { broker.random.below(200) } else { broker.random.below(STRAY_MS) };
    let chances = [
        (faults.end_late, End::Late(ms)),
        (faults.end_repeated, End::Repeated(ms)),
        (faults.end_reply_lost, End::ReplyLost),
        (faults.end_request_lost, End::RequestLost),
        (faults.end_after_giving_up, End::AfterGivingUp(ms)),
    ];
    let hit = chances.into_iter().find(|(rate, _)| broker.random.hits(*rate));
    hit.map_or(End::Answered, |(_, end)| end)
}
