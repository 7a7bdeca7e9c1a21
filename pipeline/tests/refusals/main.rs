//! What the program refuses, how it says so, and what survives: the binary as a whole, knocked at from outside.
//!
//! The crate is not linked, so nothing here can be true only in a library. No test waits a fixed time;
//! each asks until a deadline.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod calibrate;
mod configuration;
mod days;
mod dead_letters;
mod disk;
mod door;
mod explained;
mod health_records;
mod heard;
mod lake;
mod program;
mod recordings;
mod rules;
mod stops;
mod worn;
