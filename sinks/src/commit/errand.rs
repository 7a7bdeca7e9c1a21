//! What the lake asks of the disk, done beside the commits: the commit path never waits for it.
//!
//! # Invariants
//! - One errand at a time; its answer is heard by the thread that commits, between two epochs.
//! - An errand changes nothing in memory. Whoever is dropped leaves it to itself: what it still does is named by a
//!   committed binding, or an orphan.

use crate::{
    Error,
    lake::{Prepared, Swept},
};
use std::{fmt, panic::resume_unwind, thread::JoinHandle};

/// Who runs the errands of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// A thread of its own.
    Thread,
    /// The thread that commits, which looks for the answer in vain so many times: where a run has to be repeated to
    /// the last step.
    Own(u32),
}

/// What became of an errand.
#[derive(Debug)]
pub(super) enum Answer {
    /// PREPARE.
    Prepared(Result<Prepared, Error>),
    /// PUBLISH.
    Published(Result<(), Error>),
    /// Garbage was collected.
    Swept(Result<Swept, Error>),
}

/// The errand under way, if there is one.
pub(super) struct Errands {
    hand: Hand,
    under_way: Option<UnderWay>,
}

enum UnderWay {
    Thread(JoinHandle<Answer>),
    Done(Box<Answer>, u32),
}

impl Errands {
    pub(super) const fn new(hand: Hand) -> Self {
        Self { hand, under_way: None }
    }

    pub(super) const fn is_idle(&self) -> bool {
        self.under_way.is_none()
    }

    /// Begins one; nothing else may be under way.
    pub(super) fn begin(&mut self, work: impl FnOnce() -> Answer + Send + 'static) {
        debug_assert!(self.is_idle(), "one errand at a time");
        self.under_way = Some(match self.hand {
            Hand::Thread => {
                let thread = std::thread::Builder::new().name("lake".into()).spawn(work);
                UnderWay::Thread(thread.expect("the system starts one more thread"))
            }
            Hand::Own(looks) => UnderWay::Done(Box::new(work()), looks),
        });
    }

    /// The answer, if it is there.
    pub(super) fn look(&mut self) -> Option<Answer> {
        match self.under_way.as_mut()? {
            UnderWay::Thread(thread) if !thread.is_finished() => None,
            UnderWay::Done(_, looks) if *looks > 0 => {
                *looks -= 1;
                None
            }
            _ => self.wait(),
        }
    }

    /// The answer, waited for.
    pub(super) fn wait(&mut self) -> Option<Answer> {
        Some(match self.under_way.take()? {
            UnderWay::Thread(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            UnderWay::Done(answer, _) => *answer,
        })
    }
}

impl fmt::Debug for Errands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errands({:?}, idle: {})", self.hand, self.is_idle())
    }
}
