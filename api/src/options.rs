//! What the door may be told: where it listens and how much one question may cost.
//!
//! There are no defaults here: the program's default configuration holds them. Numbers in the
//! documentation below are what it ships with, and why.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How the door stands in the wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Address and port, `127.0.0.1:50051`; port 0 takes any free one.
    pub listen: String,
    /// Threads that speak gRPC and HTTP, 2: they only move bytes.
    pub threads: usize,
    /// Longest gRPC request in bytes, 1 MiB: a statement and its parameters.
    pub receive_bytes: usize,
    /// Longest gRPC message sent in bytes, 16 MiB: one batch with the longest dead letter.
    pub send_bytes: usize,
    /// Requests one connection may have open, 128.
    pub concurrent_streams: u32,
    /// How long a stop waits for answers that are under way, 5,000 ms.
    pub drain_millis: u64,
    /// What one question may cost.
    pub limits: Limits,
}

/// What one question may cost, and all of them together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Threads that compute answers, 2; they are not the threads that speak to clients.
    pub threads: usize,
    /// Longest statement in bytes, 65,536.
    pub statement_bytes: usize,
    /// From arrival to the last batch handed over, 10,000 ms; a client may ask for less.
    pub deadline_millis: u64,
    /// Rows of an answer, 1,000,000.
    pub answer_rows: u64,
    /// Bytes of an answer in memory, 256 MiB.
    pub answer_bytes: u64,
    /// Bytes one question may hold while it computes, 128 MiB.
    pub question_memory_bytes: usize,
    /// Bytes all questions may hold together, 256 MiB.
    pub total_memory_bytes: usize,
    /// Questions that compute at the same time; 0 means twice the processors.
    pub running: usize,
    /// Questions that wait for their turn, 64; the next one is turned away.
    pub queued: usize,
    /// Footers of lake files kept in memory, in bytes, 4 MiB.
    pub footer_cache_bytes: usize,
    /// Where a question that is out of memory may write; absent means nowhere: it fails.
    #[serde(default)]
    pub spill: Option<Spill>,
}

/// Disk that questions may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spill {
    /// Directory; files in it hold health data in clear and are removed when the question ends.
    pub directory: PathBuf,
    /// Most bytes in it.
    pub bytes: u64,
}

impl Limits {
    /// Questions that compute at the same time, with 0 resolved.
    pub(crate) fn running(&self) -> usize {
        match self.running {
            0 => 2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            running => running,
        }
    }
}
