//! What an Observation is made of, in the names and the order of FHIR R4.
//!
//! # Invariants
//! Nothing empty is written: FHIR knows no empty list, text or object.

use super::{codes::UCUM, moment::instant};
use model::Micros;
use serde::Serialize;

/// A code of a code system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Coding {
    pub(super) system: &'static str,
    pub(super) code: &'static str,
    pub(super) display: &'static str,
}

/// A concept: codes, or words, or both.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Concept {
    #[serde(skip_serializing_if = "<[Coding]>::is_empty")]
    pub(super) coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

impl Concept {
    /// Codes, and what people call it.
    pub(super) fn new(coding: &[Coding], text: impl Into<String>) -> Self {
        Self { coding: coding.to_vec(), text: Some(text.into()) }
    }
}

impl From<Coding> for Concept {
    fn from(coding: Coding) -> Self {
        Self { coding: vec![coding], text: None }
    }
}

/// A number with its unit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Quantity {
    pub(super) value: f64,
    /// As people read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl Quantity {
    /// In a unit that UCUM has as `ucum`.
    pub(super) fn new(value: f64, unit: &str, ucum: &'static str) -> Self {
        Self { value, unit: Some(unit.to_owned()), system: Some(UCUM), code: Some(ucum) }
    }

    /// In a unit that nobody put into UCUM, or that is not known.
    pub(super) fn uncoded(value: f64, unit: Option<&str>) -> Self {
        Self { value, unit: unit.map(str::to_owned), system: None, code: None }
    }
}

/// Which thing is meant, by the name another has for it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Identifier {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<Concept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<&'static str>,
    pub(super) value: String,
}

impl Identifier {
    /// A UUID, and of what.
    pub(super) fn uuid(of: &str, uuid: &str) -> Self {
        let kind = Some(Concept { coding: Vec::new(), text: Some(of.to_owned()) });
        Self { kind, system: Some("urn:ietf:rfc:3986"), value: format!("urn:uuid:{uuid}") }
    }

    /// A name as its maker gives it.
    pub(super) fn named(value: &str) -> Self {
        Self { kind: None, system: None, value: value.to_owned() }
    }
}

/// Another resource, by where it is, or by its name where this door does not have it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reference {
    #[serde(rename = "reference", skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identifier: Option<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'static str>,
}

impl Reference {
    /// A person.
    pub(super) fn patient(user: &str) -> Self {
        Self { place: Some(format!("Patient/{user}")), kind: "Patient", identifier: None, display: None }
    }

    /// A resource of this `kind` with this name.
    pub(super) fn named(kind: &'static str, identifier: Identifier, display: Option<&'static str>) -> Self {
        Self { place: None, kind, identifier: Some(identifier), display }
    }
}

/// A span of time, both ends included.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Period {
    pub(super) start: String,
    pub(super) end: String,
}

/// When it was so.
#[derive(Clone, Debug, Serialize)]
pub(super) enum Effective {
    /// At a moment.
    #[serde(rename = "effectiveDateTime")]
    At(String),
    /// For a while.
    #[serde(rename = "effectivePeriod")]
    During(Period),
}

/// What was found, or why nothing was.
#[derive(Clone, Debug, Serialize)]
pub(super) enum Value {
    #[serde(rename = "valueQuantity")]
    Quantity(Quantity),
    #[serde(rename = "valueCodeableConcept")]
    Concept(Concept),
    #[serde(rename = "valueBoolean")]
    Boolean(bool),
    #[serde(rename = "valueSampledData")]
    Sampled(SampledData),
    #[serde(rename = "dataAbsentReason")]
    Absent(Concept),
}

/// Samples of a signal: value i is `factor · data_i + origin`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SampledData {
    pub(super) origin: Quantity,
    /// Between two samples, milliseconds.
    pub(super) period: f64,
    pub(super) factor: f64,
    pub(super) dimensions: u32,
    /// Numbers, and `E` where there is none.
    pub(super) data: String,
}

/// Something to be read beside it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Annotation {
    pub(super) text: String,
}

/// Limits to compare the value with.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ReferenceRange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) low: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) high: Option<Quantity>,
    /// Of which class: without it the normal range would be meant.
    #[serde(rename = "type")]
    pub(super) kind: Concept,
    pub(super) text: String,
}

/// A part of what was observed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Component {
    pub(super) code: Concept,
    #[serde(flatten)]
    pub(super) value: Value,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    version_id: String,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    profile: Vec<&'static str>,
}

/// An Observation of FHIR R4.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Observation {
    resource_type: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    #[serde(skip_serializing_if = "<[Identifier]>::is_empty")]
    pub(super) identifier: Vec<Identifier>,
    pub(super) status: String,
    category: [Concept; 1],
    pub(super) code: Concept,
    subject: Reference,
    #[serde(flatten)]
    effective: Effective,
    #[serde(flatten)]
    pub(super) value: Option<Value>,
    #[serde(skip_serializing_if = "<[Concept]>::is_empty")]
    pub(super) interpretation: Vec<Concept>,
    #[serde(skip_serializing_if = "<[Annotation]>::is_empty")]
    pub(super) note: Vec<Annotation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<Concept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<Reference>,
    #[serde(skip_serializing_if = "<[ReferenceRange]>::is_empty")]
    pub(super) reference_range: Vec<ReferenceRange>,
    #[serde(skip_serializing_if = "<[Reference]>::is_empty")]
    pub(super) derived_from: Vec<Reference>,
    #[serde(skip_serializing_if = "<[Component]>::is_empty")]
    pub(super) component: Vec<Component>,
    /// When it began: what Observations are ordered by.
    #[serde(skip)]
    pub(super) at: Micros,
    /// One more than its revision.
    #[serde(skip)]
    pub(super) version: i32,
}

impl Observation {
    /// Of `user`, final, at the moment `at`, of revision 0, and nothing found yet.
    pub(super) fn new(id: String, category: Coding, code: Concept, user: &str, at: Micros) -> Self {
        Self {
            resource_type: "Observation",
            id,
            meta: Some(Meta { version_id: "1".to_owned(), profile: Vec::new() }),
            identifier: Vec::new(),
            status: "final".to_owned(),
            category: [category.into()],
            code,
            subject: Reference::patient(user),
            effective: Effective::At(instant(at)),
            value: None,
            interpretation: Vec::new(),
            note: Vec::new(),
            method: None,
            device: None,
            reference_range: Vec::new(),
            derived_from: Vec::new(),
            component: Vec::new(),
            at,
            version: 1,
        }
    }

    /// The same, keeping to `profile`.
    pub(super) fn keeping_to(mut self, profile: &'static str) -> Self {
        if let Some(meta) = &mut self.meta {
            meta.profile = vec![profile];
        }
        self
    }

    /// The same, of a revision.
    pub(super) fn revised(mut self, revision: i32) -> Self {
        self.version = revision.saturating_add(1);
        if let Some(meta) = &mut self.meta {
            meta.version_id = self.version.to_string();
        }
        self
    }

    /// The same, of nothing that has versions.
    pub(super) fn unversioned(mut self) -> Self {
        self.meta = None;
        self
    }

    /// The same, until `end`.
    pub(super) fn until(mut self, end: Micros) -> Self {
        self.effective = Effective::During(Period { start: instant(self.at), end: instant(end) });
        self
    }

    /// As JSON.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("texts, finite numbers and lists of them")
    }

    /// Category of what was observed.
    pub(super) fn category(&self) -> &'static str {
        self.category[0].coding[0].code
    }
}
