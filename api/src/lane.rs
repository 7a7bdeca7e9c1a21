//! The threads that compute answers, apart from those that speak to clients.
//!
//! A computation that ignores that it was stopped cannot be killed, but it can be left behind: the
//! lane gets fresh threads and the old ones end when their work does.

use crate::error::Error;
use std::{
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

/// Stack of a thread: room for the planner's recursion over the longest admitted statement. Only
/// the pages that are used take memory.
const STACK_BYTES: usize = 32 << 20;
/// Threads that wait for the disk.
const DISK_THREADS: usize = 4;
/// How often threads are left behind before the process must be restarted instead.
const LEFT_BEHIND: usize = 8;

/// A set of threads that can be replaced.
#[derive(Debug)]
pub(crate) struct Lane {
    threads: usize,
    runtime: Mutex<Option<Runtime>>,
    left_behind: AtomicUsize,
}

impl Lane {
    /// Starts `threads` threads.
    pub(crate) fn new(threads: usize) -> Result<Self, Error> {
        let runtime = Mutex::new(Some(build(threads)?));
        Ok(Self { threads, runtime, left_behind: AtomicUsize::new(0) })
    }

    /// Starts a computation; `None` after the lane was closed.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        runtime.as_ref().map(|runtime| runtime.spawn(work))
    }

    /// Leaves the threads behind that do not come back; what else ran on them is stopped too.
    pub(crate) fn replace(&self) {
        if self.left_behind.fetch_add(1, Ordering::Relaxed) >= LEFT_BEHIND {
            tracing::error!(
                left_behind = LEFT_BEHIND,
                "a question does not stop and no more threads are left behind; restart the process"
            );
            return;
        }
        match build(self.threads) {
            Ok(fresh) => {
                tracing::warn!("a question did not stop in time; its threads were replaced");
                let stuck = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).replace(fresh);
                if let Some(stuck) = stuck {
                    stuck.shutdown_background();
                }
            }
            Err(error) => tracing::error!(%error, "the threads of a stuck question could not be replaced"),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            // Waiting here could block on a computation that does not stop.
            runtime.shutdown_background();
        }
    }
}

fn build(threads: usize) -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .max_blocking_threads(DISK_THREADS)
        .thread_name("question")
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|source| Error::System { attempt: "start the threads that compute answers", source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn threads_that_do_not_come_back_are_replaced() {
        let lane = Lane::new(1).expect("a thread");
        let (release, held) = sync_channel::<()>(1);
        let (say, heard) = sync_channel(2);
        let stuck = say.clone();
        lane.spawn(async move {
            stuck.send("stuck").expect("the test listens");
            // Blocks the thread as a computation does that never pauses.
            held.recv().expect("released at the end");
        });
        assert_eq!(heard.recv(), Ok("stuck"));
        lane.replace();
        lane.spawn(async move { say.send("fresh").expect("the test listens") });
        assert_eq!(heard.recv(), Ok("fresh"));
        release.send(()).expect("still held");
    }
}
