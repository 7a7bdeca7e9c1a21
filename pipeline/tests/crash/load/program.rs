//! The program as it runs under load: started, waited for, killed, asked.

use serde_json::Value;
use std::{
    fs::{self, File},
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Keys that make every step of a commit frequent.
const KEYS: [&str; 4] = [
    "epoch.tick_ms=50",
    "epoch.max_records=4000",
    "commit.lake.flush_interval_ms=1000",
    "snapshot.interval_ms=2000",
];
/// Longer than any start or stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const GLANCE: Duration = Duration::from_millis(20);

/// Where it runs, and on which brokers.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    pub(crate) brokers: String,
}

impl Place {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manpasik"));
        for (name, _) in std::env::vars_os() {
            // What steers this test is no configuration of the program.
            if name.to_string_lossy().starts_with("MANPASIK_") {
                command.env_remove(name);
            }
        }
        command.arg("--data-dir").arg(self.dir.join("data")).args(["--listen", "127.0.0.1:0"]);
        command.args(["--brokers", &self.brokers, "--workers", "1"]);
        command.args(KEYS.iter().flat_map(|pair| ["--set", pair])).stdin(Stdio::null());
        command
    }
}

/// A start of the program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    begun: Instant,
    errors: PathBuf,
}

impl Program {
    pub(crate) fn start(place: &Place, number: usize) -> Self {
        let errors = place.dir.join(format!("start-{number}.log"));
        let mut command = place.command();
        command.arg("run").stdout(Stdio::null()).stderr(File::create(&errors).unwrap());
        Self { child: command.spawn().unwrap(), begun: Instant::now(), errors }
    }

    /// Waits until it is ready; the time from its start, or how it ended instead.
    pub(crate) fn ready(&mut self) -> Result<Duration, String> {
        loop {
            if let Some(ended) = self.ended() {
                return Err(ended);
            }
            if self.get("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(self.begun.elapsed());
            }
            assert!(self.begun.elapsed() < PATIENCE, "not ready in {PATIENCE:?}: {}", self.last_lines());
            std::thread::sleep(GLANCE);
        }
    }

    /// Lets it run for `time`; how it ended, if it did.
    pub(crate) fn leave(&mut self, time: Duration) -> Option<String> {
        std::thread::sleep(time);
        self.ended()
    }

    /// How it ended by itself, with what it said last.
    pub(crate) fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap()?;
        Some(format!("{status} after {:?}: {}", self.begun.elapsed(), self.last_lines()))
    }

    /// SIGKILL: nothing is flushed, nobody says goodbye.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.last_lines());
            }
            assert!(begun.elapsed() < PATIENCE, "does not stop: {}", self.last_lines());
            std::thread::sleep(GLANCE);
        }
    }

    /// Rows of `question`, asked at the door, once the answer shows at least epoch `epoch`.
    pub(crate) fn ask(&self, question: &str, epoch: u64) -> Vec<Value> {
        let begun = Instant::now();
        let door = self.door().unwrap();
        loop {
            let answer = api::query(&door, question).unwrap();
            if answer.as_of_epoch.is_some_and(|shown| shown >= epoch) {
                return rows(&api::render(&answer.columns, &answer.batches, api::Format::Json).unwrap());
            }
            assert!(begun.elapsed() < PATIENCE, "epoch {epoch} is not shown: {}", self.last_lines());
            std::thread::sleep(GLANCE);
        }
    }

    /// What it counted.
    pub(crate) fn status(&self) -> api::Status {
        api::status(&self.door().unwrap()).unwrap()
    }

    /// The last lines it said.
    pub(crate) fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.errors).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        format!("\n{}", lines[lines.len().saturating_sub(12)..].join("\n"))
    }

    fn door(&self) -> Option<String> {
        let text = fs::read_to_string(&self.errors).ok()?;
        let line = text.lines().find(|line| line.contains("started door="))?;
        Some(line.split_once("door=")?.1.trim().to_owned())
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.door()?).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Rows of `question` over the lake, with nobody running.
pub(crate) fn ask_the_lake(place: &Place, question: &str) -> Vec<Value> {
    assert!(Path::is_dir(&place.dir.join("data/lake")));
    let output = place.command().args(["sql", "--format", "json", question]).output().unwrap();
    assert!(output.status.success(), "{question}: {}", String::from_utf8_lossy(&output.stderr));
    rows(&String::from_utf8(output.stdout).unwrap())
}

fn rows(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
