//! `daily_summaries`: what each day of each person came to, as far as it goes.

use super::{FIELD, Row, Table, assemble, column, ids, list, list_builder, schema, texts, time_type, times};
use crate::{BiomarkerDay, DailySummary, Micros, Number, Risk, view::RowId};
use arrow::{
    array::{
        ArrayRef, BooleanArray, Date32Array, Float64Builder, Int32Array, Int32Builder, RecordBatch,
        StringBuilder, StructBuilder, TimestampMicrosecondBuilder,
    },
    datatypes::{
        DataType::{Boolean, Date32, Float64, Int32, Utf8},
        Field, Fields,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "daily_summaries",
        about: "what each day of each person came to, from templates; not a diagnosis",
        schema: schema(&[
            ("user_id", Utf8, false, "person"),
            ("day", Date32, false, "the day, of the person's calendar"),
            ("utc_offset_minutes", Int32, false, "how far the person's time was ahead of UTC at its end"),
            ("ends_at", time_type(), false, "first moment after the day"),
            ("is_over", Boolean, false, "whether it is over"),
            (
                "kind",
                Utf8,
                false,
                "in_range, recorded (no rule judges some of it), outside, urgent or nothing",
            ),
            ("measurements", Int32, false, "measurements that were completed"),
            ("to_repeat", Int32, false, "how many of them must be measured again before they count"),
            ("alerts_moderate", Int32, false, "alerts that rose, and came to MODERATE on the day"),
            ("alerts_high", Int32, false, "to HIGH"),
            ("alerts_critical", Int32, false, "to CRITICAL"),
            ("template_version", Utf8, false, "version of the templates"),
            ("text_ko", Utf8, false, "what is told of it in Korean"),
            ("text_en", Utf8, false, "what is told of it in English"),
            ("biomarkers", list(biomarkers()), false, "what was measured, by name"),
        ]),
        time: "ends_at",
    }
}

fn biomarkers() -> Fields {
    Fields::from(vec![
        Field::new("biomarker", Utf8, false),
        Field::new("unit", Utf8, false),
        Field::new("count", Int32, false),
        Field::new("lowest", Float64, true),
        Field::new("highest", Float64, true),
        Field::new("last", Float64, true),
        Field::new("last_at", time_type(), true),
        Field::new("risk_level", Utf8, true),
    ])
}

impl Row for DailySummary {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.ends_at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let whole = |get: fn(&Self) -> u32| column!(Int32Array, rows, |row: &Self| Some(get(row) as i32));
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.user.to_string()),
                column!(Date32Array, rows, |row: &Self| Some(row.day)),
                column!(Int32Array, rows, |row: &Self| Some(i32::from(row.offset))),
                times(rows, |row| Some(row.ends_at)),
                column!(BooleanArray, rows, |row: &Self| Some(row.is_over)),
                texts(rows, |row| row.kind.name()),
                whole(|row| row.measurements),
                whole(|row| row.to_repeat),
                whole(|row| row.alerts.moderate),
                whole(|row| row.alerts.high),
                whole(|row| row.alerts.critical),
                texts(rows, |row| row.version.as_str()),
                texts(rows, |row| row.text.ko.as_str()),
                texts(rows, |row| row.text.en.as_str()),
                lists(rows),
            ],
        )
    }
}

fn lists(rows: &[(RowId, &DailySummary)]) -> ArrayRef {
    let mut lists = list_builder(biomarkers());
    for (_, row) in rows {
        row.biomarkers.iter().for_each(|of| append(lists.values(), of));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// One biomarker, in the order of [`biomarkers`].
fn append(item: &mut StructBuilder, of: &BiomarkerDay) {
    let BiomarkerDay { name, unit, count, lowest, highest, last, worst } = of;
    for (place, text) in [(0, Some(name.as_str())), (1, Some(unit.as_str())), (7, worst.map(Risk::name))] {
        item.field_builder::<StringBuilder>(place).expect(FIELD).append_option(text);
    }
    item.field_builder::<Int32Builder>(2).expect(FIELD).append_value(*count as i32);
    let values = [*lowest, *highest, last.map(|(_, value)| value)];
    for (place, value) in (3..).zip(values) {
        item.field_builder::<Float64Builder>(place).expect(FIELD).append_option(value.map(Number::get));
    }
    let at = last.map(|(at, _)| at);
    item.field_builder::<TimestampMicrosecondBuilder>(6).expect(FIELD).append_option(at);
    item.append(true);
}

#[cfg(test)]
mod tests {
    use crate::{AlertCounts, BiomarkerDay, DailySummary, DayKind, Number, Risk, Text, UserId, table::Row};
    use arrow::{
        array::{Array, AsArray},
        datatypes::{Date32Type, Float64Type, Int32Type, TimestampMicrosecondType},
    };
    use std::sync::Arc;

    #[test]
    fn a_row_says_what_was_measured_biomarker_by_biomarker() {
        let glucose = BiomarkerDay {
            name: "glucose".into(),
            unit: "mg/dL".into(),
            count: 2,
            lowest: Some(Number::from(60)),
            highest: Some(Number::from(90)),
            last: Some((7, Number::from(60))),
            worst: Some(Risk::Moderate),
        };
        let urate = BiomarkerDay {
            name: "urate".into(),
            lowest: None,
            highest: None,
            last: None,
            worst: None,
            ..glucose.clone()
        };
        let summary = DailySummary {
            ends_at: 5,
            user: UserId::derive(&["u"]),
            day: 20_000,
            offset: -480,
            is_over: true,
            kind: DayKind::Outside,
            measurements: 3,
            to_repeat: 1,
            biomarkers: vec![glucose, urate],
            alerts: AlertCounts { moderate: 1, high: 2, critical: 3 },
            text: Text { ko: "(ko)".into(), en: "(en)".into() },
            version: "1.0".into(),
        };
        let batch = DailySummary::batch(&[([0; 16], &summary)]);
        let column = |name: &str| Arc::clone(batch.column_by_name(name).expect("a column of the table"));
        assert_eq!(column("day").as_primitive::<Date32Type>().value(0), 20_000);
        assert_eq!(column("kind").as_string::<i32>().value(0), "outside");
        let whole = |name: &str| column(name).as_primitive::<Int32Type>().value(0);
        let names = ["utc_offset_minutes", "measurements", "to_repeat"].map(whole);
        assert_eq!(names, [-480, 3, 1]);
        assert_eq!(["alerts_moderate", "alerts_high", "alerts_critical"].map(whole), [1, 2, 3]);
        let list = column("biomarkers").as_list::<i32>().value(0);
        let part = |name: &str| Arc::clone(list.as_struct().column_by_name(name).expect("a field"));
        let value = |name: &str| Number::finite(part(name).as_primitive::<Float64Type>().value(0));
        assert_eq!(["lowest", "highest", "last"].map(value), [60, 90, 60].map(|due| Some(Number::from(due))));
        assert_eq!(part("last_at").as_primitive::<TimestampMicrosecondType>().value(0), 7);
        assert_eq!(part("risk_level").as_string::<i32>().value(0), "MODERATE");
        for name in ["lowest", "highest", "last", "last_at", "risk_level"] {
            assert_eq!([0, 1].map(|row| part(name).is_valid(row)), [true, false], "{name}");
        }
    }
}
