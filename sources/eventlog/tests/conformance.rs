//! The conformance suite on the embedded log.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "suite/drafts.rs"]
mod drafts;
#[path = "suite/reading.rs"]
mod reading;
#[path = "suite/stage.rs"]
mod stage;
#[path = "suite/writing.rs"]
mod writing;

use std::sync::Arc;

use eventlog::{
    Shared,
    embedded::{Embedded, Options},
};
use stage::Stage;

fn embedded(case: &str) -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let open = move || -> Shared {
        // Small files, so that the cases cross their borders.
        let options =
            Options { dir: dir.path().join("log"), segment_bytes: 64 * 1_024, max_record_bytes: 1 << 20 };
        Arc::new(Embedded::open(&options).unwrap())
    };
    Stage::new(case.to_owned(), open)
}

reading::run_reading!(embedded);
writing::run_writing!(embedded);
