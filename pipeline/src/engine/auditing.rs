//! Reads what is published, as consumers do, while the pipeline runs: what a log breaks its word about is said within
//! minutes, while a snapshot from before it is still kept.
//!
//! # Invariants
//! - It reads only what is committed after it began, and changes nothing.
//! - A log that does not answer is asked again at the next time; others say that it is away.

use crate::Error;
use api::Metrics;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde::Deserialize;
use sinks::Auditor;
use std::{sync::Arc, thread::JoinHandle, time::Duration};

/// How often a running pipeline looks at what it published.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditOptions {
    /// Seconds between two looks; 0 for none.
    pub every_s: u64,
}

/// The thread that looks; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Auditing {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Auditing {
    /// Begins with what is committed from now on: call it before anything is.
    pub(super) fn start(
        options: AuditOptions,
        log: eventlog::Shared,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Error> {
        if options.every_s == 0 {
            return Ok(Self { stop: None, thread: None });
        }
        let auditor = Auditor::from_now_on(&*log)?;
        let (stop, stopped) = bounded(0);
        let every = Duration::from_secs(options.every_s);
        let work = move || look(auditor, &log, &metrics, &stopped, every);
        let thread = std::thread::Builder::new().name("audit".into()).spawn(work);
        Ok(Self { stop: Some(stop), thread: Some(thread.expect("the system starts one more thread")) })
    }
}

impl Drop for Auditing {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It changes nothing: what it died of is printed, and no reason to end differently.
            thread.join().unwrap_or_default();
        }
    }
}

fn look(
    mut auditor: Auditor,
    log: &eventlog::Shared,
    metrics: &Metrics,
    stopped: &Receiver<()>,
    every: Duration,
) {
    let mut told = 0;
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        match auditor.look(&**log) {
            Ok(audit) => {
                metrics.audit_findings(audit.findings.len() as u64);
                if audit.findings.len() > told {
                    for finding in &audit.findings {
                        tracing::error!(
                            %finding,
                            "a topic is not as it was committed: stop, and run `manpasik audit --repair`"
                        );
                    }
                }
                told = audit.findings.len();
            }
            Err(error) => tracing::warn!(%error, "what is published could not be read; it is tried again"),
        }
    }
}
