//! The brokers: topics, groups, simulated time, and requests that are still under way.
//!
//! # Invariants
//! - Nothing here depends on a clock, an address or the order of a hash: the seed and the calls decide everything.
//! - Time only moves in [`Broker::advance`] and [`Broker::wait`]; what falls due happens in the order of its time.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    coordinator::{State, Transactional},
    faults::{Faults, Script},
    partition::{Partition, Producer},
    random::Random,
    trace::Trace,
};
use crate::{Error, Result, TopicPartition};

/// What an outage may last.
const OUTAGE_MS: u64 = 40_000;

/// A request that arrives later than its sender meant, or a step the brokers take by themselves.
#[derive(Debug)]
pub(super) enum Request {
    /// Ends a transaction.
    End { id: String, producer: Producer, commits: bool },
    /// Asks for a new producer epoch.
    Open { id: String },
    /// Writes a marker: to a partition, or to the offsets of groups.
    Mark { id: String, place: Option<TopicPartition> },
}

#[derive(Debug)]
pub(super) struct Broker {
    pub(super) faults: Faults,
    pub(super) script: Script,
    /// Writers replace doubtful producers by themselves: a planted bug.
    pub(super) reopens: bool,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) topics: BTreeMap<Arc<str>, Vec<Partition>>,
    /// Committed offsets, by group and partition.
    pub(super) groups: BTreeMap<(String, TopicPartition), u64>,
    pub(super) ids: BTreeMap<String, Transactional>,
    pub(super) producers: u64,
    now: u64,
    network: BTreeMap<u64, VecDeque<Request>>,
    down_until: u64,
    /// How often connections broke.
    pub(super) breaks: u64,
    /// How often each process was killed.
    pub(super) kills: BTreeMap<u64, u64>,
    pub(super) processes: u64,
}

impl Broker {
    pub(super) fn new(seed: u64, faults: Faults) -> Self {
        Self {
            faults,
            script: Script::default(),
            reopens: false,
            random: Random::new(seed),
            trace: Trace::default(),
            topics: BTreeMap::new(),
            groups: BTreeMap::new(),
            ids: BTreeMap::new(),
            producers: 0,
            now: 0,
            network: BTreeMap::new(),
            down_until: 0,
            breaks: 0,
            kills: BTreeMap::new(),
            processes: 0,
        }
    }

    /// Simulated milliseconds so far.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, what);
    }

    /// Lets `request` arrive in `ms`.
    pub(super) fn later(&mut self, ms: u64, request: Request) {
        self.network.entry(self.now + ms).or_default().push_back(request);
    }

    /// Moves time by `ms`; everything due until then happens.
    pub(super) fn advance(&mut self, ms: u64) {
        let until = self.now.saturating_add(ms);
        while self.step(until) {}
        self.now = until;
    }

    /// Moves time to the next thing that is due, by at most `ms`; gives back what is left of it.
    pub(super) fn wait(&mut self, ms: u64) -> u64 {
        let until = self.now.saturating_add(ms);
        if self.step(until) {
            return until - self.now;
        }
        self.now = until;
        0
    }

    /// Lets the next thing that is due by `until` happen.
    fn step(&mut self, until: u64) -> bool {
        let arrives = self.network.keys().next().copied();
        let times_out = self.next_timeout();
        let next = arrives.into_iter().chain(times_out.iter().map(|(due, _)| *due)).min();
        let Some(due) = next.filter(|due| *due <= until) else { return false };
        self.now = self.now.max(due);
        if let Some((_, id)) = times_out.filter(|(at, _)| *at == due) {
            self.time_out(&id);
            return true;
        }
        let mut first = self.network.first_entry().expect("something arrives");
        let request = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        if let Some(request) = request {
            self.arrive(request);
        }
        true
    }

    fn arrive(&mut self, request: Request) {
        match request {
            Request::End { id, producer, commits } => {
                let answer = self.end(&id, producer, commits);
                self.note(format_args!("{id}: a stray end (commit={commits}) arrived: {answer:?}"));
            }
            Request::Open { id } => self.open_by_stray(&id),
            Request::Mark { id, place } => self.mark(&id, place),
        }
    }

    /// Chance decides about the network before a call.
    pub(super) fn weather(&mut self) {
        if self.random.hits(self.faults.outage) {
            let ms = 1 + self.random.below(OUTAGE_MS);
            self.unreachable(ms);
        }
        if self.random.hits(self.faults.restart) {
            self.restart();
        }
    }

    pub(super) fn unreachable(&mut self, ms: u64) {
        self.note(format_args!("unreachable for {ms} ms"));
        self.down_until = self.down_until.max(self.now + ms);
        self.breaks += 1;
    }

    pub(super) fn restart(&mut self) {
        self.note(format_args!("the brokers restart"));
        self.breaks += 1;
        // Markers of a decided transaction are in the coordinator's own log; requests of clients are not.
        for requests in self.network.values_mut() {
            requests.retain(|request| matches!(request, Request::Mark { .. }));
        }
        self.network.retain(|_, requests| !requests.is_empty());
    }

    /// Waits at most `patience` ms for the brokers; false where that is not enough.
    pub(super) fn reach(&mut self, patience: u64) -> bool {
        let down = self.down_until.saturating_sub(self.now);
        self.advance(down.min(patience));
        down <= patience
    }

    /// Like [`Broker::reach`], with the error a question gives.
    pub(super) fn ask(&mut self, patience: u64) -> Result<()> {
        if self.reach(patience) {
            return Ok(());
        }
        Err(unreachable())
    }

    pub(super) fn partition(&self, at: &TopicPartition) -> Result<&Partition> {
        let found = self.topics.get(&at.topic).and_then(|all| all.get(at.partition as usize));
        found.ok_or_else(|| Error::UnknownPartition(at.clone()))
    }

    pub(super) fn partition_mut(&mut self, at: &TopicPartition) -> Result<&mut Partition> {
        let found = self.topics.get_mut(&at.topic).and_then(|all| all.get_mut(at.partition as usize));
        found.ok_or_else(|| Error::UnknownPartition(at.clone()))
    }

    /// Whether a transaction that is not over holds offsets of `group` for `at`.
    pub(super) fn is_unstable(&self, group: &str, at: &TopicPartition) -> bool {
        let holds = |of: &Transactional| match &of.state {
            State::Ongoing { touched, .. } | State::Preparing { touched, .. } => {
                touched.offsets.keys().any(|(name, place)| name == group && place == at)
            }
            _ => false,
        };
        self.ids.values().any(holds)
    }

    /// Fails where the process that holds a handle is gone.
    pub(super) fn alive(&self, (process, kills): (u64, u64)) -> Result<()> {
        if self.kills.get(&process).copied().unwrap_or(0) == kills {
            return Ok(());
        }
        Err(Error::Stopped { reason: "its process was killed".into() })
    }
}

pub(super) fn unreachable() -> Error {
    Error::Unreachable { brokers: "sim".into(), reason: "no answer in simulated time".into() }
}
