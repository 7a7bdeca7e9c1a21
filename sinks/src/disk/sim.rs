//! A simulated disk: loses, tears, fills up and fails as a real one may, the same way for the same seed.
//!
//! # Faults
//! - [`SimDisk::crash`], a power cut: of content not synced a prefix may stay, or blocks with holes of zeros
//!   between, or the content before; of the changes of names not synced, any.
//! - [`SimDisk::kill`], the end of a process: what was written stays, and is no more durable than before.
//! - [`SimDisk::stop_at`]: the operation of that number may be done, in part or not at all, and every later one
//!   is refused, until one of the two above.
//! - [`SimDisk::budget`], a full disk: what fits is written, then the write fails.
//! - [`SimDisk::fail_at`] and [`SimDisk::fail_from`]. A sync that fails loses what it should have made durable,
//!   and the next sync of the same content says nothing of it, as on Linux.
//!
//! # Limits
//! A directory whose sync failed can be synced again: a file system that loses entries then is one that
//! goes read-only. Nothing is slow, and there are no permissions.
//!
//! # Invariants
//! - No clock and no random source but the seed and what [`SimDisk::set_now`] says: a run can be repeated.

use model::Micros;
use rustix::io::Errno;
use std::{
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

mod calls;
mod random;
mod tree;

use random::Random;
use tree::Tree;

/// A disk in memory; clones share it.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// What an operation is refused with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO, by whatever operation.
    Io,
    /// ENOSPC, by what needs room.
    Full,
    /// EROFS, by what changes anything.
    ReadOnly,
}

#[derive(Clone)]
struct State {
    tree: Tree,
    random: Random,
    now: Micros,
    operations: u64,
    stop_at: Option<u64>,
    stopped: bool,
    budget: Option<u64>,
    /// The fault, its first operation, and whether later ones fail, too.
    fault: Option<(Fault, u64, bool)>,
}

/// What an operation does to the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Look,
    Sync,
    /// Needs room.
    Grow,
    Change,
}

/// How far an operation gets.
#[derive(Clone, Copy)]
enum How {
    Whole,
    /// The machine or the process stops in the middle.
    Cut,
    Failed(Fault),
}

impl SimDisk {
    /// An empty disk; what its faults leave follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::with(State {
            tree: Tree::default(),
            random: Random::new(seed),
            now: 0,
            operations: 0,
            stop_at: None,
            stopped: false,
            budget: None,
            fault: None,
        })
    }

    /// Another disk with the same content, open faults and count of operations, and a seed of its own.
    pub fn copy(&self, seed: u64) -> Self {
        Self::with(State { random: Random::new(seed), ..self.state().clone() })
    }

    fn with(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The power fails and comes back.
    pub fn crash(&self) {
        let state = &mut *self.state();
        state.tree.crash(&mut state.random);
        state.start();
    }

    /// The process dies; the disk does not notice.
    pub fn kill(&self) {
        self.state().start();
    }

    /// Operations so far, refused ones too.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Everything stops in the operation of this number; the first one is 1.
    pub fn stop_at(&self, operation: u64) {
        self.state().stop_at = Some(operation);
    }

    /// Whether everything has stopped.
    pub fn stopped(&self) -> bool {
        self.state().stopped
    }

    /// So many bytes of content fit; `None` for any.
    pub fn budget(&self, bytes: Option<u64>) {
        self.state().budget = bytes;
    }

    /// Bytes of content.
    pub fn used(&self) -> u64 {
        self.state().tree.used()
    }

    /// The operation of this number fails, if it can fail so.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.state().fault = Some((fault, operation, false));
    }

    /// Every operation from this number on fails that can fail so, until [`Self::heal`].
    pub fn fail_from(&self, operation: u64, fault: Fault) {
        self.state().fault = Some((fault, operation, true));
    }

    /// No fault any more, and room for everything; what is lost stays lost.
    pub fn heal(&self) {
        let mut state = self.state();
        (state.fault, state.budget) = (None, None);
    }

    /// What is written from now on is dated so.
    pub fn set_now(&self, now: Micros) {
        self.state().now = now;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation: counted, stopped or refused when its number is up, and otherwise done by `act`.
    fn operate<T>(&self, kind: Kind, act: impl FnOnce(&mut State, How) -> io::Result<T>) -> io::Result<T> {
        let state = &mut *self.state();
        state.operations += 1;
        if state.stopped {
            return Err(off());
        }
        if state.stop_at == Some(state.operations) {
            state.stopped = true;
            if kind != Kind::Look {
                act(state, How::Cut).ok();
            }
            return Err(off());
        }
        if let Some(fault) = state.due(kind) {
            act(state, How::Failed(fault)).ok();
            return Err(fault.error());
        }
        act(state, How::Whole)
    }

    /// An operation on names, which is done or not.
    fn name(&self, kind: Kind, act: impl FnOnce(&mut Tree, Micros) -> io::Result<()>) -> io::Result<()> {
        self.operate(kind, |state, how| match how {
            How::Failed(_) => Ok(()),
            How::Cut if state.random.coin() => Ok(()),
            How::Cut | How::Whole => act(&mut state.tree, state.now),
        })
    }

    fn look<T>(&self, act: impl FnOnce(&Tree) -> io::Result<T>) -> io::Result<T> {
        self.operate(Kind::Look, |state, how| match how {
            How::Failed(fault) => Err(fault.error()),
            How::Cut | How::Whole => act(&state.tree),
        })
    }

    fn put(&self, path: &Path, bytes: &[u8], new: bool) -> io::Result<()> {
        self.operate(Kind::Grow, |state, how| {
            if matches!(how, How::Failed(Fault::ReadOnly)) {
                return Ok(());
            }
            let file = state.tree.create(path, new, state.now)?;
            let fits = state.budget.map_or(u64::MAX, |budget| budget.saturating_sub(state.tree.used()));
            let done = match how {
                How::Whole => bytes.len(),
                How::Cut | How::Failed(_) => state.random.below(bytes.len() as u64 + 1) as usize,
            };
            let done = done.min(usize::try_from(fits).unwrap_or(usize::MAX));
            state.tree.fill(file, &bytes[..done]);
            if done < bytes.len() { Err(Fault::Full.error()) } else { Ok(()) }
        })
    }
}

impl State {
    fn start(&mut self) {
        (self.stopped, self.stop_at) = (false, None);
    }

    /// The fault this operation meets.
    fn due(&self, kind: Kind) -> Option<Fault> {
        let (fault, from, lasting) = self.fault?;
        let now = self.operations == from || (lasting && self.operations > from);
        let touched = match fault {
            Fault::Io => true,
            Fault::Full => kind == Kind::Grow,
            Fault::ReadOnly => matches!(kind, Kind::Grow | Kind::Change),
        };
        (now && touched).then_some(fault)
    }
}

impl Fault {
    fn error(self) -> io::Error {
        let errno = match self {
            Self::Io => Errno::IO,
            Self::Full => Errno::NOSPC,
            Self::ReadOnly => Errno::ROFS,
        };
        errno.into()
    }
}

fn off() -> io::Error {
    io::Error::other("the simulated machine has stopped")
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let (operations, stopped) = (state.operations, state.stopped);
        f.debug_struct("SimDisk").field("operations", &operations).field("stopped", &stopped).finish()
    }
}

#[cfg(test)]
mod tests;
