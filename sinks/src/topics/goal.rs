//! `manpasik.coaching.goal_progress` on [`COACHINGS`]: that a goal was reached, or missed when its period was over.
//!
//! Ids and withdrawals as on [`super::ANALYSES`]; the `progress_id` of a period stays the same however often it is revised.

use super::{
    COACHINGS,
    event::{self, Event, content_id, day, iso},
};
use eventlog::Draft;
use model::{EventId, GoalProgress, GoalState, Text};
use serde::Serialize;

const PROGRESS: &str = "manpasik.coaching.goal_progress";
const WITHDRAWN: &str = "manpasik.coaching.goal_progress.withdrawn";

/// What is told; the names are those of the table `goals`.
#[derive(Serialize)]
struct Said<'a> {
    progress_id: String,
    goal_id: String,
    kind: &'static str,
    biomarker: Option<&'a str>,
    period_start: String,
    period_end: String,
    ends_at: String,
    target: u16,
    done: u32,
    state: &'static str,
    since: String,
    template_version: &'a str,
    /// To be shown as it is.
    text: &'a Text,
}

/// What is said of a period that does not stand so any more.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    progress_id: String,
    goal_id: String,
}

/// The records for those of `goals`, which are consolidated and in order, that were reached or missed.
pub(super) fn drafts(goals: &[(GoalProgress, i64)], partitions: u32) -> Vec<Draft> {
    let told_of: Vec<_> = goals.iter().filter(|(goal, _)| goal.state != GoalState::Open).cloned().collect();
    event::drafts((COACHINGS, partitions), &told_of, id, told, withdrawn)
}

fn id(goal: &GoalProgress) -> EventId {
    let content = said(goal);
    content_id(COACHINGS, &content.progress_id, &content)
}

fn said(goal: &GoalProgress) -> Said<'_> {
    Said {
        progress_id: goal.id().to_string(),
        goal_id: goal.goal.to_string(),
        kind: goal.kind.name(),
        biomarker: goal.biomarker.as_deref(),
        period_start: day(goal.from),
        period_end: day(goal.until()),
        ends_at: iso(goal.ends_at),
        target: goal.target,
        done: goal.done,
        state: goal.state.name(),
        since: iso(goal.since),
        template_version: &goal.version,
        text: &goal.text,
    }
}

fn told(id: EventId, goal: &GoalProgress) -> Event<Said<'_>> {
    about(id, PROGRESS, goal, said(goal))
}

fn withdrawn(id: EventId, withdraws: String, goal: &GoalProgress) -> Event<Withdrawn> {
    let (progress_id, goal_id) = (goal.id().to_string(), goal.goal.to_string());
    about(id, WITHDRAWN, goal, Withdrawn { withdraws, progress_id, goal_id })
}

fn about<P>(id: EventId, kind: &str, goal: &GoalProgress, payload: P) -> Event<P> {
    Event {
        id,
        kind: kind.to_owned(),
        at: goal.since,
        user: goal.user,
        subject: goal.goal.to_string(),
        correlation: goal.id().to_string(),
        sequence: event::sortable(goal.since),
        payload,
    }
}
