//! Ends the process when something that must not hang hangs.
//!
//! A commit that never answers and an epoch that never finishes look like a quiet day from outside. What is
//! durable is found again by the next start, so the process that hangs is the worse of the two.
//!
//! # Invariants
//! - A watch costs two stores where it is used; the thread that looks never takes a lock.

use std::{
    io::Write,
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How often the thread looks.
const GLANCE: Duration = Duration::from_millis(250);
/// Exit code of a process that ended itself, for supervisors: `EX_SOFTWARE` of sysexits.h.
pub const EXIT: i32 = 70;

/// Something that must end within a time; clones watch the same thing.
#[derive(Clone, Debug)]
pub struct Watch {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    what: &'static str,
    limit: Duration,
    origin: Instant,
    /// When it began, in milliseconds since `origin` and one more; 0 while nothing is under way.
    begun: AtomicU64,
}

/// What is under way; dropped when it ends.
#[derive(Debug)]
pub struct Busy<'a>(&'a Inner);

impl Watch {
    /// Watches over `what` from now on: once it is [`Watch::busy`] for longer than `limit`, the process ends.
    pub fn over(what: &'static str, limit: Duration) -> Self {
        let inner = Inner { what, limit, origin: Instant::now(), begun: AtomicU64::new(0) };
        let inner = Arc::new(inner);
        let watched = Arc::downgrade(&inner);
        let look = move || {
            while let Some(inner) = watched.upgrade() {
                if let Some(took) = inner.exceeded() {
                    let what = inner.what;
                    tracing::error!(
                        what,
                        seconds = took.as_secs(),
                        "it hangs; the process ends, start it again"
                    );
                    let text =
                        format!("manpasik: {what} hangs for {} s; the process ends itself", took.as_secs());
                    writeln!(std::io::stderr().lock(), "{text}, start it again: nothing is lost")
                        .unwrap_or_default();
                    process::exit(EXIT);
                }
                drop(inner);
                thread::sleep(GLANCE);
            }
        };
        let started = thread::Builder::new().name("watchdog".into()).spawn(look);
        started.expect("the system starts one more thread");
        Self { inner }
    }

    /// What is under way, if anything is, did something: it may take the whole time once more.
    pub fn again(&self) {
        let now = self.inner.origin.elapsed().as_millis() as u64 + 1;
        let anew = |begun| (begun != 0).then_some(now);
        // Nothing under way stays nothing.
        self.inner.begun.fetch_update(Ordering::Relaxed, Ordering::Relaxed, anew).unwrap_or_default();
    }

    /// It begins; it ends when what this gives is dropped.
    pub fn busy(&self) -> Busy<'_> {
        let begun = self.inner.origin.elapsed().as_millis() as u64 + 1;
        self.inner.begun.store(begun, Ordering::Relaxed);
        Busy(&self.inner)
    }
}

impl Inner {
    /// How long it has been under way, if that is too long.
    fn exceeded(&self) -> Option<Duration> {
        let begun = self.begun.load(Ordering::Relaxed).checked_sub(1)?;
        let took = self.origin.elapsed().saturating_sub(Duration::from_millis(begun));
        (took > self.limit).then_some(took)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.begun.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Inner, Watch};
    use std::{
        sync::atomic::AtomicU64,
        time::{Duration, Instant},
    };

    #[test]
    fn only_what_is_under_way_for_too_long_is_found() {
        let inner = |begun| Inner {
            what: "a test",
            limit: Duration::from_secs(5),
            origin: Instant::now().checked_sub(Duration::from_secs(10)).expect("the machine is up for 10 s"),
            begun: AtomicU64::new(begun),
        };
        assert_eq!(inner(0).exceeded(), None, "nothing is under way");
        assert!(inner(1).exceeded().is_some_and(|took| took >= Duration::from_secs(9)));
        assert_eq!(inner(9_001).exceeded(), None, "it began a second ago");
    }

    #[test]
    fn what_ended_is_not_under_way() {
        let watch = Watch::over("a test", Duration::from_hours(1));
        let busy = watch.busy();
        assert_ne!(watch.inner.begun.load(std::sync::atomic::Ordering::Relaxed), 0);
        watch.inner.begun.store(1, std::sync::atomic::Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(2));
        watch.again();
        assert!(watch.inner.begun.load(std::sync::atomic::Ordering::Relaxed) > 1, "it began anew");
        drop(busy);
        watch.again();
        assert_eq!(watch.inner.begun.load(std::sync::atomic::Ordering::Relaxed), 0);
    }
}
