//! The door: read-only SQL over live and lake tables, Flight SQL, health, metrics; all on one port.
//!
//! # Layout
//! A statement comes in through `flight` or `http`, which know only how things are said; `service`
//! takes a snapshot for it; `engine` gives it a turn, watched by `watch`; `work` plans it in a
//! `session` whose names are those of the `catalog`, and computes it over `table`s. `fhir` tells results as FHIR R4, in SQL
//! and over HTTP.
//!
//! # Invariants
//! - Only reads. What is let in is a list (`policy`), and nothing in a session could write or open a
//!   path.
//! - One statement sees one snapshot, hence one epoch, and every answer says which.
//! - A statement is bounded in time, memory, rows, bytes, and in how many run beside it; the threads
//!   that compute are never those that speak.
//! - No value of a table and no text of a statement is ever logged.
//!
//! # Limits
//! - There is no authentication yet: whoever reaches the port can read.
//! - Memory that the engine does not account for (batches under way, the values of one long text) is
//!   bounded only by the limits on statements and answers.

mod catalog;
mod client;
mod engine;
mod error;
mod explain;
mod fhir;
mod flight;
mod hidden;
mod http;
mod lane;
mod memory;
mod metrics;
mod options;
mod patience;
mod policy;
mod readiness;
mod reflection;
mod render;
mod server;
mod service;
mod session;
mod similar;
mod status;
mod system;
mod table;
mod watch;
mod work;

pub use client::{Answer, query, query_snapshot, status};
pub use error::Error;
pub use metrics::{Counts, Metrics, Resident, resident};
pub use options::{Limits, Options, Spill};
pub use readiness::{Readiness, State};
pub use render::{Format, render};
pub use server::{Server, serve};
pub use service::{Input, Status};

/// Names of the threads that speak to clients and answer questions: a panic on one of them ends an answer,
/// not the program.
pub const THREADS: [&str; 2] = ["door", "question"];
