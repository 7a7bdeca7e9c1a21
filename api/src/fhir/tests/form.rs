//! Whether an Observation has the form that FHIR R4 asks for, as far as this product writes it: which elements there are
//! and of what type, which must be there, the texts of ids, codes, addresses and moments, the sets of values that are
//! required, and the rules obs-3, obs-6, obs-7 and qty-3.

use serde_json::{Map, Value};

/// Elements of a type: name, its type, whether it must be there; a type ending with `*` is a list.
type Elements = &'static [(&'static str, &'static str, bool)];

const OBSERVATION: Elements = &[
    ("resourceType", "code", true),
    ("id", "id", false),
    ("meta", "Meta", false),
    ("identifier", "Identifier*", true),
    ("status", "status", true),
    ("category", "category*", true),
    ("code", "CodeableConcept", true),
    ("subject", "Reference", true),
    ("effectiveDateTime", "dateTime", false),
    ("effectivePeriod", "Period", false),
    ("valueQuantity", "Quantity", false),
    ("valueCodeableConcept", "CodeableConcept", false),
    ("valueBoolean", "boolean", false),
    ("valueSampledData", "SampledData", false),
    ("dataAbsentReason", "CodeableConcept", false),
    ("interpretation", "interpretation*", false),
    ("note", "Annotation*", false),
    ("method", "CodeableConcept", false),
    ("device", "Reference", false),
    ("referenceRange", "ReferenceRange*", false),
    ("derivedFrom", "Reference*", false),
    ("component", "Component*", false),
];

fn elements(kind: &str) -> Elements {
    match kind {
        "Observation" => OBSERVATION,
        "Meta" => &[("versionId", "id", true), ("profile", "uri*", false)],
        "Identifier" => {
            &[("type", "CodeableConcept", false), ("system", "uri", false), ("value", "string", true)]
        }
        "CodeableConcept" | "category" | "interpretation" => {
            &[("coding", "Coding*", false), ("text", "string", false)]
        }
        "Coding" => &[("system", "uri", true), ("code", "code", true), ("display", "string", false)],
        "Reference" => &[
            ("reference", "string", false),
            ("type", "uri", false),
            ("identifier", "Identifier", false),
            ("display", "string", false),
        ],
        "Period" => &[("start", "dateTime", true), ("end", "dateTime", true)],
        "Quantity" => &[
            ("value", "decimal", true),
            ("unit", "string", false),
            ("system", "uri", false),
            ("code", "code", false),
        ],
        "SampledData" => &[
            ("origin", "Quantity", true),
            ("period", "decimal", true),
            ("factor", "decimal", false),
            ("lowerLimit", "decimal", false),
            ("upperLimit", "decimal", false),
            ("dimensions", "positiveInt", true),
            ("data", "samples", false),
        ],
        "Annotation" => &[("text", "string", true)],
        "ReferenceRange" => &[
            ("low", "Quantity", false),
            ("high", "Quantity", false),
            ("type", "CodeableConcept", false),
            ("text", "string", false),
        ],
        "Component" => &[
            ("code", "CodeableConcept", true),
            ("valueQuantity", "Quantity", false),
            ("dataAbsentReason", "CodeableConcept", false),
        ],
        _ => panic!("there is no type {kind}"),
    }
}

/// Fails where it has not.
#[track_caller]
pub(crate) fn conforms(observation: &Value) {
    is("Observation", observation, "Observation");
    assert_eq!(observation["resourceType"], "Observation");
    assert!(
        ["effectiveDateTime", "effectivePeriod"]
            .iter()
            .filter(|name| observation.get(name).is_some())
            .count()
            == 1
    );
    let values = |object: &Value| {
        object.as_object().map_or(0, |object| object.keys().filter(|name| name.starts_with("value")).count())
    };
    let has_reason = observation.get("dataAbsentReason").is_some();
    // obs-6, and a value of one kind at most.
    assert!(values(observation) + usize::from(has_reason) <= 1, "{observation}");
    // Only what is made of packets for whoever asks has neither.
    let has_neither = observation.get("valueSampledData").is_some();
    assert!(
        ["id", "meta"].iter().all(|name| observation.get(name).is_none() == has_neither),
        "{observation}"
    );
    let components = observation["component"].as_array().cloned().unwrap_or_default();
    assert!(values(observation) + usize::from(has_reason) == 1 || !components.is_empty(), "{observation}");
    for component in &components {
        let reason = usize::from(component.get("dataAbsentReason").is_some());
        assert_eq!(values(component) + reason, 1, "{component}");
        // obs-7.
        assert_ne!(component["code"], observation["code"]);
    }
    for range in observation["referenceRange"].as_array().into_iter().flatten() {
        // obs-3.
        assert!(["low", "high", "text"].iter().any(|name| range.get(name).is_some()), "{range}");
    }
    assert!(observation["category"][0]["coding"][0]["code"].is_string());
}

#[track_caller]
fn is(kind: &str, value: &Value, place: &str) {
    if let Some(of) = kind.strip_suffix('*') {
        let items = value.as_array().unwrap_or_else(|| panic!("{place} is no list"));
        assert!(!items.is_empty(), "{place} is empty");
        for item in items {
            is(of, item, place);
        }
        return;
    }
    let text = || {
        value.as_str().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| panic!("{place} is no text"))
    };
    let one_of = |set: &[&str]| {
        let code = value["coding"][0]["code"].as_str().unwrap_or_default();
        assert!(set.contains(&code), "{place} is {code}");
    };
    match kind {
        "string" => assert_eq!(text(), text().trim(), "{place}"),
        "uri" => assert!(!text().contains(char::is_whitespace), "{place}"),
        "code" => assert!(!text().contains("  ") && text() == text().trim(), "{place}"),
        "id" => {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            assert!(text().len() <= 64 && text().bytes().all(fits), "{place} is {}", text());
        }
        "status" => assert!(["preliminary", "final", "amended"].contains(&text()), "{place} is {}", text()),
        "dateTime" => is_moment(text(), place),
        "decimal" => assert!(value.is_number(), "{place}"),
        "positiveInt" => assert!(value.as_u64().is_some_and(|number| number > 0), "{place}"),
        "boolean" => assert!(value.is_boolean(), "{place}"),
        "samples" => {
            let fits =
                |one: &str| matches!(one, "E" | "U" | "L") || one.parse::<f64>().is_ok_and(f64::is_finite);
            assert!(text().split(' ').all(fits), "{place}");
        }
        _ => {
            has(elements(kind), value.as_object().unwrap_or_else(|| panic!("{place} is no object")), place);
            match kind {
                "category" => one_of(&["laboratory", "vital-signs", "exam", "therapy", "procedure"]),
                "interpretation" => one_of(&["N", "L", "LL", "H", "HH", "A", "AA"]),
                // qty-3.
                "Quantity" => {
                    assert!(value.get("code").is_none() || value.get("system").is_some(), "{place}");
                }
                _ => {}
            }
        }
    }
}

#[track_caller]
fn has(elements: Elements, object: &Map<String, Value>, place: &str) {
    assert!(!object.is_empty(), "{place} is empty");
    for (name, value) in object {
        let known = elements.iter().find(|(known, ..)| known == name);
        let (_, kind, _) = known.unwrap_or_else(|| panic!("{place} has no element {name}"));
        is(kind, value, &format!("{place}.{name}"));
    }
    for (name, _, must) in elements {
        assert!(!must || object.contains_key(*name), "{place} has to have {name}");
    }
}

/// As `2026-01-01T00:01:15.000000Z`.
#[track_caller]
fn is_moment(text: &str, place: &str) {
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00.000000Z", "{place} is {text}");
}
