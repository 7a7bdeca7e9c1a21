//! The shipped rules against tables written by hand: every limit from both sides, published totals and values, and that
//! risk never falls away from what is calm.
//!
//! Why each test exists: `boundaries` finds a limit that was typed wrong or is on the wrong side; `golden` compares with
//! values that others calculated; `monotone` finds a gap between two rows that no table thought of; `recorded`
//! compares every second of real people with the chart.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "rules/boundaries.rs"]
mod boundaries;
#[path = "rules/golden.rs"]
mod golden;
#[path = "rules/made.rs"]
mod made;
#[path = "rules/monotone.rs"]
mod monotone;
#[path = "rules/recorded.rs"]
mod recorded;
#[path = "rules/tables.rs"]
mod tables;
