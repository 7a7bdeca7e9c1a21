//! Why a record is refused, before it is joined with the record itself.
//!
//! A detail names fields, lengths and the next step, never a value of the record.

use eventlog::Record;
use model::{Fault, Input, Origin, Raw, Reason};
use std::borrow::Cow;

/// A reason and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) detail: Cow<'static, str>,
}

impl Refusal {
    /// Refuses for `reason`; `detail` must hold no data of the record.
    pub(crate) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// The fault this refusal and the record make.
    pub(crate) fn fault(self, origin: Origin, raw: Raw) -> Fault {
        Fault { origin, reason: self.reason, detail: self.detail.into_owned(), raw }
    }
}

/// Where `record` stands, as a record of `input`.
pub(crate) fn origin(input: Input, record: &Record) -> Origin {
    Origin { input, partition: record.partition, offset: record.offset }
}

/// The record as it stood on the log; its bytes move.
pub(crate) fn raw(record: Record) -> Raw {
    Raw {
        recorded_at: record.timestamp_ms.saturating_mul(1_000),
        key: record.key,
        value: record.value,
        headers: record.headers.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value)).collect(),
    }
}
