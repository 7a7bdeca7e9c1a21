//! Bugs planted on purpose, one at a time, to know that the simulation would see them; and places where a
//! process can be told to end, to know that it may end anywhere.
//!
//! Built only with the feature `planted`, which no program that ships has; without it [`is`] is `false` and
//! what asks it disappears.

mod step;

#[cfg(feature = "planted")]
pub use step::stop_at;
pub use step::{Step, reached};

/// A mistake somebody could make in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// Files of the lake are not synced.
    SkipSync = 1,
    /// Directories of the lake are not synced.
    SkipDirSync,
    /// A manifest of the lake gets its number before its epoch is committed.
    PublishFirst,
    /// The binding does not say what the lake shall hold.
    ForgetIntent,
    /// The offsets of the group are not part of the transaction.
    OffsetsOutside,
    /// Dead letters go out in a transaction of their own.
    LettersOutside,
    /// After a doubt the writer is used again.
    ReuseWriter,
    /// An answer that never came is taken for a yes.
    DoubtIsYes,
    /// An answer that never came is taken for a no.
    DoubtIsNo,
    /// Bindings are read before the writers of earlier starts are fenced.
    ReadBeforeFence,
    /// A snapshot of an epoch that was never committed is used.
    SnapshotUncommitted,
    /// A snapshot lacks an entry.
    SnapshotShort,
    /// Entries that change while a snapshot is taken leave as they are then.
    SnapshotBlurred,
    /// A snapshot is used although the lake lacks rows from before it.
    SnapshotAhead,
    /// What a snapshot holds is not checked.
    SnapshotUnchecked,
    /// The files of a snapshot are not synced.
    SnapshotUnsynced,
    /// A replayed epoch gets another "now".
    OtherNow,
    /// A replayed epoch gets no watermark.
    OtherWatermark,
    /// Rows leave in the order the workers found them.
    WorkerOrder,
    /// Event ids are forgotten too early.
    ForgetEarly,
    /// Rows that were in the lake already are not taken out of it.
    KeepRetracted,
    /// Replayed epochs go to the lake again.
    ReplayTwice,
    /// Rows that could not be written to the lake are dropped.
    DropOutbox,
    /// What the lake does not count any more is cleared away at once, whoever still reads it.
    ClearEarly,
    /// Counts begin at zero after a start.
    CountsLost,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 25] = [
        Self::SkipSync,
        Self::SkipDirSync,
        Self::PublishFirst,
        Self::ForgetIntent,
        Self::OffsetsOutside,
        Self::LettersOutside,
        Self::ReuseWriter,
        Self::DoubtIsYes,
        Self::DoubtIsNo,
        Self::ReadBeforeFence,
        Self::SnapshotUncommitted,
        Self::SnapshotShort,
        Self::SnapshotBlurred,
        Self::SnapshotAhead,
        Self::SnapshotUnchecked,
        Self::SnapshotUnsynced,
        Self::OtherNow,
        Self::OtherWatermark,
        Self::WorkerOrder,
        Self::ForgetEarly,
        Self::KeepRetracted,
        Self::ReplayTwice,
        Self::DropOutbox,
        Self::ClearEarly,
        Self::CountsLost,
    ];
}

#[cfg(feature = "planted")]
static ACTIVE: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Whether the program has this bug at the moment.
#[cfg(feature = "planted")]
pub fn is(bug: Bug) -> bool {
    ACTIVE.load(std::sync::atomic::Ordering::Relaxed) == bug as u8
}

/// Whether the program has this bug at the moment.
#[cfg(not(feature = "planted"))]
pub const fn is(_bug: Bug) -> bool {
    false
}

/// Plants a bug in the whole process, or takes it out again.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    ACTIVE.store(bug.map_or(0, |bug| bug as u8), std::sync::atomic::Ordering::Relaxed);
}

/// The bug in the process at the moment.
#[cfg(feature = "planted")]
pub fn active() -> Option<Bug> {
    Bug::ALL.into_iter().find(|bug| is(*bug))
}
