//! `health_records`: every result of a cartridge as a health record has it, newest revision.

use super::{
    FIELD, Row, Table, assemble, column, ids, list, list_builder, numbers, optional_texts, schema, text_list,
    text_lists, texts, time_type, times,
};
use crate::{Claimed, HealthRecord, Micros, Number, Risk, view::RowId};
use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Builder, Int32Array, Int64Array, RecordBatch, StringBuilder,
        StructBuilder,
    },
    datatypes::{
        DataType::{Boolean, Float64, Int32, Int64, Utf8},
        Field, Fields,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "health_records",
        about: "results of cartridges with what the rules say of them, newest revision; not a diagnosis",
        schema: schema(&[
            ("record_id", Utf8, false, "identity of the record: the same for every revision"),
            ("session_id", Utf8, false, "session measured"),
            ("user_id", Utf8, false, "person measured"),
            ("device_id", Utf8, true, "device, as its maker names it"),
            ("started_at", time_type(), false, "when the measurement began"),
            ("measured_at", time_type(), false, "when it was completed"),
            ("revision", Int32, false, "how often late packets amended it"),
            ("status", Utf8, false, "preliminary, final or amended, as FHIR R4 has them"),
            ("cartridge_category", Int32, true, "category of the cartridge"),
            ("cartridge_type", Int32, true, "type within the category"),
            ("cartridge", Utf8, true, "name of that kind; null if it is not registered"),
            ("lot", Utf8, true, "lot of the cartridge"),
            ("biomarker", Utf8, true, "what was measured; null where no rule understands it"),
            ("value", Float64, true, "the value"),
            ("uncertainty", Float64, true, "its expanded uncertainty (k = 2)"),
            ("unit", Utf8, true, "its unit as people read it; null where it is not known"),
            ("confidence", Float64, false, "how sure the value is, 0 to 1, own definition"),
            ("calibration_status", Utf8, false, "VALID, EXPIRING, EXPIRED or NEEDED"),
            (
                "risk_level",
                Utf8,
                true,
                "LOW, MODERATE, HIGH or CRITICAL; null says nothing, not that all is well",
            ),
            ("needs_retest", Boolean, false, "whether it must be measured again before it counts"),
            ("warnings", text_list(), false, "codes of what the operator should know"),
            ("claims", list(claims()), false, "what rules claim of it, with limits and sources"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
        ]),
        time: "measured_at",
    }
}

fn claims() -> Fields {
    Fields::from(vec![
        Field::new("rule", Utf8, false),
        Field::new("risk_level", Utf8, false),
        Field::new("class", Utf8, false),
        Field::new("value", Float64, false),
        Field::new("unit", Utf8, false),
        Field::new("low", Float64, true),
        Field::new("high", Float64, true),
        Field::new("limits", Utf8, false),
        Field::new("source", Utf8, false),
    ])
}

/// None of an empty text.
fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

impl Row for HealthRecord {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.id().to_string()),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                optional_texts(rows, |row| row.device.as_deref()),
                times(rows, |row| Some(row.started_at)),
                times(rows, |row| Some(row.at)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                texts(rows, |row| row.status.name()),
                column!(Int32Array, rows, |row: &Self| row.cartridge.map(|kind| i32::from(kind.category))),
                column!(Int32Array, rows, |row: &Self| row.cartridge.map(|kind| i32::from(kind.kind))),
                optional_texts(rows, |row| known(&row.cartridge_name)),
                optional_texts(rows, |row| row.lot.as_deref()),
                optional_texts(rows, |row| row.biomarker.as_deref()),
                numbers(rows, |row| row.value),
                numbers(rows, |row| row.uncertainty),
                optional_texts(rows, |row| known(&row.unit)),
                numbers(rows, |row| Some(row.confidence)),
                texts(rows, |row| row.calibration_status.name()),
                optional_texts(rows, |row| row.level.map(Risk::name)),
                column!(BooleanArray, rows, |row: &Self| Some(row.needs_retest)),
                text_lists(rows, |row| &row.warnings),
                lists(rows),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
            ],
        )
    }
}

fn lists(rows: &[(RowId, &HealthRecord)]) -> ArrayRef {
    let mut lists = list_builder(claims());
    for (_, row) in rows {
        row.claims.iter().for_each(|claimed| append(lists.values(), claimed));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// One claim, in the order of [`claims`].
fn append(item: &mut StructBuilder, Claimed { rule, level, claim }: &Claimed) {
    let texts = [
        (0, rule.as_str()),
        (1, level.name()),
        (2, &claim.class),
        (4, &claim.unit),
        (7, &claim.limits),
        (8, &claim.source),
    ];
    for (place, text) in texts {
        item.field_builder::<StringBuilder>(place).expect(FIELD).append_value(text);
    }
    for (place, value) in [(3, Some(claim.value)), (5, claim.low), (6, claim.high)] {
        item.field_builder::<Float64Builder>(place).expect(FIELD).append_option(value.map(Number::get));
    }
    item.append(true);
}

#[cfg(test)]
mod tests {
    use crate::{
        CalibrationStatus, CartridgeKind, Claim, Claimed, HealthRecord, Input, Number, RecordStatus, Risk,
        SessionId, Span, UserId, table::Row,
    };
    use arrow::array::{Array, AsArray};
    use std::sync::Arc;

    fn whole() -> HealthRecord {
        let claim = Claim {
            class: "a class".into(),
            value: Number::from(50),
            unit: "mg/dL".into(),
            at_least: false,
            low: None,
            high: Some(Number::from(54)),
            limits: "< 54".into(),
            source: "a standard".into(),
            confidence: Number::from(1),
            needs_retest: false,
        };
        HealthRecord {
            at: 5,
            session: SessionId::derive(&["s"]),
            user: UserId::derive(&["u"]),
            device: Some("a device".into()),
            started_at: 1,
            revision: 2,
            status: RecordStatus::Amended,
            cartridge: Some(CartridgeKind { category: 1, kind: 1 }),
            cartridge_name: "Glucose".into(),
            lot: Some("a lot".into()),
            biomarker: Some("glucose".into()),
            value: Some(Number::from(50)),
            uncertainty: Some(Number::from(1)),
            unit: "mg/dL".into(),
            confidence: Number::from(1),
            calibration_status: CalibrationStatus::Needed,
            warnings: vec!["calibration_needed".into()],
            level: Some(Risk::High),
            needs_retest: false,
            claims: vec![Claimed { rule: "a.rule".into(), level: Risk::High, claim }],
            packets: Span { input: Input::Packets, partition: 1, first: 2, last: 3 },
        }
    }

    #[test]
    fn a_row_has_what_is_known_and_null_for_what_is_not() {
        let whole = whole();
        let empty = HealthRecord {
            device: None,
            cartridge: None,
            cartridge_name: String::new(),
            lot: None,
            biomarker: None,
            value: None,
            uncertainty: None,
            unit: String::new(),
            level: None,
            claims: Vec::new(),
            ..whole.clone()
        };
        let batch = HealthRecord::batch(&[([0; 16], &whole), ([1; 16], &empty)]);
        let column = |name: &str| batch.column_by_name(name).expect("a column of the table");
        for name in ["device_id", "cartridge_category", "cartridge_type", "cartridge", "lot", "biomarker"]
            .into_iter()
            .chain(["value", "uncertainty", "unit", "risk_level"])
        {
            assert_eq!([0, 1].map(|row| column(name).is_valid(row)), [true, false], "{name}");
        }
        assert_eq!(column("status").as_string::<i32>().value(0), "amended");
        assert_eq!(column("record_id").as_string::<i32>().value(0), whole.id().to_string());
        let lists = column("claims").as_list::<i32>();
        assert_eq!([lists.value_length(0), lists.value_length(1)], [1, 0]);
        let claims = lists.value(0);
        let part = |name: &str| Arc::clone(claims.as_struct().column_by_name(name).expect("a field"));
        assert_eq!(part("limits").as_string::<i32>().value(0), "< 54");
        assert_eq!([part("low"), part("high")].map(|limit| limit.is_valid(0)), [false, true]);
    }

    #[test]
    fn every_revision_of_a_record_has_its_id() {
        let later = HealthRecord { revision: 9, at: 99, ..whole() };
        assert_eq!(later.id(), whole().id());
        assert_ne!(HealthRecord { session: SessionId::derive(&["t"]), ..whole() }.id(), whole().id());
    }
}
