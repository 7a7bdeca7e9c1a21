//! Questions to the cluster: which topics and partitions there are, how far they reach, what groups committed.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode as Code},
};

use super::{
    failure::{self, Kind},
    settings::Options,
};
use crate::{Error, Result, TopicPartition, TopicSpec};

/// How long one question may take.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// How long a refused login may take to be told.
const REFUSAL: Duration = Duration::from_secs(1);

/// The connections that questions go through.
pub(super) struct Client {
    pub(super) options: Options,
    consumer: BaseConsumer,
    /// A client per group asked for: librdkafka binds the group to the client.
    groups: Mutex<BTreeMap<String, Arc<BaseConsumer>>>,
}

impl Client {
    pub(super) fn new(options: Options) -> Result<Self> {
        let consumer = options.consumer(None)?.create().map_err(|error| failure::setting(&error))?;
        Ok(Self { options, consumer, groups: Mutex::default() })
    }

    /// Asks a broker for its metadata.
    pub(super) fn check(&self) -> Result<()> {
        // About one topic, existing or not: about none, a broker would list all it has.
        let asked = self.consumer.client().fetch_metadata(Some("manpasik"), ANSWER);
        asked.map(drop).map_err(|error| self.explain(&error, "to connect", None))
    }

    /// The typed error for `error`. A client that cannot log in says so beside the answer, which merely times out.
    pub(super) fn explain(&self, error: &KafkaError, what: &str, at: Option<&TopicPartition>) -> Error {
        let found = failure::code(error).unwrap_or(Code::Fail);
        let beside = match failure::kind(found) {
            Kind::Unreachable if self.options.logs_in() => self.refusal(),
            _ => None,
        };
        match beside {
            Some(refused) => failure::error(refused, "to connect", None, &self.options.brokers),
            None => failure::error(found, what, at, &self.options.brokers),
        }
    }

    /// Whether the brokers refused to log the user in; that comes as an event of its own, a little later.
    fn refusal(&self) -> Option<Code> {
        let start = Instant::now();
        while start.elapsed() < REFUSAL {
            let event = self.consumer.poll(Duration::from_millis(50)).and_then(std::result::Result::err);
            let code = event.as_ref().and_then(failure::code);
            if let Some(code) = code.filter(|code| failure::kind(*code) == Kind::Unauthorised) {
                return Some(code);
            }
        }
        None
    }

    /// Number of partitions of `topic`.
    pub(super) fn partitions(&self, topic: &str) -> Result<u32> {
        let place = TopicPartition::new(topic, 0);
        let asked = self.consumer.client().fetch_metadata(Some(topic), ANSWER);
        let metadata = asked.map_err(|error| self.explain(&error, "to describe", Some(&place)))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let Some(found) = found else { return Err(Error::UnknownPartition(place)) };
        match found.error().map(Code::from) {
            None | Some(Code::LeaderNotAvailable) if !found.partitions().is_empty() => {
                Ok(found.partitions().len() as u32)
            }
            None => Err(Error::UnknownPartition(place)),
            Some(code) => Err(failure::error(code, "to describe", Some(&place), &self.options.brokers)),
        }
    }

    /// The offsets of `at` that can be read now.
    pub(super) fn range(&self, at: &TopicPartition) -> Result<Range<u64>> {
        let start = Instant::now();
        loop {
            // With isolation.level=read_committed the upper one is the last stable offset.
            let asked = self.consumer.client().fetch_watermarks(&at.topic, at.partition as i32, ANSWER);
            match asked {
                Ok((low, high)) => return Ok(low.max(0) as u64..high.max(0) as u64),
                // Right after its creation a partition has no leader yet.
                Err(error) if is_settling(&error) && start.elapsed() < ANSWER && self.exists(at)? => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(self.explain(&error, "to read", Some(at))),
            }
        }
    }

    /// One past the last offset of each of `at` that can be read now: one request per broker, where [`Self::range`] takes two
    /// per partition.
    pub(super) fn ends(&self, at: &[TopicPartition]) -> Result<Vec<u64>> {
        // About nothing librdkafka does not ask.
        if at.is_empty() {
            return Ok(Vec::new());
        }
        let mut asked = TopicPartitionList::with_capacity(at.len());
        for at in at {
            let added = asked.add_partition_offset(&at.topic, at.partition as i32, Offset::End);
            added.map_err(|error| self.explain(&error, "to read", Some(at)))?;
        }
        // A time of -1, which is what `Offset::End` is sent as, asks for the last stable offset (ListOffsets of the protocol).
        let found = self.consumer.offsets_for_times(asked, ANSWER);
        let found = found.map_err(|error| self.explain(&error, "to read", None))?;
        let end = |at: &TopicPartition| {
            let told = found
                .find_partition(&at.topic, at.partition as i32)
                .map(|told| (told.error(), told.offset()));
            match told {
                Some((Ok(()), Offset::Offset(end))) => Ok(end.max(0) as u64),
                // What this question leaves open (a partition without a leader, one that does not exist) the other explains.
                _ => self.range(at).map(|range| range.end),
            }
        };
        at.iter().map(end).collect()
    }

    /// Fails where `at` does not exist.
    fn exists(&self, at: &TopicPartition) -> Result<bool> {
        if at.partition < self.partitions(&at.topic)? {
            return Ok(true);
        }
        Err(Error::UnknownPartition(at.clone()))
    }

    /// A client that names `group` to the brokers.
    pub(super) fn group(&self, group: &str) -> Result<Arc<BaseConsumer>> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(consumer) = groups.get(group) {
            return Ok(Arc::clone(consumer));
        }
        let consumer =
            self.options.consumer(Some(group))?.create().map_err(|error| failure::setting(&error))?;
        let consumer: Arc<BaseConsumer> = Arc::new(consumer);
        groups.insert(group.to_owned(), Arc::clone(&consumer));
        Ok(consumer)
    }

    /// The offsets `group` committed.
    pub(super) fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>> {
        let mut asked = TopicPartitionList::with_capacity(at.len());
        for at in at {
            asked.add_partition(&at.topic, at.partition as i32);
        }
        let what = format!("to read the offsets of group \"{group}\"");
        let consumer = self.group(group)?;
        let found =
            consumer.committed_offsets(asked, ANSWER).map_err(|error| self.explain(&error, &what, None))?;
        let offset = |at: &TopicPartition| {
            let Some(found) = found.find_partition(&at.topic, at.partition as i32) else { return Ok(None) };
            found.error().map_err(|error| self.explain(&error, &what, Some(at)))?;
            match found.offset() {
                Offset::Offset(offset) => Ok(Some(offset as u64)),
                _ => Ok(None),
            }
        };
        at.iter().map(offset).collect()
    }

    /// Creates the topics that do not exist.
    pub(super) fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        let mut missing = Vec::new();
        for topic in topics {
            let refuse = |reason: String| Err(Error::Topic { topic: Arc::clone(&topic.name), reason });
            if !crate::record::is_topic_name(&topic.name) {
                return refuse(crate::record::TOPIC_NAME_RULE.into());
            }
            if topic.partitions == 0 {
                return refuse("it needs at least one partition: raise the number".into());
            }
            match self.partitions(&topic.name) {
                Ok(has) if has < topic.partitions => {
                    let asked = topic.partitions;
                    return refuse(format!(
                        "it has {has} partitions, {asked} were asked for: ask for {has} or use a new name"
                    ));
                }
                Ok(_) => {}
                Err(Error::UnknownPartition(_)) => missing.push(topic),
                Err(error) => return Err(error),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.create(&missing)?;
        missing.into_iter().try_for_each(|topic| self.settle(topic))
    }

    fn create(&self, topics: &[&TopicSpec]) -> Result<()> {
        let config = self.options.administrator()?;
        let admin: AdminClient<DefaultClientContext> =
            config.create().map_err(|error| failure::setting(&error))?;
        let new = |topic: &&TopicSpec| (Arc::clone(&topic.name), topic.partitions as i32);
        let named: Vec<_> = topics.iter().map(new).collect();
        let new: Vec<_> = named.iter().map(|(name, partitions)| new_topic(name, *partitions)).collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        let created = futures::executor::block_on(admin.create_topics(&new, &options));
        for result in created.map_err(|error| self.explain(&error, "to create topics", None))? {
            match result {
                Ok(_) | Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    let place = TopicPartition::new(name, 0);
                    let brokers = &self.options.brokers;
                    return Err(match failure::kind(code) {
                        Kind::Unauthorised | Kind::Unreachable => {
                            failure::error(code, "creation", Some(&place), brokers)
                        }
                        _ => Error::Topic {
                            topic: place.topic,
                            reason: format!("{}; see the broker's log", failure::reason(code)),
                        },
                    });
                }
            }
        }
        Ok(())
    }

    /// Waits until the brokers that are asked know a topic just created.
    fn settle(&self, topic: &TopicSpec) -> Result<()> {
        let start = Instant::now();
        for partition in 0..topic.partitions {
            let place = TopicPartition { topic: Arc::clone(&topic.name), partition };
            loop {
                match self.range(&place) {
                    Ok(_) => break,
                    Err(Error::UnknownPartition(_)) if start.elapsed() < ANSWER => {
                        thread::sleep(Duration::from_millis(20));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

/// Whether a partition that exists answers like this while a leader is being chosen.
fn is_settling(error: &KafkaError) -> bool {
    let settling = [
        Code::UnknownTopicOrPartition,
        Code::UnknownPartition,
        Code::UnknownTopic,
        Code::LeaderNotAvailable,
        Code::NotLeaderForPartition,
        Code::ReplicaNotAvailable,
    ];
    failure::code(error).is_some_and(|code| settling.contains(&code))
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A topic with as many replicas as the cluster's own default says (-1).
///
/// Records carry event time, and a device's clock may be ahead: the broker must not refuse its records (its
/// default is one hour), or one wrong clock would stop every commit.
///
/// Nothing is deleted by age: retention goes by the time of the record, which for a replay is long ago, and bindings
/// are needed for ever. Whoever wants to delete input sets the topic's own retention.
fn new_topic(name: &str, partitions: i32) -> NewTopic<'_> {
    NewTopic::new(name, partitions, TopicReplication::Fixed(-1))
        .set("message.timestamp.after.max.ms", "9223372036854775807")
        .set("retention.ms", "-1")
}
