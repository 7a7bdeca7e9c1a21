//! The steps of an epoch, of a snapshot and of a start, as a process passes them.

/// What was just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An epoch was bound.
    Bound,
    /// Its records were handed to the workers.
    Fed,
    /// What came of them was collected.
    Collected,
    /// The lake's files were written, their manifest was not.
    FilesWritten,
    /// The lake's manifest was written.
    Prepared,
    /// The transaction was begun.
    Begun,
    /// All of the transaction was sent.
    Sent,
    /// The transaction was committed.
    Committed,
    /// The lake's manifest was given its number.
    Published,
    /// The views were swapped.
    Released,
    /// A part of a snapshot was written.
    SnapshotWritten,
    /// All of a snapshot was written but what names it.
    SnapshotWhole,
    /// A snapshot was named.
    SnapshotNamed,
    /// A start took its number.
    Numbered,
    /// A start opened the writer.
    Fenced,
    /// A start read the bindings.
    BindingsRead,
    /// A start published what was committed and not published.
    RolledForward,
    /// A start chose a snapshot.
    SnapshotChosen,
    /// A start took over a part of a snapshot.
    Imported,
    /// A start computed an epoch again.
    Replayed,
    /// A start was done.
    Stood,
}

#[cfg(feature = "planted")]
mod armed {
    use super::Step;
    use std::sync::{Mutex, PoisonError};

    /// Where the process ends, and how often it passes there before.
    static STOP: Mutex<Option<(Step, u32)>> = Mutex::new(None);

    /// Ends the process, as a kill would, when `step` is reached after it was passed `passes` times.
    pub fn stop_at(step: Step, passes: u32) {
        *STOP.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, passes));
    }

    /// Ends the process if this is the place.
    pub fn reached(step: Step) {
        let mut stop = STOP.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stop {
            Some((at, 0)) if *at == step => std::process::abort(),
            Some((at, left)) if *at == step => *left -= 1,
            _ => {}
        }
    }
}

#[cfg(feature = "planted")]
pub use armed::{reached, stop_at};

/// Says that `step` is done; only a test hears it.
#[cfg(not(feature = "planted"))]
pub const fn reached(_step: Step) {}

impl Step {
    /// All of them, in the order they are passed.
    pub const ALL: [Self; 21] = [
        Self::Bound,
        Self::Fed,
        Self::Collected,
        Self::FilesWritten,
        Self::Prepared,
        Self::Begun,
        Self::Sent,
        Self::Committed,
        Self::Published,
        Self::Released,
        Self::SnapshotWritten,
        Self::SnapshotWhole,
        Self::SnapshotNamed,
        Self::Numbered,
        Self::Fenced,
        Self::BindingsRead,
        Self::RolledForward,
        Self::SnapshotChosen,
        Self::Imported,
        Self::Replayed,
        Self::Stood,
    ];

    /// The step of this name, as in the code.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| format!("{step:?}") == name)
    }
}
