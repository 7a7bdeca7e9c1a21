//! Whose records an alert rests on, and which records are theirs.
//!
//! | alert | rests on |
//! |---|---|
//! | of the NEWS2 bound | the person's vital signs |
//! | of the pulse band | the packets of the session, from the first: filters remember |
//! | of a rule of a set | the person's vital signs and profiles; and, unless it asks for vital signs alone, the packets of all their cartridges, whose latest values stay, the results of their laboratories and the readings of their sensors |
//!
//! Inputs that concern everybody ([`Input::is_global`]) belong to every alert.
//!
//! # Invariants
//! - A record is known by what it says, as the graph knows it: keys are a producer's business.

use super::published::Alert;
use eventlog::Record;
use model::{Datum, DomainEvent, Input, Rule, SessionId, Signal, UserId};
use operators::risk::{parameter::Parameter, set::Rulebook};
use std::collections::BTreeSet;

/// Whose a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Everybody,
    User(UserId),
    Session(SessionId),
}

/// What one alert rests on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need<'a> {
    pub(super) whose: Whose,
    inputs: &'static [Input],
    /// What it says itself.
    pub(super) alert: &'a [model::Span],
}

impl Need<'_> {
    /// Whether it rests on records of `input` that are of `whose`.
    pub(super) fn is_met(&self, input: Input, whose: Whose) -> bool {
        input.is_global() || (self.whose == whose && self.reads(input))
    }

    pub(super) fn reads(&self, input: Input) -> bool {
        input.is_global() || self.inputs.contains(&input)
    }
}

pub(super) fn need(alert: &Alert) -> Need<'_> {
    let of_one_session = alert.session.filter(|_| alert.rule == Rule::PulseBand.id());
    let whose = of_one_session.map_or(Whose::User(alert.user), Whose::Session);
    // A rule that is not known here may ask for anything.
    let asks_for_vital_signs = || {
        let rule = Rulebook::shipped().rule(&alert.rule);
        rule.is_some_and(|(_, rule)| {
            rule.columns.iter().all(|column| Parameter::VITAL.contains(&column.parameter))
        })
    };
    let inputs: &[Input] = if of_one_session.is_some() {
        &[Input::Packets]
    } else if alert.rule == Rule::News2LowerBound.id() {
        &[Input::Vitals]
    } else if asks_for_vital_signs() {
        &[Input::Vitals, Input::Profiles]
    } else {
        &[Input::Packets, Input::Vitals, Input::Profiles, Input::Glucose, Input::Laboratory]
    };
    Need { whose, inputs, alert: &alert.spans }
}

/// What all of some alerts rest on.
pub(super) struct Wanted {
    all: BTreeSet<(Input, Whose)>,
    /// Whether packets are wanted by whom they measure: then every one has to be looked into.
    by_person: bool,
}

impl Wanted {
    pub(super) fn of(alerts: &[&Alert]) -> Self {
        let needs = alerts.iter().map(|alert| need(alert));
        let all = needs.flat_map(|need| need.inputs.iter().map(move |input| (*input, need.whose)));
        let all: BTreeSet<_> = all.collect();
        let by_person =
            all.iter().any(|(input, whose)| *input == Input::Packets && matches!(whose, Whose::User(_)));
        Self { all, by_person }
    }

    /// Whether anything is wanted of `input`.
    pub(super) fn reads(&self, input: Input) -> bool {
        input.is_global() || self.all.iter().any(|(wanted, _)| *wanted == input)
    }

    /// What `record` of `input` is, and whose, if that is wanted.
    pub(super) fn look(&self, input: Input, record: &Record) -> Option<(Datum, Vec<Whose>)> {
        // The key of a packet that can be used is its session.
        if input == Input::Packets && !self.by_person {
            let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
            let session = key.and_then(|key| key.parse().ok())?;
            if !self.all.contains(&(input, Whose::Session(session))) {
                return None;
            }
        }
        let datum = sources::stream::datum(record.clone());
        let mut whose = match &datum {
            Datum::Packet(packet) if packet.signal == Signal::Channels => {
                vec![Whose::Session(packet.session), Whose::User(packet.user)]
            }
            Datum::Packet(packet) => vec![Whose::Session(packet.session)],
            Datum::Event { event: DomainEvent::Vitals(vitals), .. } => vec![Whose::User(vitals.user)],
            Datum::Event { event: DomainEvent::Profile(updated), .. } => vec![Whose::User(updated.user)],
            Datum::Event { event: DomainEvent::Glucose(reading), .. } => vec![Whose::User(reading.user)],
            Datum::Event { event: DomainEvent::Laboratory(event), .. } => vec![Whose::User(event.user)],
            Datum::Event { .. } | Datum::Fault(_) => Vec::new(),
        };
        whose.retain(|whose| self.all.contains(&(input, *whose)));
        if input.is_global() {
            whose.push(Whose::Everybody);
        }
        (!whose.is_empty()).then_some((datum, whose))
    }
}
