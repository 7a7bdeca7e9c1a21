//! Health records, vital signs and heart rates as HL7 FHIR R4 Observations (hl7.org/fhir/R4/observation.html).
//!
//! # Layout
//! `resource` is what an Observation is made of, `codes` which codes there are, as data; `record`, `vital` and `window` make
//! Observations of the rows of a table. `make` and `function` make them a table of SQL, `door` answers HTTP out of it, `search` reads
//! what is searched for, `answer` shapes what is said; `waveform` tells the signal of a session. Not a diagnosis, and every record says so.
//!
//! # Invariants
//! - An Observation is a function of one row: the same row, the same text, however it is asked for.
//! - No code is made up: what has none that was checked is told in words.
//! - `valueQuantity.code` is UCUM, never the unit as people read it.

mod answer;
mod codes;
mod door;
mod function;
mod make;
mod moment;
mod record;
mod resource;
mod rows;
mod search;
#[cfg(test)]
mod tests;
mod vital;
mod waveform;
mod window;
mod within;

pub(crate) use door::routes;
pub(crate) use function::Asked;
