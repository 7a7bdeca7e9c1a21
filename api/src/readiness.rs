//! Whether the program is ready, told by the pipeline and read by every probe.

use tokio::sync::watch;

/// What the program is doing as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not ready yet.
    Starting {
        /// What it is at, for people: `replaying the log, 40 %`. Never holds data.
        detail: String,
    },
    /// Serving.
    Ready,
    /// Serving, and further behind than it should be: a question that would have to wait is refused.
    Overloaded,
    /// Serving what was committed while nothing new is: the log is away, or the disk is full.
    Stale {
        /// Why, and what to do. Never holds data.
        reason: String,
    },
    /// Stopping: answers what is under way, takes nothing new into the pipeline.
    Draining,
    /// The pipeline has stopped by an error; what was committed can still be read.
    Failed {
        /// Why, and what to do. Never holds data.
        reason: String,
    },
}

impl State {
    /// Whether questions are answered: with what is new, or with what was.
    pub const fn is_serving(&self) -> bool {
        matches!(self, Self::Ready | Self::Overloaded | Self::Stale { .. })
    }

    /// One word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Starting { .. } => "starting",
            Self::Ready => "ready",
            Self::Overloaded => "overloaded",
            Self::Stale { .. } => "stale",
            Self::Draining => "draining",
            Self::Failed { .. } => "failed",
        }
    }

    /// What it is at, or why it failed.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Starting { detail } => Some(detail),
            Self::Stale { reason } | Self::Failed { reason } => Some(reason),
            Self::Ready | Self::Overloaded | Self::Draining => None,
        }
    }
}

/// The place where the state is kept: the pipeline sets it, probes look at it.
#[derive(Debug)]
pub struct Readiness {
    state: watch::Sender<State>,
}

impl Readiness {
    /// Starts with the given state.
    pub fn new(state: State) -> Self {
        Self { state: watch::Sender::new(state) }
    }

    /// Replaces the state; probes see it at once.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// What is ready is overloaded from now on, or not any more; any other state stays.
    pub fn set_overloaded(&self, overloaded: bool) {
        let (mut from, mut to) = (State::Ready, State::Overloaded);
        if !overloaded {
            std::mem::swap(&mut from, &mut to);
        }
        self.state.send_if_modified(|state| {
            let changes = *state == from;
            if changes {
                *state = to;
            }
            changes
        });
    }

    /// The state now.
    pub fn get(&self) -> State {
        self.state.borrow().clone()
    }

    /// Follows every change.
    pub(crate) fn follow(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}
