//! The Observation of a health record: the result of a cartridge, with what the rules say of it.
//!
//! # Invariants
//! - It is interpreted by rules that judge this very quantity; what was calculated from it is told in words.
//! - Normal only if a rule says LOW and none says more.

use super::{
    codes::{ASSAYS, Assay, LABORATORY, NORMAL, Side, UNKNOWN, interpretation},
    resource::{
        Annotation, Coding, Concept, Identifier, Observation, Quantity, Reference, ReferenceRange, Value,
    },
    rows::Row,
};
use model::Risk;

/// Columns of `health_records` that it is made of.
pub(super) const COLUMNS: [&str; 20] = [
    "record_id",
    "session_id",
    "user_id",
    "device_id",
    "measured_at",
    "revision",
    "status",
    "cartridge_category",
    "cartridge_type",
    "cartridge",
    "lot",
    "biomarker",
    "value",
    "uncertainty",
    "unit",
    "confidence",
    "risk_level",
    "needs_retest",
    "warnings",
    "claims",
];

/// What one rule claims.
struct Claim {
    rule: String,
    level: Option<Risk>,
    class: String,
    value: Option<f64>,
    unit: String,
    low: Option<f64>,
    high: Option<f64>,
    limits: String,
    source: String,
}

/// The Observation of a row of `health_records`.
pub(super) fn observation(row: Row<'_>) -> Observation {
    let kind = row.whole("cartridge_category").zip(row.whole("cartridge_type"));
    let unit = row.text("unit");
    // A result in another unit than the one the codes are for is told in words.
    let assay = ASSAYS.iter().find(|assay| Some(assay.kind) == kind && Some(assay.unit) == unit);
    let name = row.text("cartridge").or(row.text("biomarker")).map_or_else(|| unnamed(kind), str::to_owned);
    let code = Concept::new(assay.map_or(&[], |assay| assay.codes), name);
    let (user, at) = (row.must("user_id"), row.time("measured_at"));
    let claims = claims(row);
    let mut observation = Observation::new(row.must("record_id").to_owned(), LABORATORY, code, user, at)
        .revised(row.whole("revision").unwrap_or_default());
    row.must("status").clone_into(&mut observation.status);
    observation.identifier = vec![Identifier::uuid("session", row.must("session_id"))];
    observation.value = Some(match (row.number("value"), assay) {
        (Some(value), Some(assay)) => Value::Quantity(Quantity::new(value, assay.unit, assay.ucum)),
        (Some(value), None) => Value::Quantity(Quantity::uncoded(value, unit)),
        (None, _) => Value::Absent(UNKNOWN.into()),
    });
    let level = row.text("risk_level").and_then(risk);
    if let Some(assay) = assay.filter(|_| row.number("value").is_some()) {
        let (own, others): (Vec<_>, Vec<_>) = claims.iter().partition(|claim| claim.unit == assay.ucum);
        observation.interpretation = interpreted(&own, level).map(Concept::from).into_iter().collect();
        observation.reference_range = own.iter().map(|claim| range(claim, assay)).collect();
        observation.note = others.into_iter().map(note).collect();
    } else {
        observation.note = claims.iter().map(note).collect();
    }
    observation.note.extend(remarks(row));
    let device = row.text("device_id").map(Identifier::named);
    observation.device = device.map(|device| Reference::named("Device", device, None));
    observation
}

fn unnamed(kind: Option<(i32, i32)>) -> String {
    kind.map_or_else(
        || "result of an unknown cartridge".to_owned(),
        |(category, kind)| format!("result of a cartridge of category {category}, type {kind}"),
    )
}

fn risk(name: &str) -> Option<Risk> {
    Risk::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, risk)| risk)
}

fn claims(row: Row<'_>) -> Vec<Claim> {
    let Some(rows) = row.rows("claims") else { return Vec::new() };
    let claim = |row: Row<'_>| Claim {
        rule: row.must("rule").to_owned(),
        level: row.text("risk_level").and_then(risk),
        class: row.must("class").to_owned(),
        value: row.number("value"),
        unit: row.must("unit").to_owned(),
        low: row.number("low"),
        high: row.number("high"),
        limits: row.must("limits").to_owned(),
        source: row.must("source").to_owned(),
    };
    rows.iter().map(claim).collect()
}

/// What the claims about the value itself come to; `level` is the most urgent of all claims.
fn interpreted(own: &[&Claim], level: Option<Risk>) -> Option<Coding> {
    let worst = own.iter().filter_map(|claim| claim.level).max()?;
    if worst == Risk::Low {
        // What is calculated from it may be outside, and then this is not normal.
        return (level == Some(Risk::Low)).then_some(NORMAL);
    }
    let mut sides = own.iter().filter(|claim| claim.level == Some(worst)).map(|claim| side(claim));
    let first = sides.next()?;
    let side = if sides.all(|side| side == first) { first } else { Side::Outside };
    Some(interpretation(side, worst == Risk::Critical))
}

/// Which side of well a class is on, by the one limit it has.
fn side(claim: &Claim) -> Side {
    match (claim.low, claim.high) {
        (None, Some(_)) => Side::Below,
        (Some(_), None) => Side::Above,
        (None, None) | (Some(_), Some(_)) => Side::Outside,
    }
}

/// The limits of the class that the value is in.
fn range(claim: &Claim, assay: &Assay) -> ReferenceRange {
    let quantity = |value| Quantity::new(value, assay.unit, assay.ucum);
    ReferenceRange {
        low: claim.low.map(quantity),
        high: claim.high.map(quantity),
        kind: Concept { coding: Vec::new(), text: Some(claim.class.clone()) },
        text: format!("{} {}: {} ({})", claim.limits, assay.unit, claim.class, claim.source),
    }
}

/// What a rule says of something else than the value, in words.
fn note(claim: &Claim) -> Annotation {
    let Claim { rule, class, unit, limits, source, .. } = claim;
    let value = claim.value.map(|value| format!("{value} {unit}, ")).unwrap_or_default();
    let level = claim.level.map_or("", Risk::name);
    Annotation { text: format!("Rule {rule}: {value}{class} ({limits} {unit}), {level} ({source})") }
}

/// What else is known of it.
fn remarks(row: Row<'_>) -> Vec<Annotation> {
    let unit = row.text("unit").unwrap_or_default();
    let uncertainty = row.number("uncertainty");
    let uncertainty = uncertainty.map(|one| format!("Expanded uncertainty (k = 2): {one} {unit}"));
    let confidence = row.number("confidence");
    let confidence =
        confidence.map(|one| format!("Confidence, 0 to 1, by this product's own definition: {one}"));
    let retest = (row.flag("needs_retest") == Some(true)).then(|| "Measure again".to_owned());
    let lot = row.text("lot").map(|lot| format!("Lot of the cartridge: {lot}"));
    let warnings = row.texts("warnings");
    let warnings = (!warnings.is_empty()).then(|| format!("Warnings: {}", warnings.join(", ")));
    let all = [retest, uncertainty, confidence, lot, warnings, Some("Not a diagnosis".to_owned())];
    all.into_iter().flatten().map(|text| Annotation { text: text.trim_end().to_owned() }).collect()
}
