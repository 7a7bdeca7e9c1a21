//! What a verification says: counts for those who ask whether it looked, findings for those who act.

use std::{fmt, path::PathBuf};

/// So many findings are told, the rest is counted.
const TOLD: usize = 20;

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or directory.
    pub path: PathBuf,
    /// What does not fit, with the next step.
    pub detail: String,
}

/// What was looked at and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Directory of the lake.
    pub dir: PathBuf,
    /// Manifests read.
    pub manifests: u64,
    /// Folds compared with them.
    pub folds: u64,
    /// Files that count.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that a manifest removed and that were not collected yet.
    pub removed: u64,
    /// Files that no manifest ever named, and what was left on its way: no damage.
    pub orphans: u64,
    /// Bytes of both.
    pub garbage_bytes: u64,
    /// What is wrong, in the order of the manifests and tables.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether all is as it was written.
    pub const fn ok(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { manifests, folds, files, rows, bytes, removed, orphans, garbage_bytes, .. } = self;
        let state = match self.findings.len() {
            0 => "whole".to_owned(),
            1 => "1 finding".to_owned(),
            findings => format!("{findings} findings"),
        };
        writeln!(f, "lake {}: {state}", self.dir.display())?;
        writeln!(
            f,
            "{files} files with {rows} rows in {bytes} bytes, by {manifests} manifests and {folds} folds"
        )?;
        write!(
            f,
            "not collected yet: {removed} removed files and {orphans} orphans in {garbage_bytes} bytes"
        )?;
        for finding in self.findings.iter().take(TOLD) {
            write!(f, "\n{}: {}", finding.path.display(), finding.detail)?;
        }
        match self.findings.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(f, "\n… and {more} more"),
        }
    }
}
