//! Apache Kafka behind the trait, through librdkafka.
//!
//! # Invariants
//! - Readers read committed records only, check CRCs, hold no group membership and commit nothing ([`reader`], [`fetcher`]).
//! - Writers are transactional and idempotent with `acks=all`; whatever blocks in librdkafka runs on a thread of its own
//!   with a bound on the wait ([`writer`], [`producer`]).
//! - Properties that would break one of these are refused; secrets are never printed ([`settings`]).
//!
//! # Bound
//! A reader holds at most [`fetcher::QUEUED_BATCHES`] batches of 2 MiB and 16 MiB inside librdkafka, a writer 64 MiB.

mod client;
mod failure;
mod fetcher;
mod producer;
mod reader;
mod retention;
mod settings;
mod writer;

use std::{ops::Range, sync::Arc};

use self::client::Client;
pub use self::settings::{Options, is_secret};
use crate::{Log, Reader, Result, TopicPartition, TopicSpec, Writer};

/// A Kafka cluster; clones share its connections.
#[derive(Clone, Debug)]
pub struct Kafka {
    client: Arc<Client>,
}

impl Kafka {
    /// Connects to the brokers and asks one for its metadata.
    ///
    /// # Errors
    /// [`crate::Error::Unreachable`] within ten seconds if no broker answers, [`crate::Error::Unauthorised`] if they refuse the
    /// user, [`crate::Error::Setting`] or [`crate::Error::TlsNotBuilt`] if a property cannot be used.
    pub fn open(options: &Options) -> Result<Self> {
        let client = Client::new(options.clone())?;
        client.check()?;
        Ok(Self { client: Arc::new(client) })
    }
}

impl Log for Kafka {
    fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<()> {
        self.client.ensure_topics(topics)
    }

    fn partitions(&self, topic: &str) -> Result<u32> {
        self.client.partitions(topic)
    }

    fn range(&self, at: &TopicPartition) -> Result<Range<u64>> {
        self.client.range(at)
    }

    fn ends(&self, at: &[TopicPartition]) -> Result<Vec<u64>> {
        self.client.ends(at)
    }

    fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        self.client.truncate(at, before)
    }

    fn committed(&self, group: &str, at: &[TopicPartition]) -> Result<Vec<Option<u64>>> {
        self.client.committed(group, at)
    }

    fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(Box::new(reader::KafkaReader::new(Arc::clone(&self.client))?))
    }

    fn writer(&self, transactional_id: &str) -> Result<Box<dyn Writer>> {
        Ok(Box::new(writer::KafkaWriter::new(Arc::clone(&self.client), transactional_id)?))
    }
}
