//! Topics, lake and views: what an epoch leaves behind, in one commit.
//!
//! # Layout
//! In the order a result meets them: [`capture()`] takes it out of the dataflow, [`Output`] puts what
//! the workers found into one canonical form, [`topics`] shapes it into records, [`lake`] prepares
//! files of it, [`commit`] makes it true in one transaction together with its [`Binding`], and
//! `views` shows it to readers. [`snapshot`] keeps what the steps remembered, so that a start begins
//! there; lake and snapshots reach the file system through [`disk`]. [`audit()`] reads back what stands on the topics.
//!
//! # Invariants
//! - The transaction of the log is the only commit point; lake and views follow from it and are
//!   rolled forward after a crash.
//! - What is published depends on what was committed, never on how many workers found it.
//! - Values of records never reach a log line or an error text.

pub mod audit;
pub mod binding;
pub mod capture;
pub mod commit;
mod digest;
pub mod disk;
mod error;
mod history;
pub mod lake;
mod output;
#[cfg(test)]
mod samples;
pub mod snapshot;
pub mod topics;
mod views;

pub use audit::{Audit, Auditor, Mended, Mending, audit};
pub use binding::{Binding, InputRange};
pub use capture::{Captured, capture};
pub use commit::{Committed, Committer, Hand, LakeLag, Means, Opened, Options, Snapshots};
pub use digest::{Check, Digest};
pub use error::{Divergence, Error};
pub use history::History;
pub use output::Output;
