//! The conformance suite on the embedded log and on the simulated one, without faults.

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
    sim::{Faults, Sim},
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

/// What outlives a closed log are the brokers; a log opened again is a process started after the one before was killed.
fn sim(case: &str) -> Stage {
    let sim = Sim::new(1, Faults::default());
    let open = move || -> Shared {
        sim.kill();
        Arc::new(sim.clone())
    };
    Stage::new(case.to_owned(), open)
}

mod on_disk {
    crate::reading::run_reading!(crate::embedded);
    crate::reading::run_waiting!(crate::embedded);
    crate::writing::run_writing!(crate::embedded);
}

mod simulated {
    crate::reading::run_reading!(crate::sim);
    crate::writing::run_writing!(crate::sim);
}
