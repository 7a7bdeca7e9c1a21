//! A real Apache Kafka broker of its own for one test; stopped when dropped.

use std::process::Command;
use tempfile::TempDir;

pub(crate) struct Broker {
    dir: TempDir,
    address: String,
}

impl Broker {
    /// Starts a broker on a free port and waits until it answers.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output = kafka("start").arg(dir.path().join("kafka")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let address = said.lines().find_map(|line| line.strip_prefix("brokers=")).unwrap_or_else(|| {
            panic!("the broker did not start: {said} {}", String::from_utf8_lossy(&output.stderr))
        });
        Self { address: address.to_owned(), dir }
    }

    /// Stops it in order and starts it on what it stored, at the same address.
    pub(crate) fn restart(&self) {
        self.run("restart");
    }

    /// Ends it without a chance to tidy up and starts it on what it stored, at the same address.
    pub(crate) fn kill_and_start(&self) {
        self.run("kill");
        self.run("start");
    }

    /// Deletes a topic, as an operator might by mistake.
    pub(crate) fn lose(&self, topic: &str) {
        self.run_with("lose", &[topic]);
    }

    fn run(&self, command: &str) {
        self.run_with(command, &[]);
    }

    fn run_with(&self, command: &str, more: &[&str]) {
        let output = kafka(command).arg(self.dir.path().join("kafka")).args(more).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let stopped = kafka("stop").arg(self.dir.path().join("kafka")).output();
        if let Err(error) = stopped {
            eprintln!("the broker may still run: {error}");
        }
    }
}

/// Calls the script for one broker; the first-tier compiler starts it faster and leaves more to the program.
fn kafka(command: &str) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/kafka.sh");
    let mut kafka = Command::new(script);
    kafka.env("KAFKA_TIER", "1").arg(command);
    kafka
}
