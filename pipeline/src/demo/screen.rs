//! What a person sees while the demo runs: progress, the proof line, alerts as they rise, what to try.
//!
//! Everything but the report goes to standard error, and the bars hide themselves where that is no
//! terminal. Alerts are read from their topic, as any consumer would.

use super::{Options, replayer::Progress};
use crate::{Error, account::Account, service::Service};
use eventlog::{Budget, Reader, TopicPartition};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sources::replay::Recordings;
use std::{io::Write, net::SocketAddr, sync::Arc, time::Duration};

/// The screen.
pub(super) struct Screen {
    bars: MultiProgress,
    replay: ProgressBar,
    commit: ProgressBar,
    proof: ProgressBar,
    account: Arc<Account>,
    alerts: Option<Box<dyn Reader>>,
    log: eventlog::Shared,
    quiet: bool,
}

impl Screen {
    pub(super) fn open(service: &Service, options: &Options, recordings: &Recordings) -> Self {
        let bars = MultiProgress::new();
        let style = "{prefix:>9} [{bar:40}] {human_pos} of {human_len} records";
        let style =
            ProgressStyle::with_template(style).expect("the template is a constant").progress_chars("=> ");
        let bar =
            |name: &'static str| bars.add(ProgressBar::new(0).with_style(style.clone()).with_prefix(name));
        let (replay, commit) = (bar("replayed"), bar("committed"));
        let line = ProgressStyle::with_template("{msg}").expect("the template is a constant");
        let proof = bars.add(ProgressBar::new(0).with_style(line));
        if !options.json {
            let door = service.address();
            let count = recordings.len();
            note(&bars, &format!("replaying {count} recordings; SQL, gRPC and HTTP at {door}"));
        }
        let (account, log) = (Arc::clone(&service.shared().account), Arc::clone(&service.shared().log));
        Self { bars, replay, commit, proof, account, alerts: None, log, quiet: options.json }
    }

    pub(super) fn refresh(&mut self, progress: Progress) -> Result<(), Error> {
        let counts = self.account.counts();
        for (bar, position) in [(&self.replay, progress.written), (&self.commit, counts.records)] {
            bar.set_length(progress.total);
            bar.set_position(position);
        }
        let tally = counts.tally;
        self.proof.set_message(format!(
            "       in {} · out {} · lost {} · duplicate {} · dead {} · p99 {:.0} ms",
            tally.packets,
            counts.used(),
            tally.lost,
            tally.duplicates,
            counts.dead_letters,
            self.account.p99().as_secs_f64() * 1e3,
        ));
        if !self.quiet {
            self.show_alerts()?;
        }
        Ok(())
    }

    /// Shows the alerts that came since the last look; those of earlier runs are not news.
    fn show_alerts(&mut self) -> Result<(), Error> {
        let Some(reader) = &mut self.alerts else {
            self.alerts = follow(&self.log)?;
            return Ok(());
        };
        let mut records = Vec::new();
        reader.poll(Budget { records: 100, bytes: 1 << 20 }, Duration::ZERO, &mut records)?;
        for record in records {
            if let Some(line) = describe(&record.value) {
                note(&self.bars, &line);
            }
        }
        Ok(())
    }

    /// Says that the recordings ended and what to do next.
    pub(super) fn replayed(&self, door: SocketAddr) {
        if self.quiet {
            return;
        }
        self.replay.finish();
        self.commit.finish();
        note(
            &self.bars,
            &format!("all recordings are committed; try, in another terminal:\n{}", what_next(door)),
        );
    }

    pub(super) fn close(&self) {
        self.proof.finish();
    }
}

/// A reader at the end of the topic of alerts, once that exists.
fn follow(log: &eventlog::Shared) -> Result<Option<Box<dyn Reader>>, Error> {
    let topic = sinks::topics::ALERTS;
    let Ok(partitions) = log.partitions(topic) else { return Ok(None) };
    let mut ends = Vec::new();
    for partition in 0..partitions {
        let place = TopicPartition::new(topic, partition);
        let end = log.range(&place)?.end;
        ends.push((place, end));
    }
    let mut reader = log.reader()?;
    reader.assign(&ends)?;
    Ok(Some(reader))
}

/// One line about a change of an alert.
fn describe(event: &[u8]) -> Option<String> {
    let event: serde_json::Value = serde_json::from_slice(event).ok()?;
    let payload = event.get("payload")?;
    let text = |key: &str| payload.get(key).and_then(serde_json::Value::as_str);
    let user = event.get("user_id").and_then(serde_json::Value::as_str).unwrap_or("?");
    let (kind, level, rule) = (text("kind")?, text("level").unwrap_or(""), text("rule").unwrap_or(""));
    let at = event.get("timestamp").and_then(serde_json::Value::as_str).unwrap_or("");
    Some(format!("{at}  alert {kind:<9} {level:<8} {rule:<18} user {user}"))
}

fn what_next(door: SocketAddr) -> String {
    let command = format!("manpasik --listen {door}");
    [
        format!("  {command} sql \"SELECT level, rule, state, onset, findings FROM alerts ORDER BY onset\""),
        format!(
            "  {command} sql \"SELECT session_id, avg(hr_bpm), count(*) FROM windows WHERE good GROUP BY 1\""
        ),
        format!("  {command} status"),
        format!("  curl http://{door}/metrics"),
        "Ctrl-C ends the demo; the data stays (--reset starts over)".to_owned(),
    ]
    .join("\n")
}

/// A line above the bars; without a terminal, on standard error.
fn note(bars: &MultiProgress, line: &str) {
    if bars.is_hidden() {
        let mut out = std::io::stderr().lock();
        // Nobody reads it: nothing to do about it.
        writeln!(out, "{line}").unwrap_or_default();
    } else {
        bars.println(line).unwrap_or_default();
    }
}

/// A line on standard output.
pub(super) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{line}").unwrap_or_default();
}
