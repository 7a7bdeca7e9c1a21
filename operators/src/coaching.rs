//! Tells a person what their result means and what to do next, from templates. Not a diagnosis.
//!
//! # Invariants
//! - A result is told of if any rule claims a class for it, or if the person can do something about why none does.
//! - The words come from a template as they stand in it: no number is put in, none stands in one (test).
//! - What is most urgent comes first; the same thing is not said twice.
//! - The trend compares with the result before it in event time, by the same rule, however results came.
//!
//! # Retractions
//! Follow the analysis, and a result that comes late between two others.
//!
//! # Bound
//! The results of 30 horizons, without their words; the latest level of each rule of a person, who is never forgotten.

mod template;

pub use template::Templates;

use crate::{
    Collection,
    session::UNENDED,
    state::Memory,
    timeline::{Fold, FoldTimeline},
};
use model::{
    About, Analysis, Coaching, Judged, Message, Micros, Risk, SessionId, Span, Text, Trend, UserId, analysis,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What each person is told of each measurement.
pub fn coachings<'scope>(
    analyses: Collection<'scope, Analysis>,
    memory: &Memory<'scope>,
) -> Collection<'scope, Coaching> {
    let templates = Templates::shipped();
    let outlines = analyses.flat_map(|analysis| {
        let outline = Outline::of(&analysis, templates)?;
        Some((outline.user, outline, analysis.at))
    });
    let outlines = outlines.fold_timeline("coachings", |user: &UserId| user.route(), Trends, memory);
    outlines.map(|(outline, _heard)| outline.in_words(templates))
}

/// What is told of a measurement, before it is put into words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Outline {
    // First, so that they are ordered by time.
    at: Micros,
    session: SessionId,
    user: UserId,
    revision: u32,
    biomarker: Option<String>,
    level: Option<Risk>,
    needs_retest: bool,
    /// At least one, the most urgent first; without trends until [`Trends`] knows them.
    points: Vec<(About, Option<Trend>)>,
    packets: Span,
}

impl Outline {
    /// `None` where nothing can be told.
    fn of(analysis: &Analysis, templates: &Templates) -> Option<Self> {
        let mut points: Vec<_> = classes(analysis).map(|about| (about, None)).collect();
        // The order of rules decides between two of one level.
        points.sort_by_key(|(about, _)| match about {
            About::Class { level, .. } => std::cmp::Reverse(Some(*level)),
            About::Silence(_) => std::cmp::Reverse(None),
        });
        let silences = silences(analysis).into_iter().filter(|code| templates.silence(code).is_some());
        points.extend(silences.map(|code| (About::Silence(code.to_owned()), None)));
        let Analysis { at, session, user, revision, packets, .. } = *analysis;
        let (biomarker, level) = (analysis.biomarker.clone(), analysis.level());
        let needs_retest = analysis.needs_retest();
        let outline = Self { at, session, user, revision, biomarker, level, needs_retest, points, packets };
        (!outline.points.is_empty()).then_some(outline)
    }

    fn in_words(self, templates: &Templates) -> Coaching {
        let Self { at, session, user, revision, biomarker, level, needs_retest, points, packets } = self;
        let messages = points.into_iter().map(|(about, trend)| {
            let text = match &about {
                About::Class { rule, class, .. } => {
                    let compared = trend.and_then(|trend| templates.trend(trend));
                    Text::joined([templates.advice(rule, class)].into_iter().chain(compared))
                }
                About::Silence(code) => templates.silence(code).cloned().unwrap_or_default(),
            };
            Message { about, trend, text }
        });
        Coaching {
            at,
            session,
            user,
            revision,
            biomarker,
            level,
            needs_retest,
            messages: messages.collect(),
            not_a_diagnosis: templates.not_a_diagnosis().clone(),
            version: templates.version().to_owned(),
            packets,
        }
    }
}

/// The classes that rules claim.
fn classes(analysis: &Analysis) -> impl Iterator<Item = About> {
    analysis.judged.iter().filter_map(|Judged { rule, level, .. }| {
        let (class, level) = (rule.claim.as_ref()?.class.clone(), (*level)?);
        Some(About::Class { rule: rule.id.clone(), class, level })
    })
}

/// Why rules claim nothing, each reason once, in order; where one claims something, only that it must be measured again.
fn silences(analysis: &Analysis) -> BTreeSet<&str> {
    let of_rules = analysis.judged.iter().filter_map(|judged| judged.silence.as_deref());
    let silences = of_rules.chain(analysis.unasked.as_deref()).collect();
    match (analysis.level(), analysis.needs_retest()) {
        (None, _) => silences,
        (Some(_), true) => [analysis::UNSURE].into(),
        (Some(_), false) => BTreeSet::new(),
    }
}

/// The latest level by each rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Before {
    levels: BTreeMap<String, (Micros, Risk)>,
}

impl Before {
    /// How `level` at `at` compares; none where a later one is known.
    fn compare(&mut self, rule: &str, at: Micros, level: Risk) -> Option<Trend> {
        let trend = match self.levels.get(rule) {
            Some((latest, _)) if *latest > at => return None,
            None => Trend::First,
            Some((_, before)) if level < *before => Trend::Better,
            Some((_, before)) if level > *before => Trend::Worse,
            Some(_) => Trend::Same,
        };
        self.levels.insert(rule.to_owned(), (at, level));
        Some(trend)
    }
}

/// Compares results of a person with those before.
#[derive(Clone)]
struct Trends;

impl Fold for Trends {
    type Fact = Outline;
    type State = Before;
    type Output = Outline;

    const VERSION: u32 = 1;
    /// An analysis can be revised for so long.
    const HORIZONS: i64 = UNENDED;

    fn step(&self, before: &mut Before, outline: &Outline) -> Option<Outline> {
        let mut outline = outline.clone();
        for (about, trend) in &mut outline.points {
            if let About::Class { rule, level, .. } = about {
                *trend = before.compare(rule, outline.at, *level);
            }
        }
        Some(outline)
    }

    fn at(outline: &Outline) -> Micros {
        outline.at
    }

    fn may_go(&self, before: &Before) -> bool {
        before.levels.is_empty()
    }
}

#[cfg(test)]
mod tests;
