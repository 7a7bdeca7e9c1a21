//! Follows each person's episodes of low glucose ([`dsp::glucose::Episodes`]), in the order in which readings were taken.
//!
//! # Invariants
//! - One row per episode: that it lasts, and once it is over, how it was. The end takes back that it lasts.
//!
//! # Why forgetting does not show
//! The first reading after a gap of more than 45 minutes ends what was begun, so that a person of whom no episode lasts may go
//! after it. One of whom an episode lasts stays for it: what they are known by is a few numbers.

use crate::{
    Collection,
    state::Memory,
    timeline::{Fold, FoldTimeline},
};
use differential_dataflow::AsCollection;
use dsp::glucose::{self, Change, Depth, GAP_MS};
use model::{GlucoseEpisode, GlucoseReading, Micros, Number, UserId, glucose::EpisodeEnd};
use serde::{Deserialize, Serialize};
use timely::dataflow::operators::vec::Map;

const MS: Micros = 1_000;

/// Episodes as they stand.
pub fn episodes<'scope>(
    readings: Collection<'scope, GlucoseReading>,
    memory: &Memory<'scope>,
) -> Collection<'scope, GlucoseEpisode> {
    let low = readings.map(|reading| {
        let GlucoseReading { at, user, glucose, .. } = reading;
        (user, Low { at, glucose, user }, at)
    });
    let told = low.fold_timeline("glucose episodes", |user| user.route(), Follow, memory);
    let rows = told.inner.flat_map(|((told, _heard), epoch, diff)| {
        told.into_iter().flat_map(move |episode| {
            let lasted = episode.ended.map(|_| GlucoseEpisode { ended: None, ..episode.clone() });
            let ended = lasted.map(|lasted| (lasted, epoch, -diff));
            [Some((episode, epoch, diff)), ended].into_iter().flatten()
        })
    });
    rows.as_collection()
}

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Low {
    // Of two of one moment the lower comes first, and counts.
    at: Micros,
    glucose: Number,
    user: UserId,
}

/// Where a person stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    last_ms: Option<i64>,
    /// Below 70, and below 54 mg/dL.
    courses: [Course; 2],
}

/// Where one depth stands, as [`glucose::Course`] has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Course {
    since_ms: Option<i64>,
    open: bool,
    lowest: Option<Number>,
    recovering_ms: Option<i64>,
}

impl State {
    fn follower(&self) -> glucose::Episodes {
        let mut follower = glucose::Episodes { last_ms: self.last_ms, ..glucose::Episodes::new() };
        for (follows, course) in follower.courses.iter_mut().zip(self.courses) {
            let Course { since_ms, open, lowest, recovering_ms } = course;
            let lowest = lowest.map_or(follows.lowest, Number::get);
            *follows = glucose::Course { since_ms, open, lowest, recovering_ms, depth: follows.depth };
        }
        follower
    }

    fn of(follower: &glucose::Episodes) -> Self {
        let course = |course: glucose::Course| {
            let glucose::Course { since_ms, open, lowest, recovering_ms, depth: _ } = course;
            // Before the first low reading there is none.
            let lowest = since_ms.and_then(|_| Number::finite(lowest));
            Course { since_ms, open, lowest, recovering_ms }
        };
        Self { last_ms: follower.last_ms, courses: follower.courses.map(course) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Follow;

impl Fold for Follow {
    type Fact = Low;
    type State = State;
    type Output = Vec<GlucoseEpisode>;

    const VERSION: u32 = 1;

    fn step(&self, state: &mut State, low: &Low) -> Option<Vec<GlucoseEpisode>> {
        let mut follower = state.follower();
        let reading = glucose::Reading { time_ms: low.at.div_euclid(MS), glucose: low.glucose.get() };
        let changes = follower.take(reading);
        *state = State::of(&follower);
        let told: Vec<_> = changes.into_iter().flatten().map(|change| episode(low.user, change)).collect();
        (!told.is_empty()).then_some(told)
    }

    fn at(low: &Low) -> Micros {
        low.at
    }

    fn memory(&self, _horizon: Micros) -> Micros {
        GAP_MS * MS
    }

    fn may_go(&self, state: &State) -> bool {
        state.courses.iter().all(|course| !course.open)
    }
}

/// The episode that began, or is over.
fn episode(user: UserId, change: Change) -> GlucoseEpisode {
    let of = |depth, since_ms: i64, ended| {
        let (began, is_very_low) = (since_ms.saturating_mul(MS), depth == Depth::VeryLow);
        GlucoseEpisode { began, user, is_very_low, ended }
    };
    match change {
        Change::Began { depth, since_ms } => of(depth, since_ms, None),
        Change::Ended { depth, since_ms, until_ms, lowest, cut_off } => {
            let lowest = Number::finite(lowest).expect("a reading is finite");
            let end = EpisodeEnd { at: until_ms.saturating_mul(MS), lowest, is_cut_off: cut_off };
            of(depth, since_ms, Some(end))
        }
    }
}
