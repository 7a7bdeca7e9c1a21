//! `coachings`: what people are told of their measurements, newest revision.

use super::{
    FIELD, Row, Table, assemble, column, ids, list, list_builder, optional_texts, schema, texts, time_type,
    times,
};
use crate::{About, Coaching, Message, Micros, Risk, Trend, view::RowId};
use arrow::{
    array::{
        ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
        StructBuilder,
    },
    datatypes::{
        DataType::{Boolean, Int32, Int64, Utf8},
        Field, Fields,
    },
};
use std::sync::Arc;

/// The table.
pub fn table() -> Table {
    Table {
        name: "coachings",
        about: "what people are told of their measurements, from templates; not a diagnosis",
        schema: schema(&[
            ("session_id", Utf8, false, "session measured"),
            ("user_id", Utf8, false, "person measured"),
            ("measured_at", time_type(), false, "when the measurement was completed"),
            ("measurement_revision", Int32, false, "revision of the measurement"),
            ("biomarker", Utf8, true, "what was measured; null where it is not understood"),
            (
                "risk_level",
                Utf8,
                true,
                "LOW, MODERATE, HIGH or CRITICAL; null says nothing, not that all is well",
            ),
            ("needs_retest", Boolean, false, "whether it must be measured again before it counts"),
            ("template_version", Utf8, false, "version of the templates"),
            ("text_ko", Utf8, false, "all of it in Korean"),
            ("text_en", Utf8, false, "all of it in English"),
            ("messages", list(messages()), false, "what is told, the most urgent first"),
            ("partition", Int32, false, "partition of its packets"),
            ("first_offset", Int64, false, "lowest offset of its packets"),
            ("last_offset", Int64, false, "highest offset of its packets"),
        ]),
        time: "measured_at",
    }
}

fn messages() -> Fields {
    Fields::from(vec![
        Field::new("rule", Utf8, true),
        Field::new("class", Utf8, true),
        Field::new("risk_level", Utf8, true),
        Field::new("trend", Utf8, true),
        Field::new("silence", Utf8, true),
        Field::new("text_ko", Utf8, false),
        Field::new("text_en", Utf8, false),
    ])
}

impl Row for Coaching {
    fn table() -> Table {
        table()
    }

    fn dated(&self) -> Micros {
        self.at
    }

    fn batch(rows: &[(RowId, &Self)]) -> RecordBatch {
        let (korean, english): (Vec<_>, Vec<_>) =
            rows.iter().map(|(_, row)| row.text()).map(|text| (text.ko, text.en)).unzip();
        assemble(
            &table(),
            vec![
                ids(rows),
                texts(rows, |row| row.session.to_string()),
                texts(rows, |row| row.user.to_string()),
                times(rows, |row| Some(row.at)),
                column!(Int32Array, rows, |row: &Self| Some(row.revision as i32)),
                optional_texts(rows, |row| row.biomarker.as_deref()),
                optional_texts(rows, |row| row.level.map(Risk::name)),
                column!(BooleanArray, rows, |row: &Self| Some(row.needs_retest)),
                texts(rows, |row| row.version.as_str()),
                Arc::new(StringArray::from(korean)),
                Arc::new(StringArray::from(english)),
                lists(rows),
                column!(Int32Array, rows, |row: &Self| Some(row.packets.partition as i32)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.first as i64)),
                column!(Int64Array, rows, |row: &Self| Some(row.packets.last as i64)),
            ],
        )
    }
}

fn lists(rows: &[(RowId, &Coaching)]) -> ArrayRef {
    let mut lists = list_builder(messages());
    for (_, row) in rows {
        row.messages.iter().for_each(|message| append(lists.values(), message));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// One message, in the order of [`messages`].
fn append(item: &mut StructBuilder, Message { about, trend, text }: &Message) {
    let (rule, class, level, silence) = match about {
        About::Class { rule, class, level } => (Some(rule), Some(class), Some(level.name()), None),
        About::Silence(code) => (None, None, None, Some(code)),
    };
    let texts = [
        rule.map(String::as_str),
        class.map(String::as_str),
        level,
        trend.map(Trend::name),
        silence.map(String::as_str),
        Some(text.ko.as_str()),
        Some(text.en.as_str()),
    ];
    for (place, text) in texts.into_iter().enumerate() {
        item.field_builder::<StringBuilder>(place).expect(FIELD).append_option(text);
    }
    item.append(true);
}

#[cfg(test)]
mod tests {
    use crate::{About, Coaching, Input, Message, Risk, SessionId, Span, Text, Trend, UserId, table::Row};
    use arrow::array::{Array, AsArray};
    use std::sync::Arc;

    #[test]
    fn a_row_says_all_of_it_in_both_languages_and_each_message_with_its_rule_or_its_silence() {
        let text = |text: &str| Text { ko: format!("{text} (ko)"), en: text.into() };
        let class = About::Class { rule: "a.rule".into(), class: "a class".into(), level: Risk::High };
        let messages = vec![
            Message { about: class, trend: Some(Trend::Worse), text: text("One.") },
            Message { about: About::Silence("unsure".into()), trend: None, text: text("Two.") },
        ];
        let coaching = Coaching {
            at: 5,
            session: SessionId::derive(&["s"]),
            user: UserId::derive(&["u"]),
            revision: 3,
            biomarker: None,
            level: Some(Risk::High),
            needs_retest: true,
            messages,
            not_a_diagnosis: text("No diagnosis."),
            version: "1.0".into(),
            packets: Span { input: Input::Packets, partition: 1, first: 2, last: 3 },
        };
        let batch = Coaching::batch(&[([0; 16], &coaching)]);
        let column = |name: &str| batch.column_by_name(name).expect("a column of the table");
        assert_eq!(column("text_en").as_string::<i32>().value(0), "One. Two. No diagnosis.");
        assert_eq!(column("text_ko").as_string::<i32>().value(0), "One. (ko) Two. (ko) No diagnosis. (ko)");
        assert_eq!(column("risk_level").as_string::<i32>().value(0), "HIGH");
        let list = column("messages").as_list::<i32>().value(0);
        let part = |name: &str| Arc::clone(list.as_struct().column_by_name(name).expect("a field"));
        for name in ["rule", "class", "risk_level", "trend"] {
            assert_eq!([0, 1].map(|row| part(name).is_valid(row)), [true, false], "{name}");
        }
        assert_eq!(part("silence").as_string::<i32>().value(1), "unsure");
        assert_eq!(part("text_en").as_string::<i32>().value(1), "Two.");
    }
}
