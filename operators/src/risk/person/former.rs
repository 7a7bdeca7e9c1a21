//! The form in which version 1 kept a person: without the edition of the rules, which were those that shipped.

use super::{Assayed, Facts, Person, Profile, Said, State, Timeline, Watched};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Serialize, Deserialize)]
struct Known {
    profile: Option<Profile>,
    facts: Facts,
    watched: BTreeMap<String, Watched>,
}

/// Reads a timeline of version 1.
pub(super) fn read(bytes: &[u8]) -> Option<Timeline<Person>> {
    // Profiles and values were all that was said, and have their form.
    let state = |Known { profile, facts, watched }| {
        let assayed = Assayed::among(&facts);
        State { profile, facts, assayed, watched, edition: None }
    };
    Timeline::read_as(bytes, |said: Said| said, state)
}
