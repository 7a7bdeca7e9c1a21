//! Two accounts of one alert, change by change: what differs, by the names of fields.

use super::published::{Standing, Told};
use serde_json::Value;
use std::collections::BTreeMap;

/// A change that is not the same there and here.
#[derive(Clone)]
pub struct Difference {
    /// Which change: its kind and its time; and what is the matter with it.
    pub change: String,
    /// The fields that differ; none if the change is on one side alone.
    pub fields: Vec<Field>,
}

/// A field that differs, with its values: health data.
#[derive(Clone)]
pub struct Field {
    /// Where it is: `payload.findings.0.value`, `header ce_id`, `key`, `time`.
    pub name: String,
    /// What is published; nothing where the field is missing.
    pub published: Option<String>,
    /// What came out here.
    pub here: Option<String>,
}

// Values are for who asks to see them: what prints is which fields.
impl std::fmt::Debug for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.fields.iter().map(|field| field.name.as_str()).collect();
        write!(f, "Difference({}: {})", self.change, names.join(", "))
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({})", self.name)
    }
}

/// What differs between what is published and what came out here.
pub(super) fn differences(published: &Standing, here: &Standing) -> Vec<Difference> {
    let strange = |one: &Standing, other: &Standing| -> Vec<(String, Told)> {
        let differs = |(id, told): &(&String, &Told)| other.told.get(*id) != Some(told);
        let strange = one.told.iter().filter(differs).map(|(_, told)| (name(told), told.clone()));
        let mut strange: Vec<_> = strange.collect();
        strange.sort_by(|(a, _), (b, _)| a.cmp(b));
        strange
    };
    let mut extra = strange(here, published);
    let mut found = Vec::new();
    for (change, there) in strange(published, here) {
        // The nearest account of it: the same kind of change, the first by time that is left.
        let kind = change.split(' ').next().unwrap_or_default().to_owned();
        let near = extra.iter().position(|(other, _)| *other == change);
        let near = near.or_else(|| extra.iter().position(|(other, _)| other.starts_with(&kind)));
        let near = near.map(|place| extra.remove(place));
        found.push(match near {
            Some((_, here)) => Difference { change, fields: fields(&there, &here) },
            None => Difference { change: format!("{change} does not come out again"), fields: Vec::new() },
        });
    }
    let nobody = |(change, _)| Difference {
        change: format!("{change} comes out, and nobody published it"),
        fields: Vec::new(),
    };
    found.extend(extra.into_iter().map(nobody));
    found
}

/// Kind and time of a change.
fn name(told: &Told) -> String {
    let value: Value = serde_json::from_slice(&told.value).unwrap_or_default();
    let text = |name: &str| value["payload"][name].as_str().unwrap_or_default().to_owned();
    format!("{} at {}", text("kind"), text("changed_at"))
}

fn fields(there: &Told, here: &Told) -> Vec<Field> {
    let (there, here) = (spread(there), spread(here));
    let names: std::collections::BTreeSet<&String> = there.keys().chain(here.keys()).collect();
    let differing = names.into_iter().filter(|name| there.get(*name) != here.get(*name));
    let field = |name: &String| Field {
        name: name.clone(),
        published: there.get(name).cloned(),
        here: here.get(name).cloned(),
    };
    differing.map(field).collect()
}

/// Every field of a record as text, by name.
fn spread(told: &Told) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut all = BTreeMap::from([("time".to_owned(), told.timestamp_ms.to_string())]);
    all.extend(told.key.as_deref().map(|key| ("key".to_owned(), text(key))));
    for (name, value) in &told.headers {
        all.insert(format!("header {name}"), text(value));
    }
    match serde_json::from_slice(&told.value) {
        Ok(value) => spread_value(String::new(), &value, &mut all),
        Err(_) => drop(all.insert("value".into(), text(&told.value))),
    }
    all
}

fn spread_value(name: String, value: &Value, all: &mut BTreeMap<String, String>) {
    let below = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(part, value)| spread_value(below(part), value, all));
        }
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(part, value)| spread_value(below(&part.to_string()), value, all));
        }
        value => drop(all.insert(name, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(changes: &[(&str, &str)]) -> Standing {
        let mut standing = Standing::default();
        for (id, value) in changes {
            let told = Standing::told(Some(b"k".to_vec()), value.as_bytes().to_vec(), Vec::new(), 7);
            standing.told.insert((*id).to_owned(), told);
        }
        standing
    }

    #[test]
    fn what_differs_is_named_and_its_values_do_not_print() {
        let there = standing(&[
            ("1", r#"{"payload":{"kind":"raised","changed_at":"t1","findings":[{"value":120.5}]}}"#),
            ("2", r#"{"payload":{"kind":"cleared","changed_at":"t2"}}"#),
        ]);
        let here = standing(&[
            ("3", r#"{"payload":{"kind":"raised","changed_at":"t1","findings":[{"value":121.5}],"more":1}}"#),
            ("4", r#"{"payload":{"kind":"escalated","changed_at":"t3"}}"#),
        ]);
        assert!(differences(&there, &there).is_empty());
        let found = differences(&there, &here);
        let text = format!("{found:?}");
        assert_eq!(
            text,
            "[Difference(cleared at t2 does not come out again: ), \
             Difference(raised at t1: payload.findings.0.value, payload.more), \
             Difference(escalated at t3 comes out, and nobody published it: )]"
        );
        let value = &found[1].fields[0];
        assert_eq!((value.published.as_deref(), value.here.as_deref()), (Some("120.5"), Some("121.5")));
    }
}
