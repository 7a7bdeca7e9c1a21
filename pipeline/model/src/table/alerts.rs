//! `alerts`: one row per alert as it stands, with the evidence of its newest change.

use super::{
    FIELD, Row, Table, assemble, column, ids, list, list_builder, numbers, optional_texts, schema, texts,
    time_type, times,
};
use crate::{Alert, Claim, Evidence, Micros, view::RowId};
use arrow::{
    array::{
        ArrayRef, BooleanArray, Float64Builder, Int32Array, Int32Builder, Int64Builder, RecordBatch,
        StringArray, StringBuilder, TimestampMicrosecondBuilder,
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
        name: "alerts",
        about: "alerts as they stand, each with its evidence; not a diagnosis",
        schema: schema(&[
            ("alert_id", Utf8, false, "identity, the same over all changes of the alert"),
            ("user_id", Utf8, false, "person concerned"),
            ("session_id", Utf8, true, "session, for rules over one session's signal"),
            ("rule", Utf8, false, "rule that raised it"),
            ("rule_version", Utf8, false, "version of the rule that raised it"),
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
            // Last, because files of the lake that were written before do not have them. Rules of a set have them.
            ("rule_set", Utf8, true, "set of the rule, whose version is rule_version"),
            ("class", Utf8, true, "class as published"),
            ("value", Float64, true, "what was compared with the limits"),
            ("unit", Utf8, true, "its unit, UCUM"),
            ("at_least", Boolean, true, "whether the value is the least it can be"),
            ("limit_low", Float64, true, "lower limit of the class"),
            ("limit_high", Float64, true, "upper limit of the class"),
            ("limits", Utf8, true, "the limits as people write them"),
            ("source", Utf8, true, "where the limits are published"),
            ("confidence", Float64, true, "how sure the values are, 0 to 1"),
            ("needs_retest", Boolean, true, "whether it must be measured again before it counts"),
            ("changed_by_version", Utf8, true, "version of the rule that changed it last, if another"),
        ]),
        time: "onset",
    }
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
                texts(rows, Self::rule_version),
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
                optional_texts(rows, |row| row.last.rule.of_set().map(|rule| rule.set.as_str())),
                optional_texts(rows, |row| claim(row).map(|claim| claim.class.as_str())),
                numbers(rows, |row| claim(row).map(|claim| claim.value)),
                optional_texts(rows, |row| claim(row).map(|claim| claim.unit.as_str())),
                column!(BooleanArray, rows, |row| claim(row).map(|claim| claim.at_least)),
                numbers(rows, |row| claim(row)?.low),
                numbers(rows, |row| claim(row)?.high),
                optional_texts(rows, |row| claim(row).map(|claim| claim.limits.as_str())),
                optional_texts(rows, |row| claim(row).map(|claim| claim.source.as_str())),
                numbers(rows, |row| claim(row).map(|claim| claim.confidence)),
                column!(BooleanArray, rows, |row| claim(row).map(|claim| claim.needs_retest)),
                optional_texts(rows, |row| row.raised_by.as_ref().map(|_| row.last.rule.version())),
            ],
        )
    }
}

fn claim(row: &Alert) -> Option<&Claim> {
    row.last.rule.claim()
}

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

#[cfg(test)]
mod tests {
    use crate::{
        Alert, AlertChange, ChangeKind, Claim, EventId, Evidence, Level, Number, Rule, SetRule, UserId,
        table::Row,
    };
    use arrow::array::{Array, AsArray};

    fn alert(rule: Rule) -> Alert {
        let (spans, findings) = (Vec::new(), Vec::new());
        let evidence = Evidence { score: 0, findings, window_start: 1, window_end: 2, spans };
        let last = AlertChange {
            at: 2,
            alert: EventId::derive(&["alert"]),
            kind: ChangeKind::Repeated,
            level: Level::High,
            user: UserId::derive(&["user"]),
            session: None,
            rule,
            onset: 1,
            evidence,
        };
        Alert { raised_at: 1, last, raised_by: None }
    }

    #[test]
    fn rules_of_a_set_say_what_they_claim_and_the_others_have_nothing_there() {
        let number = |value| Number::from(value);
        let claim = Claim {
            class: "a class".into(),
            value: number(50),
            unit: "mg/dL".into(),
            at_least: false,
            low: None,
            high: Some(number(54)),
            limits: "< 54".into(),
            source: "a standard".into(),
            confidence: number(1),
            needs_retest: true,
        };
        let set = |claim| {
            let (id, set, version) = ("a.rule".to_owned(), "a set".to_owned(), "1.2".to_owned());
            Rule::Set(Box::new(SetRule { id, set, version, claim }))
        };
        let alerts = [alert(Rule::PulseBand), alert(set(Some(claim))), alert(set(None))];
        let batch = Alert::batch(&[([0; 16], &alerts[0]), ([1; 16], &alerts[1]), ([2; 16], &alerts[2])]);
        let column = |name: &str| batch.column_by_name(name).expect("a column of the table");
        let text = |name: &str, row: usize| {
            let texts = column(name).as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        };
        assert_eq!(text("rule", 1).as_deref(), Some("a.rule"));
        assert_eq!(text("rule_version", 2).as_deref(), Some("1.2"));
        assert_eq!(text("state", 1).as_deref(), Some("open"), "told again, it stands");
        assert_eq!([0, 1, 2].map(|row| text("rule_set", row).is_some()), [false, true, true]);
        assert_eq!(text("limits", 1).as_deref(), Some("< 54"));
        for name in ["class", "value", "unit", "at_least", "limit_high", "source", "confidence"] {
            assert_eq!([0, 1, 2].map(|row| column(name).is_valid(row)), [false, true, false], "{name}");
        }
        assert_eq!(column("limit_low").null_count(), 3);
        assert!(column("needs_retest").as_boolean().value(1));
    }
}
