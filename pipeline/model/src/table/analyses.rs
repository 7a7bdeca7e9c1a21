//! `analyses`: what the rules say of every measurement, newest revision.

use super::{
    FIELD, Row, Table, assemble, column, ids, list, list_builder, numbers, optional_texts, schema, texts,
    time_type, times,
};
use crate::{Analysis, Claim, Judged, Micros, Number, Risk, view::RowId};
use arrow::{
    array::{
        ArrayRef, BooleanArray, BooleanBuilder, Float64Array, Float64Builder, Int32Array, Int64Array,
        RecordBatch, StringBuilder, StructBuilder,
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
        name: "analyses",
        about: "what the rules say of every measurement, newest revision; not a diagnosis",
        schema: schema(&[
            ("session_id", Utf8, false, "session measured"),
            ("user_id", Utf8, false, "person measured"),
            ("measured_at", time_type(), false, "when the measurement was completed"),
            ("measurement_revision", Int32, false, "revision of the measurement"),
            ("biomarker", Utf8, true, "what was measured; null where it is not understood"),
            ("measured_value", Float64, true, "the value"),
            ("unit", Utf8, false, "its unit"),
            ("confidence", Float64, false, "how sure it is, 0 to 1"),
            (
                "risk_level",
                Utf8,
                true,
                "LOW, MODERATE, HIGH or CRITICAL; null says nothing, not that all is well",
            ),
            ("risk_score", Float64, true, "ordinal code of the level from 0 to 1, not a probability"),
            ("needs_retest", Boolean, false, "whether it must be measured again before it counts"),
            ("unasked", Utf8, true, "why no rule was asked: not_understood, no_value, impossible, guess"),
            ("judgements", list(judgements()), false, "what each rule says that asks about it"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
        ]),
        time: "measured_at",
    }
}

fn judgements() -> Fields {
    Fields::from(vec![
        Field::new("rule", Utf8, false),
        Field::new("rule_set", Utf8, false),
        Field::new("rule_version", Utf8, false),
        Field::new("risk_level", Utf8, true),
        Field::new("silence", Utf8, true),
        Field::new("class", Utf8, true),
        Field::new("value", Float64, true),
        Field::new("unit", Utf8, true),
        Field::new("limits", Utf8, true),
        Field::new("source", Utf8, true),
        Field::new("confidence", Float64, true),
        Field::new("needs_retest", Boolean, true),
    ])
}

impl Row for Analysis {
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
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.at)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                optional_texts(rows, |row| row.biomarker.as_deref()),
                numbers(rows, |row| row.value),
                texts(rows, |row| row.unit.as_str()),
                numbers(rows, |row| Some(row.confidence)),
                optional_texts(rows, |row| row.level().map(Risk::name)),
                column!(Float64Array, rows, |row: &Self| row.level().map(Risk::score)),
                column!(BooleanArray, rows, |row: &Self| Some(row.needs_retest())),
                optional_texts(rows, |row| row.unasked.as_deref()),
                lists(rows),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
            ],
        )
    }
}

fn lists(rows: &[(RowId, &Analysis)]) -> ArrayRef {
    let mut lists = list_builder(judgements());
    for (_, row) in rows {
        row.judged.iter().for_each(|judged| append(lists.values(), judged));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// One judgement, in the order of [`judgements`].
fn append(item: &mut StructBuilder, Judged { rule, level, silence }: &Judged) {
    let claim = rule.claim.as_ref();
    let of = |get: fn(&Claim) -> &str| claim.map(get);
    let texts = [
        (0, Some(rule.id.as_str())),
        (1, Some(rule.set.as_str())),
        (2, Some(rule.version.as_str())),
        (3, level.map(Risk::name)),
        (4, silence.as_deref()),
        (5, of(|claim| &claim.class)),
        (7, of(|claim| &claim.unit)),
        (8, of(|claim| &claim.limits)),
        (9, of(|claim| &claim.source)),
    ];
    for (place, text) in texts {
        item.field_builder::<StringBuilder>(place).expect(FIELD).append_option(text);
    }
    for (place, value) in [(6, claim.map(|claim| claim.value)), (10, claim.map(|claim| claim.confidence))] {
        item.field_builder::<Float64Builder>(place).expect(FIELD).append_option(value.map(Number::get));
    }
    let needs_retest = claim.map(|claim| claim.needs_retest);
    item.field_builder::<BooleanBuilder>(11).expect(FIELD).append_option(needs_retest);
    item.append(true);
}

#[cfg(test)]
mod tests {
    use crate::{Analysis, Claim, Input, Judged, Number, Risk, SessionId, SetRule, Span, UserId, table::Row};
    use arrow::array::{Array, AsArray};
    use std::sync::Arc;

    #[test]
    fn a_row_says_the_worst_level_and_each_rule_with_its_claim_or_its_silence() {
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
            needs_retest: true,
        };
        let judged = |claim: Option<Claim>| Judged {
            level: claim.as_ref().map(|_| Risk::High),
            silence: claim.is_none().then(|| "age_unknown".into()),
            rule: SetRule { id: "a.rule".into(), set: "a set".into(), version: "1.2".into(), claim },
        };
        let whole = Analysis {
            at: 5,
            session: SessionId::derive(&["s"]),
            user: UserId::derive(&["u"]),
            revision: 3,
            biomarker: Some("glucose".into()),
            value: Some(Number::from(50)),
            unit: "mg/dL".into(),
            confidence: Number::from(1),
            judged: vec![judged(Some(claim)), judged(None)],
            unasked: None,
            packets: Span { input: Input::Packets, partition: 1, first: 2, last: 3 },
        };
        let (value, judged, unasked) = (None, Vec::new(), Some("no_value".into()));
        let empty = Analysis { value, judged, unasked, ..whole.clone() };
        let batch = Analysis::batch(&[([0; 16], &whole), ([1; 16], &empty)]);
        let column = |name: &str| batch.column_by_name(name).expect("a column of the table");
        assert_eq!(column("risk_level").as_string::<i32>().value(0), "HIGH");
        for name in ["risk_level", "risk_score", "measured_value"] {
            assert_eq!([0, 1].map(|row| column(name).is_valid(row)), [true, false], "{name}");
        }
        assert_eq!([0, 1].map(|row| column("needs_retest").as_boolean().value(row)), [true, true]);
        let lists = column("judgements").as_list::<i32>();
        assert_eq!([lists.value_length(0), lists.value_length(1)], [2, 0]);
        let rules = lists.value(0);
        let part = |name: &str| Arc::clone(rules.as_struct().column_by_name(name).expect("a field"));
        assert_eq!(part("limits").as_string::<i32>().value(0), "< 54");
        assert_eq!(part("silence").as_string::<i32>().value(1), "age_unknown");
        for name in ["risk_level", "class", "value", "unit", "limits", "source", "confidence", "needs_retest"]
        {
            assert_eq!([0, 1].map(|row| part(name).is_valid(row)), [true, false], "{name}");
        }
    }
}
