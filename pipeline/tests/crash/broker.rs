//! A real Apache Kafka broker of its own for one test; stopped when dropped.

use std::{path::PathBuf, process::Command};
use tempfile::TempDir;

pub(crate) struct Broker {
    dir: TempDir,
    address: String,
}

impl Broker {
    /// Starts a broker on a free port and waits until it answers.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output = Command::new(script()).arg("start").arg(dir.path().join("kafka")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let address = said.lines().find_map(|line| line.strip_prefix("brokers=")).unwrap_or_else(|| {
            panic!("the broker did not start: {said} {}", String::from_utf8_lossy(&output.stderr))
        });
        Self { address: address.to_owned(), dir }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let stopped = Command::new(script()).arg("stop").arg(self.dir.path().join("kafka")).output();
        if let Err(error) = stopped {
            eprintln!("the broker may still run: {error}");
        }
    }
}

fn script() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka.sh"))
}
