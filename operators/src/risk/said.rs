//! What is said of a person, whoever says it: vital signs, continuous glucose, results of cartridges and laboratories, their
//! profile.
//!
//! # Invariants
//! - A kind of cartridge or a unit that is not understood says nothing: no value is guessed, none is converted.
//! - What is hardly surer than a guess says nothing either: it would stand in place of a sure value.
//! - Values that were observed together stay together, so that no rule judges half of them.
//!
//! # Retractions
//! Follow their source: a result that is revised takes back what it said.

use super::{
    facts::{Fact, Method},
    parameter::Parameter,
    rule::GUESS,
};
use crate::{Collection, laboratory::Turn};
use model::{
    CartridgeKind, DomainEvent, EventId, GlucoseReading, GlucoseSummary, GlucoseWindow, LaboratoryResult,
    Measurement, Micros, Number, Profile, ProfileUpdated, Span, UserId, Vitals, Wear, analysis,
    laboratory::analyte_of,
};
use serde::{Deserialize, Serialize};

/// Something said of one person at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Said {
    // First, so that what is said is ordered by time.
    /// From when on it holds.
    pub at: Micros,
    /// Of whom.
    pub user: UserId,
    /// What.
    pub what: What,
}

/// What can be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum What {
    // First: what is observed at the same moment is judged by it.
    /// Who they are: the whole profile. Of two of one moment that of the greater event stands.
    Profile(EventId, Profile, Span),
    /// What was observed.
    Values(Values),
    /// What was said before is corrected.
    Corrected(Correction),
    // Last: what is observed at the same moment is known before, and judged by them as all that is known.
    /// Rules were published, and what is known is judged by them.
    Rules(EventId, Span),
}

/// Values of one observation, each in its parameter's unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Values {
    /// The values, at least one, in the order of the parameters.
    pub values: Vec<(Parameter, Number)>,
    /// How sure they are, 0 to 1.
    pub confidence: Number,
    /// How they were found.
    pub method: Method,
    /// The records they came from.
    pub span: Span,
}

/// A value takes the place of one said before, or none does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Correction {
    // First: words of one moment are taken in their order.
    /// How many words on the value came before.
    pub word: u32,
    /// What is not so, and the record that said it.
    pub taken: Option<(Parameter, Span)>,
    /// What is, and from when on, in its parameter's unit.
    pub given: Option<(Parameter, Number, Micros)>,
    /// The record that says so.
    pub span: Span,
}

impl Correction {
    /// What it is about.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> {
        self.taken
            .map(|(parameter, _)| parameter)
            .into_iter()
            .chain(self.given.map(|(parameter, ..)| parameter))
    }

    /// The fact it gives.
    pub fn fact(&self) -> Option<(Parameter, Fact)> {
        let (parameter, value, at) = self.given?;
        let (confidence, method, span) = (Number::from(1), Method::Assayed, self.span);
        Some((parameter, Fact { at, value, confidence, method, occasions: 1, span }))
    }
}

impl Values {
    /// The facts they are, at `at`.
    pub fn facts(&self, at: Micros) -> impl Iterator<Item = (Parameter, Fact)> {
        self.values.iter().map(move |(parameter, value)| {
            let Self { confidence, method, span, .. } = *self;
            (*parameter, Fact { at, value: *value, confidence, method, occasions: 1, span })
        })
    }
}

/// What the result of a cartridge is of: category, type, unit. The panel of lipids has one value and does not say which
/// it is; a cortisol is judged in the morning alone and the time of day of the person is not known; estradiol and
/// insulin have no rule.
pub(crate) const ASSAYS: [(u8, u8, &str, Parameter); 10] = [
    (0x01, 0x01, "mg/dL", Parameter::Glucose),
    (0x01, 0x03, "%", Parameter::GlycatedHaemoglobin),
    (0x01, 0x04, "mg/dL", Parameter::Urate),
    (0x01, 0x05, "mg/dL", Parameter::Creatinine),
    (0x01, 0x06, "ng/mL", Parameter::VitaminD),
    (0x01, 0x07, "pg/mL", Parameter::VitaminB12),
    (0x01, 0x08, "ng/mL", Parameter::Ferritin),
    (0x01, 0x09, "mIU/L", Parameter::Thyrotropin),
    (0x01, 0x0b, "ng/dL", Parameter::Testosterone),
    (0x01, 0x0d, "mg/L", Parameter::ReactiveProtein),
];

/// What vital signs, results of cartridges and profiles say of people.
pub fn said<'scope>(
    vitals: Collection<'scope, Vitals>,
    measurements: Collection<'scope, Measurement>,
    events: Collection<'scope, DomainEvent>,
) -> Collection<'scope, Said> {
    let observed = vitals.map(|vitals| observed(&vitals));
    let measured = measurements.flat_map(|measurement| measured(&measurement));
    observed.concat(measured).concat(events.flat_map(|event| updated(&event)))
}

/// What continuous glucose says of people: each reading, and what they sum up to.
pub fn worn<'scope>(
    readings: Collection<'scope, GlucoseReading>,
    windows: Collection<'scope, GlucoseWindow>,
) -> Collection<'scope, Said> {
    readings.map(|reading| read(&reading)).concat(windows.flat_map(|window| summed(&window)))
}

/// What laboratories say of people.
pub fn examined(turns: Collection<'_, Turn>) -> Collection<'_, Said> {
    turns.flat_map(|turn| found(&turn))
}

/// What an observation of vital signs says.
fn observed(vitals: &Vitals) -> Said {
    let step = vitals.consciousness.map(|consciousness| Number::from(consciousness.step()));
    let signs = [
        (Parameter::Respiration, vitals.resp),
        (Parameter::Saturation, vitals.spo2),
        (Parameter::Oxygen, vitals.oxygen.map(|oxygen| Number::from(u32::from(oxygen)))),
        (Parameter::Systolic, vitals.systolic),
        (Parameter::Diastolic, vitals.diastolic),
        // The oximeter's pulse is what rules ask for; the electrocardiogram's rate stands in.
        (Parameter::Pulse, vitals.pulse.or(vitals.hr)),
        (Parameter::Consciousness, step),
        (Parameter::Temperature, vitals.temperature),
    ];
    let known = signs.into_iter().filter_map(|(parameter, value)| Some((parameter, value?)));
    let values: Vec<_> = known.collect();
    let (confidence, method, span) = (Number::from(1), Method::Observed, Span::from(vitals.origin));
    let what = What::Values(Values { values, confidence, method, span });
    Said { at: vitals.at, user: vitals.user, what }
}

/// What the result of a cartridge is of, if that is understood.
pub(super) fn assayed(cartridge: Option<CartridgeKind>, unit: &str) -> Option<Parameter> {
    let CartridgeKind { category, kind } = cartridge?;
    let is_it = |(known, its, its_unit, _): &&(u8, u8, &str, Parameter)| {
        (*known, *its, *its_unit) == (category, kind, unit)
    };
    ASSAYS.iter().find(is_it).map(|(.., parameter)| *parameter)
}

/// The value of a result of `parameter`; or why it says nothing, as a code.
pub(super) fn evidence(
    parameter: Option<Parameter>,
    value: Option<Number>,
    confidence: Number,
) -> Result<(Parameter, Number), &'static str> {
    let parameter = parameter.ok_or(analysis::NOT_UNDERSTOOD)?;
    let value = value.ok_or(analysis::NO_VALUE)?;
    if !parameter.is_possible(value) {
        return Err(analysis::IMPOSSIBLE);
    }
    if confidence.get() < GUESS {
        return Err(analysis::GUESS);
    }
    Ok((parameter, value))
}

/// What the result of a cartridge says, if it is understood.
fn measured(measurement: &Measurement) -> Option<Said> {
    let confidence = measurement.confidence;
    let parameter = assayed(measurement.cartridge, &measurement.unit);
    let (parameter, value) = evidence(parameter, measurement.value, confidence).ok()?;
    let (values, method, span) = (vec![(parameter, value)], Method::Assayed, measurement.packets);
    let what = What::Values(Values { values, confidence, method, span });
    Some(Said { at: measurement.completed_at, user: measurement.user, what })
}

/// What a reading of continuous glucose says: a glucose at any time of day, for as long as a vital sign counts.
fn read(reading: &GlucoseReading) -> Said {
    // Outside its range a sensor knows a bound, and what rules say of the bound holds beyond it.
    let values = vec![(Parameter::Glucose, reading.glucose)];
    let (confidence, method, span) = (Number::from(1), Method::Observed, Span::from(reading.origin));
    Said {
        at: reading.at,
        user: reading.user,
        what: What::Values(Values { values, confidence, method, span }),
    }
}

/// What a fortnight of readings says, if there are enough; targets are of 14 days alone.
fn summed(window: &GlucoseWindow) -> Option<Said> {
    let summary = window.summary.filter(|_| window.wear == Wear::Fortnight)?;
    let GlucoseSummary { below_54, below_70, in_range, above_180, above_250, .. } = summary;
    let values = vec![
        (Parameter::TimeBelow54, below_54),
        (Parameter::TimeBelow70, below_70),
        (Parameter::TimeInRange, in_range),
        (Parameter::TimeAbove180, above_180),
        (Parameter::TimeAbove250, above_250),
        (Parameter::GlucoseVariation, summary.variation),
        (Parameter::GlucoseManagement, summary.gmi),
        (Parameter::GlycaemiaRisk, summary.gri),
        (Parameter::LowGlucoseIndex, summary.lbgi),
        (Parameter::HighGlucoseIndex, summary.hbgi),
    ];
    let (confidence, method, span) = (Number::from(1), Method::Summed, window.span);
    Some(Said {
        at: window.end,
        user: window.user,
        what: What::Values(Values { values, confidence, method, span }),
    })
}

/// What is said of a result of a laboratory, if rules know it; or what was.
fn found(turn: &Turn) -> Option<Said> {
    let known = |result: &LaboratoryResult| Parameter::named(analyte_of(&result.value.code)?.name);
    let taken = turn.before.as_ref().and_then(|before| Some((known(before)?, Span::from(before.origin))));
    let given =
        turn.after.as_ref().and_then(|after| Some((known(after)?, after.value.value, after.released)));
    let span = Span::from(turn.origin);
    let what = if turn.word > 0 {
        What::Corrected(Correction { word: turn.word, taken, given, span })
    } else {
        let (parameter, value, _) = given?;
        let (confidence, method) = (Number::from(1), Method::Assayed);
        What::Values(Values { values: vec![(parameter, value)], confidence, method, span })
    };
    (taken.is_some() || given.is_some()).then_some(Said { at: turn.at, user: turn.user, what })
}

/// What an event says of a profile.
fn updated(event: &DomainEvent) -> Option<Said> {
    match *event {
        DomainEvent::Profile(ProfileUpdated { at, event, user, profile, origin }) => {
            Some(Said { at, user, what: What::Profile(event, profile, Span::from(origin)) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
