//! `alerts`: one row per alert as it stands, with the evidence of its newest change.

use super::{Row, Table, assemble, column, ids, schema, texts, time_type, times};
use crate::{Alert, Evidence, Micros, view::RowId};
use arrow::{
    array::{
        ArrayRef, Float64Builder, Int32Array, Int32Builder, Int64Builder, ListBuilder, RecordBatch,
        StringArray, StringBuilder, StructBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{
        DataType::{self, Float64, Int32, Int64, Utf8},
        Field, Fields,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "alerts",
        about: "alerts as they stand, each with its evidence; not a diagnosis",
        schema: schema(&[
            ("alert_id", Utf8, false, "identity, the same over all changes of the alert"),
            ("user_id", Utf8, false, "person concerned"),
            ("session_id", Utf8, true, "session, for rules over one session's signal"),
            ("rule", Utf8, false, "rule that raised it"),
            ("rule_version", Utf8, false, "version of the rule"),
            ("level", Utf8, false, "MODERATE, HIGH or CRITICAL; the highest it reached"),
            ("state", Utf8, false, "open or cleared"),
            ("onset", time_type(), false, "when its cause began"),
            ("raised_at", time_type(), false, "when it was raised"),
            ("changed_at", time_type(), false, "when it last changed"),
            ("cleared_at", time_type(), true, "when it was cleared"),
            ("score", Int32, false, "aggregate score at the newest change"),
            ("window_start", time_type(), false, "from when the finding held"),
            ("window_end", time_type(), false, "until when it was seen to hold"),
            ("findings", list(findings()), false, "the values it rests on"),
            ("offsets", list(offsets()), false, "the records of the log it rests on"),
        ]),
        time: "onset",
    }
}

fn list(fields: Fields) -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), false)))
}

fn findings() -> Fields {
    Fields::from(vec![
        Field::new("parameter", Utf8, false),
        Field::new("value", Float64, false),
        Field::new("unit", Utf8, false),
        Field::new("observed_at", time_type(), false),
        Field::new("score", Int32, false),
    ])
}

fn offsets() -> Fields {
    Fields::from(vec![
        Field::new("topic", Utf8, false),
        Field::new("partition", Int32, false),
        Field::new("first_offset", Int64, false),
        Field::new("last_offset", Int64, false),
    ])
}

impl Row for Alert {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.last.onset
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let session = |row: &Self| row.last.session.map(|session| session.to_string());
        let evidence: Vec<&Evidence> = rows.iter().map(|(_, row)| &row.last.evidence).collect();
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.last.alert.to_string()),
                texts(rows, |row| row.last.user.to_string()),
                column!(StringArray, rows, session),
                texts(rows, |row| row.last.rule.id()),
                texts(rows, |row| row.last.rule.version()),
                texts(rows, |row| row.last.level.name()),
                texts(rows, |row| if row.cleared_at().is_some() { "cleared" } else { "open" }),
                times(rows, |row| Some(row.last.onset)),
                times(rows, |row| Some(row.raised_at)),
                times(rows, |row| Some(row.last.at)),
                times(rows, Self::cleared_at),
                column!(Int32Array, rows, |row: &Self| Some(row.last.evidence.score as i32)),
                times(rows, |row| Some(row.last.evidence.window_start)),
                times(rows, |row| Some(row.last.evidence.window_end)),
                findings_column(&evidence),
                offsets_column(&evidence),
            ],
        )
    }
}

const FIELD: &str = "the builder was made from the same fields";

fn findings_column(rows: &[&Evidence]) -> ArrayRef {
    let mut lists = list_builder(findings());
    for evidence in rows {
        let item = lists.values();
        for finding in &evidence.findings {
            item.field_builder::<StringBuilder>(0).expect(FIELD).append_value(&finding.parameter);
            item.field_builder::<Float64Builder>(1).expect(FIELD).append_value(finding.value.get());
            item.field_builder::<StringBuilder>(2).expect(FIELD).append_value(&finding.unit);
            item.field_builder::<TimestampMicrosecondBuilder>(3)
                .expect(FIELD)
                .append_value(finding.observed_at);
            item.field_builder::<Int32Builder>(4).expect(FIELD).append_value(finding.score as i32);
            item.append(true);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn offsets_column(rows: &[&Evidence]) -> ArrayRef {
    let mut lists = list_builder(offsets());
    for evidence in rows {
        let item = lists.values();
        for span in &evidence.spans {
            item.field_builder::<StringBuilder>(0).expect(FIELD).append_value(span.input.topic());
            item.field_builder::<Int32Builder>(1).expect(FIELD).append_value(span.partition as i32);
            item.field_builder::<Int64Builder>(2).expect(FIELD).append_value(span.first as i64);
            item.field_builder::<Int64Builder>(3).expect(FIELD).append_value(span.last as i64);
            item.append(true);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn list_builder(fields: Fields) -> ListBuilder<StructBuilder> {
    let item = Field::new("item", DataType::Struct(fields.clone()), false);
    ListBuilder::new(StructBuilder::from_fields(fields, 0)).with_field(item)
}
