//! Retention by hand: `DeleteRecords`, which moves the start of a partition.

use rdkafka::{
    Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

use super::{
    client::{ANSWER, Client},
    failure,
};
use crate::{Error, Result, TopicPartition};

impl Client {
    /// Drops the records of `at` before `before`; the broker removes files when it finds time.
    pub(super) fn truncate(&self, at: &TopicPartition, before: u64) -> Result<()> {
        let range = self.range(at)?;
        if before > range.end {
            return Err(Error::OutOfRange { at: at.clone(), offset: before, range });
        }
        if before <= range.start {
            return Ok(());
        }
        let explain = |error| self.explain(&error, "deletion of records", Some(at));
        let config = self.options.administrator()?;
        let admin: AdminClient<DefaultClientContext> =
            config.create().map_err(|error| failure::setting(&error))?;
        let mut places = TopicPartitionList::with_capacity(1);
        let offset = Offset::Offset(before as i64);
        places.add_partition_offset(&at.topic, at.partition as i32, offset).map_err(explain)?;
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        let deleted =
            futures::executor::block_on(admin.delete_records(&places, &options)).map_err(explain)?;
        deleted
            .elements()
            .iter()
            .try_for_each(rdkafka::topic_partition_list::TopicPartitionListElem::error)
            .map_err(explain)
    }
}
