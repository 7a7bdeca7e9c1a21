//! The latest value known of each parameter of one person.
//!
//! # Invariants
//! - What a person's facts are follows from which came, not from their order: of two the later one stands, and of two
//!   of one instant the greater.
//! - An estimate from an optical signal stands for nothing but the optical pulse. The 2025 US guideline advises against
//!   cuffless devices for blood pressure (risk.md §2.4), and what NEWS2 asks for is observed.

use super::parameter::Parameter;
use model::{Micros, Number, Span};
use serde::{Deserialize, Serialize};

/// How a value was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// Seen by a monitor, a cuff, a thermometer or a person.
    Observed,
    /// Measured in a sample by a cartridge or a laboratory.
    Assayed,
    /// Estimated from an optical pulse signal.
    Optical,
    /// Summed up of many observations: stands until the next sum.
    Summed,
}

/// One value, in its parameter's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// When it was observed.
    pub at: Micros,
    /// The value.
    pub value: Number,
    /// How sure it is, 0 to 1; 1 where its source does not say.
    pub confidence: Number,
    /// How it was found.
    pub method: Method,
    /// On how many occasions it was measured; a mean of several if more than one.
    pub occasions: u32,
    /// The records it came from.
    pub span: Span,
}

/// Why a fact is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An optical estimate of something else, or an optical pulse that is none.
    #[error("{} cannot be found by this method", .0.name())]
    Method(Parameter),
    /// No such value can be.
    #[error("{} cannot have such a value", .0.name())]
    Impossible(Parameter),
    /// It is calculated here and never given.
    #[error("{} is calculated and not given", .0.name())]
    Calculated(Parameter),
}

/// The latest facts of one person, ordered by parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    latest: Vec<(Parameter, Fact)>,
}

impl Facts {
    /// Takes a fact; it stands unless a later one does. A glucose after a fast or a load is one at any time of day too.
    pub fn take(&mut self, parameter: Parameter, fact: Fact) -> Result<(), Refusal> {
        if (fact.method == Method::Optical) != (parameter == Parameter::OpticalPulse) {
            return Err(Refusal::Method(parameter));
        }
        if parameter == Parameter::FiltrationRate {
            return Err(Refusal::Calculated(parameter));
        }
        if !parameter.is_possible(fact.value) {
            return Err(Refusal::Impossible(parameter));
        }
        parameter.slots().for_each(|slot| self.keep(slot, fact));
        Ok(())
    }

    /// Has `fact` stand unless a later one does, whatever its method.
    pub(super) fn keep(&mut self, parameter: Parameter, fact: Fact) {
        let known = self.latest(parameter).copied();
        self.put(parameter, known.map_or(fact, |known| known.max(fact)));
    }

    /// Has `fact` stand, whatever stood before.
    pub(super) fn put(&mut self, parameter: Parameter, fact: Fact) {
        match self.latest.binary_search_by_key(&parameter, |(known, _)| *known) {
            Ok(place) => self.latest[place].1 = fact,
            Err(place) => self.latest.insert(place, (parameter, fact)),
        }
    }

    /// Drops the fact of a parameter if `goes` says so.
    pub(super) fn drop_if(&mut self, parameter: Parameter, goes: impl Fn(&Fact) -> bool) {
        self.latest.retain(|(known, fact)| *known != parameter || !goes(fact));
    }

    /// The latest facts with their parameters, in the order of these.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Parameter, Fact)> {
        self.latest.iter().copied()
    }

    /// Drops the facts that `keep` does not hold.
    pub fn retain(&mut self, keep: impl Fn(&Fact) -> bool) {
        self.latest.retain(|(_, fact)| keep(fact));
    }

    /// The latest fact of each parameter, in the order of the parameters.
    pub fn iter(&self) -> impl Iterator<Item = &Fact> {
        self.latest.iter().map(|(_, fact)| fact)
    }

    /// The latest fact of a parameter.
    pub fn latest(&self, parameter: Parameter) -> Option<&Fact> {
        let place = self.latest.binary_search_by_key(&parameter, |(known, _)| *known).ok()?;
        Some(&self.latest[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, Facts, Method, Parameter, Refusal};
    use model::{Input, Number, Span};

    fn fact(at: i64, value: f64, method: Method) -> Fact {
        Fact {
            at,
            value: Number::finite(value).unwrap(),
            confidence: Number::from(1),
            method,
            occasions: 1,
            span: Span { input: Input::Vitals, partition: 0, first: 0, last: 0 },
        }
    }

    #[test]
    fn an_optical_estimate_stands_for_nothing_but_the_optical_pulse() {
        for (parameter, ..) in Parameter::ALL {
            let taken = Facts::default().take(parameter, fact(0, 1.0, Method::Optical));
            let wanted =
                if parameter == Parameter::OpticalPulse { Ok(()) } else { Err(Refusal::Method(parameter)) };
            assert_eq!(taken, wanted);
        }
        let seen = Facts::default().take(Parameter::OpticalPulse, fact(0, 70.0, Method::Observed));
        assert_eq!(seen, Err(Refusal::Method(Parameter::OpticalPulse)));
    }

    #[test]
    fn what_cannot_be_and_what_is_calculated_is_not_taken_and_the_value_is_not_told() {
        let mut facts = Facts::default();
        let refused = facts.take(Parameter::Saturation, fact(0, 103.0, Method::Observed)).unwrap_err();
        assert_eq!(refused.to_string(), "spo2 cannot have such a value");
        let refused = facts.take(Parameter::FiltrationRate, fact(0, 50.0, Method::Assayed)).unwrap_err();
        assert_eq!(refused, Refusal::Calculated(Parameter::FiltrationRate));
        assert_eq!(facts, Facts::default());
    }

    #[test]
    fn a_glucose_after_a_fast_or_a_load_is_a_glucose() {
        for (at, parameter) in [(1, Parameter::FastingGlucose), (2, Parameter::TwoHourGlucose)] {
            let (mut facts, seen) = (Facts::default(), fact(at, 40.0, Method::Assayed));
            facts.take(parameter, seen).unwrap();
            assert_eq!(
                (facts.latest(parameter), facts.latest(Parameter::Glucose)),
                (Some(&seen), Some(&seen))
            );
        }
    }

    #[test]
    fn the_later_fact_stands_in_whatever_order_they_come() {
        let all =
            [(1, 90.0), (3, 80.0), (2, 99.0), (3, 79.0)].map(|(at, value)| fact(at, value, Method::Observed));
        for turn in 0..all.len() {
            let mut facts = Facts::default();
            for fact in all.iter().cycle().skip(turn).take(all.len()) {
                facts.take(Parameter::Pulse, *fact).unwrap();
                facts.take(Parameter::Respiration, *fact).unwrap();
            }
            assert_eq!(facts.latest(Parameter::Pulse), Some(&all[1]));
            assert_eq!(facts.latest(Parameter::Respiration), Some(&all[1]));
            assert_eq!(facts.latest(Parameter::Lactate), None);
        }
    }
}
