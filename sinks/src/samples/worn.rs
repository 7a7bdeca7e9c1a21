//! Made rows of what sensors read and laboratories find.

use super::{HOUR, START, user};
use model::{
    Comparator, EventId, GlucoseEpisode, GlucoseReading, GlucoseSummary, GlucoseWindow, Input,
    LaboratoryResult, LaboratoryValue, Micros, Number, Origin, ResultId, Span, Wear, glucose::EpisodeEnd,
    time::DAY,
};

pub(crate) fn reading(n: u32) -> GlucoseReading {
    GlucoseReading {
        at: START + Micros::from(n) * HOUR,
        user: user(n),
        event: EventId::derive(&["reading", &n.to_string()]),
        glucose: Number::from(40 + n),
        comparator: n.is_multiple_of(2).then_some(Comparator::Below),
        origin: Origin { input: Input::Glucose, partition: 1, offset: n.into() },
    }
}

/// A day of so many readings, every other one sufficient.
pub(crate) fn worn(n: u32, readings: u32) -> GlucoseWindow {
    let number = Number::from(n);
    let summary = GlucoseSummary {
        mean: number,
        deviation: number,
        variation: number,
        gmi: number,
        below_54: number,
        below_70: number,
        in_range: number,
        above_180: number,
        above_250: number,
        gri: number,
        lbgi: number,
        hbgi: number,
    };
    GlucoseWindow {
        end: (19_675 + Micros::from(n)) * DAY,
        user: user(n),
        wear: if n.is_multiple_of(3) { Wear::Fortnight } else { Wear::Day },
        readings,
        slots: 288,
        summary: n.is_multiple_of(2).then_some(summary),
        span: Span { input: Input::Glucose, partition: 1, first: 2, last: 3 },
    }
}

/// An episode that lasts, or is over.
pub(crate) fn episode(n: u32, is_over: bool) -> GlucoseEpisode {
    let began = START + Micros::from(n) * HOUR;
    let end = EpisodeEnd { at: began + HOUR, lowest: Number::from(50), is_cut_off: n.is_multiple_of(2) };
    GlucoseEpisode { began, user: user(n), is_very_low: n.is_multiple_of(3), ended: is_over.then_some(end) }
}

/// A result, perhaps corrected.
pub(crate) fn laboratory(n: u32, revision: u32) -> LaboratoryResult {
    let released = START + Micros::from(n) * HOUR;
    LaboratoryResult {
        released,
        at: released + Micros::from(revision),
        user: user(n),
        result: ResultId::derive(&[&n.to_string()]),
        event: EventId::derive(&["laboratory", &n.to_string(), &revision.to_string()]),
        value: LaboratoryValue {
            code: if n.is_multiple_of(2) { "2524-7" } else { "2951-2" }.into(),
            value: Number::from(n + revision),
            unit: "mmol/L".into(),
        },
        revision,
        origin: Origin { input: Input::Laboratory, partition: 0, offset: (n + revision).into() },
    }
}
