//! Serves the sample until it is stopped: `cargo run -p api --example serve_sample -- 127.0.0.1:50051`.
//!
//! Every second one more observation becomes visible, so that epochs move.

use api::{Metrics, Readiness, State, serve};
use model::view::Shelf;
use std::{error::Error, io::Write, sync::Arc, time::Duration};

mod sample;

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = sample::options();
    if let Some(listen) = std::env::args().nth(1) {
        options.listen = listen;
    }
    let directory = tempfile::tempdir()?;
    let shelf = Arc::new(Shelf::default());
    let readiness = Arc::new(Readiness::new(State::Starting { detail: "writing the sample".into() }));
    let metrics = Arc::new(Metrics::new());
    let server = serve(&options, Arc::clone(&shelf), Arc::clone(&readiness), Arc::clone(&metrics))?;
    writeln!(std::io::stdout(), "{}", server.addr())?;
    for epoch in 1.. {
        let snapshot = sample::snapshot(directory.path(), epoch, 1_000 + epoch as usize);
        metrics.progress(&snapshot.progress);
        shelf.swap(snapshot);
        readiness.set(State::Ready);
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}
