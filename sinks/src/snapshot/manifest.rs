//! What belongs to a snapshot: two lines of JSON, the manifest and the digest of the first line.

use super::{Chunk, Mark};
use crate::{
    Digest,
    digest::{seal, unseal},
};
use model::state::StepVersion;
use serde::{Deserialize, Serialize};

/// Form of manifest and chunks that is written; it is raised when the form changes.
const FORMAT: u32 = 1;
/// The oldest form that is read: that of the version before.
const OLDEST: u32 = 1;

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// Version of the program that wrote it.
    pub(super) code_version: String,
    pub(super) incarnation: u64,
    pub(super) mark: Mark,
    /// Every step, also those that remember nothing.
    pub(super) steps: Vec<StepVersion>,
    pub(super) entries: u64,
    pub(super) state: Digest,
    pub(super) chunks: Vec<Chunk>,
}

/// As much of a manifest as every version reads.
#[derive(Deserialize)]
struct Form {
    format: u32,
    code_version: String,
}

impl Manifest {
    /// The form written by this version.
    pub(super) const fn format() -> u32 {
        FORMAT
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        seal(serde_json::to_vec(self).expect("a manifest is text and numbers")).0
    }

    /// Reads what [`Self::encode`] wrote; what stands against it ends with the next step.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (body, _) =
            unseal(bytes).ok_or("is damaged: restore it from a copy or remove it; nothing of it was used")?;
        let form: Form = serde_json::from_slice(body)
            .map_err(|_| "is none of this program: remove it from the directory of snapshots".to_owned())?;
        if !(OLDEST..=FORMAT).contains(&form.format) {
            let Form { format, code_version } = form;
            return Err(format!(
                "has format {format}, this version reads {OLDEST} to {FORMAT}: start version {code_version}, \
                 which wrote it"
            ));
        }
        serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("cannot be read at {line}:{column}: start version {}, which wrote it", form.code_version)
        })
    }
}
