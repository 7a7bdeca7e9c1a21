//! The program as its users have it: started, asked, signalled, and always ended with the test.

use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Ended well; gives what it printed.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// Ended badly, told why on standard error once, and printed nothing; gives the reason.
    #[track_caller]
    pub(crate) fn refused(self, words: &[&str]) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(1), ""), "{self:?}");
        let reason = self.err.lines().find(|line| line.starts_with("manpasik: ")).expect("a reason");
        for word in words {
            assert_eq!(reason.matches(word).count(), 1, "{word:?} once in: {reason}");
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
        reason.to_owned()
    }
}

/// A directory of its own for a test, with recordings and room for data.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// A folder with one of the shipped recordings: eight minutes with few gaps.
    pub(crate) fn recordings(&self) -> PathBuf {
        let folder = self.path("recordings");
        fs::create_dir_all(&folder).unwrap();
        for name in ["bidmc_01_Signals.csv.gz", "bidmc_01_Numerics.csv.gz"] {
            let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/recordings")).join(name);
            fs::copy(shipped, folder.join(name)).unwrap();
        }
        folder
    }

    /// The program, told where its data is, in an environment that tells it nothing else.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manpasik"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MANPASIK_") || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.current_dir(self.0.path()).arg("--data-dir").arg(self.data()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub(crate) fn say(&self, arguments: &[&str]) -> Said {
        said(self.program(arguments))
    }

    /// Runs the demo at `speed` over the recordings to its end; gives the report.
    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        let recordings = self.recordings();
        let mut command = self.program(&["--listen", "127.0.0.1:0", "demo", "--exit", "--report", "json"]);
        command.arg("--recordings").arg(recordings).args(arguments);
        serde_json::from_str(&said(command).fine()).unwrap()
    }

    /// Asks the lake, without a server.
    pub(crate) fn ask_the_lake(&self, question: &str) -> Value {
        let nobody = format!("127.0.0.1:{}", free_port());
        let answer = self.say(&["--listen", &nobody, "sql", "--format", "json", question]);
        serde_json::from_str(&answer.fine()).unwrap()
    }

    /// Handles dead letters while no server runs.
    pub(crate) fn dlq(&self, arguments: &[&str]) -> Said {
        let nobody = format!("127.0.0.1:{}", free_port());
        self.say(&[&["--listen", &nobody, "dlq"], arguments].concat())
    }

    /// Starts it with a door, and waits until it is ready.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let running = self.start_unready(arguments);
        running.until("ready", || {
            let (code, _) = running.get("/readyz")?;
            (code == 200).then_some(())
        });
        running
    }

    /// Starts it with a door.
    pub(crate) fn start_unready(&self, arguments: &[&str]) -> Running {
        let door = format!("127.0.0.1:{}", free_port());
        let (out, err) = (self.path("out.txt"), self.path("err.txt"));
        let mut command = self.program(&["--listen", &door]);
        command.args(arguments);
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        Running { child: command.spawn().unwrap(), door, out, err }
    }
}

/// Runs a command to its end, which must come soon.
pub(crate) fn said(mut command: Command) -> Said {
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = move |from: &mut dyn Read| {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    };
    let errors = std::thread::Builder::new().name("errors".into()).spawn(move || read(&mut err)).unwrap();
    let output = std::thread::Builder::new().name("output".into()).spawn(move || read(&mut out)).unwrap();
    let status = end_of(&mut child);
    let (out, err) = (output.join().unwrap(), errors.join().unwrap());
    Said { code: status.unwrap_or_else(|| panic!("it did not end: {err}")).code(), out, err }
}

/// `None` if it had to be killed.
fn end_of(child: &mut Child) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that nobody listened on a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running program; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) door: String,
    out: PathBuf,
    err: PathBuf,
}

impl Running {
    /// Asks over plain HTTP; `None` while nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.door).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.door).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    pub(crate) fn status(&self) -> Option<Value> {
        serde_json::from_str(&self.get("/v1/status")?.1).ok()
    }

    /// The value of a whole-numbered metric without labels.
    pub(crate) fn metric(&self, name: &str) -> Option<u64> {
        let (_, text) = self.get("/metrics")?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Asks again and again until there is an answer.
    #[track_caller]
    pub(crate) fn until<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "never {what}: {} {:?}", self.errors(), self.status());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(&self.err).unwrap()
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn signal(mut self, name: &str) -> Said {
        let number = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &number]).status().unwrap().success());
        self.finish()
    }

    /// Waits for it to end by itself.
    pub(crate) fn ended(mut self) -> Said {
        self.finish()
    }

    fn finish(&mut self) -> Said {
        let status = end_of(&mut self.child);
        let (out, err) = (fs::read_to_string(&self.out).unwrap(), self.errors());
        Said { code: status.unwrap_or_else(|| panic!("it did not end: {err}")).code(), out, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then both say so at once.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).unwrap_or_default();
    }
}
