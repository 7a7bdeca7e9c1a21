//! The other side of the comparison: Python with numpy, scipy and `PyWavelets` in a process of its own, on one thread.
//!
//! # Invariants
//! The process ends with the value that started it. It is given numbers made here and nothing else.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

const SCRIPT: &str = include_str!("reference.py");
/// What the script imports.
const IMPORTS: &str = "import numpy, scipy, pywt";
/// Numerical libraries beneath numpy and the variables that bind each to one thread.
const THREADS: [&str; 3] = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"];

/// A running Python.
pub(super) struct Reference {
    child: Child,
    names: ChildStdin,
    answers: BufReader<ChildStdout>,
    directory: PathBuf,
    /// Versions of what it compares with.
    pub(super) versions: String,
}

impl Reference {
    /// Starts Python on the inputs in `directory`. `None` if the libraries cannot be imported.
    pub(super) fn start(python: &Path, directory: &Path) -> Result<Option<Self>> {
        let importable = Command::new(python).args(["-c", IMPORTS]).stderr(Stdio::null()).status();
        if !importable.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .arg(directory)
            .envs(THREADS.map(|name| (name, "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start {}", python.display()))?;
        let names = child.stdin.take().expect("standard input is piped");
        let answers = BufReader::new(child.stdout.take().expect("standard output is piped"));
        let directory = directory.to_owned();
        let mut reference = Self { child, names, answers, directory, versions: String::new() };
        let answer = reference.answer()?;
        answer["versions"]
            .as_str()
            .context("no versions in the first answer")?
            .clone_into(&mut reference.versions);
        Ok(Some(reference))
    }

    /// Seconds per call of a kernel, the least of several batches.
    pub(super) fn seconds(&mut self, name: &str) -> Result<f64> {
        writeln!(self.names, "{name}")?;
        self.names.flush()?;
        self.answer()?["seconds"].as_f64().with_context(|| format!("no seconds in the answer to {name}"))
    }

    /// What the kernel calculated when it was timed last.
    pub(super) fn result(&self, name: &str) -> Result<Vec<f64>> {
        let bytes = std::fs::read(self.directory.join(format!("{name}.reference")))?;
        let (numbers, rest) = bytes.as_chunks();
        ensure!(rest.is_empty(), "the result of {name} does not end with a number");
        Ok(numbers.iter().map(|number| f64::from_le_bytes(*number)).collect())
    }

    fn answer(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).with_context(|| format!("the reference answered {line:?}"))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
