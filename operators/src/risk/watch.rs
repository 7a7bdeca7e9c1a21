//! Turns a severity that goes up and down into an alert that is raised, escalated and cleared.
//!
//! A level counts once it was held: for a span of time, or for a number of observations in a row.
//! An alert clears once its cause, widened by a hysteresis, was gone for `clear_after`. One alert
//! at a time.
//!
//! # Invariants
//! - No two alerts have the same onset: what was cleared is never raised again, so that who was told that it is over may
//!   forget it. What is held on when a rule or a value changes is the cause of another alert from then on.

use model::{ChangeKind, Level, Micros, Span};
use serde::{Deserialize, Serialize};

/// When an alert is raised and cleared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// A level is held when it was seen for so many seconds without a break …
    pub raise_after_seconds: u32,
    /// … or in so many observations in a row, whichever is first.
    pub raise_after_observations: u32,
    /// An alert clears when its cause was gone for so many seconds.
    pub clear_after_seconds: u32,
}

/// What one observation says, before any holding.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// When.
    pub at: Micros,
    /// Highest level whose limit is reached.
    pub severity: Option<Level>,
    /// Whether the limit, widened by the hysteresis, is still reached.
    pub sustained: bool,
    /// The record behind it.
    pub span: Span,
}

/// What is remembered between two observations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Per level, since when and in how many observations it was reached without a break.
    runs: [Option<Run>; 3],
    open: Option<Open>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    since: Micros,
    observations: u32,
    spans: Vec<Span>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Open {
    onset: Micros,
    level: Level,
    gone_since: Option<Micros>,
    spans: Vec<Span>,
}

/// A change, with the stretch of observations that justifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// Level from now on; of a cleared alert, the highest it had.
    pub level: Level,
    /// When the cause began; of an alert in the place of one that a rule or a value that changed cleared, then, and a
    /// microsecond after the onset of that one where it began at this very moment.
    pub onset: Micros,
    /// From when the finding held.
    pub since: Micros,
    /// The records of that stretch.
    pub spans: Vec<Span>,
}

const LEVELS: [Level; 3] = [Level::Moderate, Level::High, Level::Critical];

impl State {
    /// Takes the next observation; `cleared` is what [`Self::amend`] or [`Self::correct`] gave for it.
    pub fn observe(
        &mut self,
        options: &Options,
        seen: Observation,
        cleared: Option<&Change>,
    ) -> Option<Change> {
        let mut held = None;
        for (run, level) in self.runs.iter_mut().zip(LEVELS) {
            if seen.severity < Some(level) {
                *run = None;
                continue;
            }
            let run = run.get_or_insert_with(|| Run { since: seen.at, observations: 0, spans: Vec::new() });
            run.observations += 1;
            extend(&mut run.spans, seen.span);
            let long = seen.at - run.since >= seconds(options.raise_after_seconds);
            if long || run.observations >= options.raise_after_observations {
                held = Some(level);
            }
        }
        match (&mut self.open, held) {
            (None, Some(level)) => {
                let earliest = cleared.map_or(Micros::MIN, |cleared| seen.at.max(cleared.onset + 1));
                let (onset, (since, spans)) = (self.run(Level::Moderate).0.max(earliest), self.run(level));
                self.open = Some(Open { onset, level, gone_since: None, spans: Vec::new() });
                Some(Change { kind: ChangeKind::Raised, level, onset, since, spans })
            }
            (Some(open), Some(level)) if level > open.level => {
                let onset = open.onset;
                self.open = Some(Open { onset, level, gone_since: None, spans: Vec::new() });
                let (since, spans) = self.run(level);
                Some(Change { kind: ChangeKind::Escalated, level, onset, since, spans })
            }
            (Some(open), _) if seen.sustained => {
                open.gone_since = None;
                open.spans.clear();
                None
            }
            (Some(open), _) => {
                let since = *open.gone_since.get_or_insert(seen.at);
                extend(&mut open.spans, seen.span);
                if seen.at - since < seconds(options.clear_after_seconds) {
                    return None;
                }
                let Open { onset, level, spans, .. } = self.open.take().expect("it is open in this arm");
                Some(Change { kind: ChangeKind::Cleared, level, onset, since, spans })
            }
            (None, None) => None,
        }
    }

    /// Takes what is said by a rule that changed: what was found by its former limits is no evidence.
    ///
    /// An alert stands if its level is reached. If it is not, the alert is cleared at once: holding guards against a value
    /// that comes and goes, and the value did not change. `seen` has still to be observed.
    pub fn amend(&mut self, seen: Observation) -> Option<Change> {
        if let Some(Open { level, .. }) = self.open
            && seen.severity >= Some(level)
        {
            let above = self.runs.iter_mut().zip(LEVELS).filter(|(_, of)| *of > level);
            above.for_each(|(run, _)| *run = None);
            return None;
        }
        let Open { onset, level, .. } = std::mem::take(self).open?;
        let kind = ChangeKind::Cleared;
        Some(Change { kind, level, onset, since: seen.at, spans: vec![seen.span] })
    }

    /// Takes what is said once a value was corrected: an alert of a level that is not reached is cleared at once, as it was not
    /// what it seemed. What is being held goes on being held. `seen` has still to be observed.
    pub fn correct(&mut self, seen: Observation) -> Option<Change> {
        let Open { onset, level, .. } =
            *self.open.as_ref().filter(|open| seen.severity < Some(open.level))?;
        self.open = None;
        let kind = ChangeKind::Cleared;
        Some(Change { kind, level, onset, since: seen.at, spans: vec![seen.span] })
    }

    /// The open alert at its level, if that level is held at `at`, when the newest observation was taken.
    pub fn again(&self, options: &Options, at: Micros) -> Option<Change> {
        let open = self.open.as_ref()?;
        let place = LEVELS.iter().position(|known| *known == open.level)?;
        let Run { since, observations, spans } = self.runs[place].as_ref()?;
        let long = at - since >= seconds(options.raise_after_seconds);
        (long || *observations >= options.raise_after_observations).then(|| Change {
            kind: ChangeKind::Repeated,
            level: open.level,
            onset: open.onset,
            since: *since,
            spans: spans.clone(),
        })
    }

    /// Whether an alert is open.
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether no alert is open and no level is being held: as before the first observation.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }

    /// Since when a level is held, and by which records.
    fn run(&self, level: Level) -> (Micros, Vec<Span>) {
        let place = LEVELS.iter().position(|known| *known == level).expect("every level is listed");
        let run = self.runs[place].as_ref().expect("a held level, and every level below it, has a run");
        (run.since, run.spans.clone())
    }
}

fn seconds(seconds: u32) -> Micros {
    Micros::from(seconds) * model::time::SECOND
}

/// Adds a record to the spans, one span per partition.
pub(super) fn extend(spans: &mut Vec<Span>, span: Span) {
    for known in spans.iter_mut() {
        if let Some(union) = known.union(span) {
            *known = union;
            return;
        }
    }
    spans.push(span);
    spans.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::{Change, Observation, Options, State};
    use model::{ChangeKind, Input, Level, Span};

    const OPTIONS: Options =
        Options { raise_after_seconds: 60, raise_after_observations: u32::MAX, clear_after_seconds: 600 };

    /// Observations one second apart; `+` sustained only, `.` gone, digits a level from 1.
    fn run(options: &Options, plot: impl Iterator<Item = char>) -> Vec<(i64, Change)> {
        let mut state = State::default();
        plot.enumerate()
            .filter_map(|(second, mark)| {
                let severity = match mark {
                    '1' => Some(Level::Moderate),
                    '2' => Some(Level::High),
                    '3' => Some(Level::Critical),
                    _ => None,
                };
                let span =
                    Span { input: Input::Vitals, partition: 0, first: second as u64, last: second as u64 };
                let at = second as i64 * 1_000_000;
                let seen = Observation { at, severity, sustained: mark != '.', span };
                state.observe(options, seen, None).map(|change| (second as i64, change))
            })
            .collect()
    }

    fn plot(parts: &[(char, usize)]) -> impl Iterator<Item = char> + use<> {
        let parts = parts.to_vec();
        parts.into_iter().flat_map(|(mark, times)| std::iter::repeat_n(mark, times))
    }

    #[test]
    fn a_level_must_hold_for_its_time_without_a_break() {
        assert!(run(&OPTIONS, plot(&[('1', 60), ('.', 1), ('1', 60)])).is_empty());
        let changes = run(&OPTIONS, plot(&[('.', 5), ('1', 61)]));
        assert_eq!(changes.len(), 1);
        let (at, change) = &changes[0];
        assert_eq!((*at, change.kind, change.level), (65, ChangeKind::Raised, Level::Moderate));
        assert_eq!((change.onset, change.since), (5_000_000, 5_000_000));
        assert_eq!((change.spans[0].first, change.spans[0].last), (5, 65));
    }

    #[test]
    fn two_observations_in_a_row_are_enough_where_the_rule_says_so() {
        let options = Options { raise_after_observations: 2, ..OPTIONS };
        assert!(run(&options, "1.1.1".chars()).is_empty());
        assert_eq!(run(&options, ".11".chars()).len(), 1);
    }

    #[test]
    fn a_higher_level_escalates_the_same_alert_once() {
        let changes = run(&OPTIONS, plot(&[('1', 70), ('3', 200), ('1', 10), ('3', 200)]));
        let kinds: Vec<_> = changes.iter().map(|(_, change)| (change.kind, change.level)).collect();
        assert_eq!(kinds, [(ChangeKind::Raised, Level::Moderate), (ChangeKind::Escalated, Level::Critical)]);
        assert_eq!(changes[1].1.onset, 0);
    }

    #[test]
    fn it_clears_only_after_the_whole_hold_and_the_hysteresis_keeps_it_open() {
        assert_eq!(run(&OPTIONS, plot(&[('1', 61), ('.', 600)])).len(), 1);
        assert_eq!(run(&OPTIONS, plot(&[('1', 61), ('.', 300), ('+', 1), ('.', 600)])).len(), 1);
        let changes = run(&OPTIONS, plot(&[('1', 61), ('.', 601), ('1', 61)]));
        let kinds: Vec<_> = changes.iter().map(|(_, change)| change.kind).collect();
        assert_eq!(kinds, [ChangeKind::Raised, ChangeKind::Cleared, ChangeKind::Raised]);
        assert_ne!(changes[0].1.onset, changes[2].1.onset);
    }
}
