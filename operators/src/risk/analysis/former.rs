//! The form in which version 1 kept a person: without the edition of the rules, which were those that shipped.

use super::{Analyst, Facts, Known, Profile, State, Timeline};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Before {
    profile: Option<Profile>,
    facts: Facts,
}

/// Reads a timeline of version 1.
pub(super) fn read(bytes: &[u8]) -> Option<Timeline<Analyst>> {
    // What was known has its former form: what is new was added behind it.
    let state = |Before { profile, facts }| State { profile, facts, edition: None };
    Timeline::read_as(bytes, |known: Known| known, state)
}
