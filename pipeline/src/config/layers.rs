//! Values by dotted key, each with its source; later layers win.
//!
//! # Invariants
//! - Every key exists in the defaults, is listed in [`OPTIONAL`], or lies in a table of [`FREE`].
//! - A value has the type of its default; one in a table of [`FREE`] is a string.
//! - No message holds a value of a table of [`FREE`]: it may be a secret.

use super::{Error, Source};
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, ffi::OsString, fmt, ops::Range, path::Path};
use toml::{Table, Value, de::DeTable};

/// Keys that have no default.
const OPTIONAL: [(&str, &str); 3] = [
    ("door.limits.spill.directory", "string"),
    ("door.limits.spill.bytes", "integer"),
    ("log.kafka.group_id", "string"),
];

/// Tables whose keys are not ours.
const FREE: [&str; 1] = ["log.kafka.properties."];

/// Prefix of environment variables.
const PREFIX: &str = "MANPASIK_";

/// Values by dotted key, each with its source.
#[derive(Clone)]
pub struct Layers {
    values: BTreeMap<String, (Value, Source)>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.effective()).finish()
    }
}

impl Layers {
    /// The defaults alone.
    pub fn defaults() -> Self {
        let table: Table =
            super::DEFAULTS.parse().expect("the shipped defaults are TOML (a test loads them)");
        let mut values = BTreeMap::new();
        flatten("", table, &mut |key, value| {
            values.insert(key, (value, Source::Default));
        });
        Self { values }
    }

    /// Adds a file.
    pub fn file(&mut self, path: &Path) -> Result<(), Error> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Unreadable { file: name.clone(), reason: error.kind() })?;
        self.text(&name, &text)
    }

    /// Adds the text of a file called `name`.
    pub fn text(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let at = |span: Range<usize>| Source::File(name.to_owned(), line_of(text, span.start));
        let syntax = |error: &toml::de::Error| Error::Syntax {
            at: at(error.span().unwrap_or_default()),
            message: error.message().to_owned(),
        };
        let table: Table = text.parse().map_err(|error| syntax(&error))?;
        let spanned = DeTable::parse(text).map_err(|error| syntax(&error))?;
        let mut lines = BTreeMap::new();
        locate("", spanned.get_ref(), &mut |key, span| {
            lines.insert(key, at(span));
        });
        let mut leaves = Vec::new();
        flatten("", table, &mut |key, value| leaves.push((key, value)));
        for (key, value) in leaves {
            let source = lines.get(&key).cloned().unwrap_or_else(|| Source::File(name.to_owned(), 1));
            self.set(key, value, source)?;
        }
        Ok(())
    }

    /// Adds the variables of an environment that begin with the prefix.
    ///
    /// Variables of others need not be text. A name without a double underscore that is no key is somebody
    /// else's too: Kubernetes sets `MANPASIK_PORT` and the like for a service called manpasik.
    pub fn environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<(), Error> {
        let named = variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let mut ours: Vec<_> = named.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        ours.sort();
        for (name, value) in ours {
            let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
            if !name.contains("__") && self.kind(&key).is_none() {
                continue;
            }
            let at = Source::Environment(name);
            let Ok(text) = value.into_string() else {
                return Err(Error::BadValue { at, key, expected: "must be UTF-8 text".into() });
            };
            self.set_text(&key, &text, at)?;
        }
        Ok(())
    }

    /// Adds one value given as text, as a flag or a variable gives it.
    pub fn set_text(&mut self, key: &str, text: &str, source: Source) -> Result<(), Error> {
        let value = if matches!(self.kind(key), Some("string") | None) {
            Value::String(text.to_owned())
        } else {
            let parsed = format!("value = {text}").parse::<Table>();
            let value = parsed.ok().and_then(|mut table| table.remove("value"));
            value.unwrap_or_else(|| Value::String(text.to_owned()))
        };
        self.set(key.to_owned(), value, source)
    }

    fn set(&mut self, key: String, value: Value, at: Source) -> Result<(), Error> {
        match self.kind(&key) {
            Some(kind) if kind == value.type_str() => {}
            Some(kind) => {
                let expected = format!("must be of type {kind}, not {}", value.type_str());
                return Err(Error::BadValue { at, key, expected });
            }
            // A header with nothing below it says nothing.
            None if self.is_table(&key) && value.as_table().is_some_and(Table::is_empty) => return Ok(()),
            None if self.is_table(&key) => {
                let expected = "is a table of keys, not a value; write one of its keys".into();
                return Err(Error::BadValue { at, key, expected });
            }
            None => {
                let nearest = self.nearest(&key, value.is_table());
                return Err(Error::UnknownKey { at, key, nearest });
            }
        }
        self.values.insert(key, (value, at));
        Ok(())
    }

    /// The type a value of `key` must have; `None` if there is no such key.
    fn kind(&self, key: &str) -> Option<&str> {
        let known = self.values.get(key).map(|(known, _)| known.type_str());
        let optional = || OPTIONAL.iter().find(|(known, _)| *known == key).map(|(_, kind)| *kind);
        let free = || FREE.iter().any(|table| key.starts_with(table)).then_some("string");
        known.or_else(optional).or_else(free)
    }

    /// Every key but those of free tables, in no particular order.
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str).chain(OPTIONAL.map(|(key, _)| key))
    }

    /// Whether valid keys lie below `key`.
    fn is_table(&self, key: &str) -> bool {
        let is_below = |below: &str| below.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.keys().chain(FREE).any(is_below)
    }

    /// The valid key (or table) closest to `key`: one that ends with it, or else the one with the
    /// fewest typos.
    fn nearest(&self, key: &str, is_table: bool) -> String {
        let ending = format!(".{key}");
        let whole = self.keys().find(|known| known.ends_with(&ending));
        let named = || self.keys().map(|known| if is_table { parent(known) } else { known });
        let typo = || named().min_by_key(|known| strsim::damerau_levenshtein(known, key));
        whole.or_else(typo).unwrap_or_default().to_owned()
    }

    /// An error about a value that is in force.
    pub fn refuse(&self, key: &str, expected: &str) -> Error {
        let at = self.values.get(key).map_or(Source::Default, |(_, source)| source.clone());
        Error::BadValue { at, key: key.to_owned(), expected: expected.to_owned() }
    }

    /// Each key in force with its value as TOML and its source; secrets are not shown.
    pub fn effective(&self) -> impl Iterator<Item = (&str, String, &Source)> {
        self.values.iter().map(|(key, (value, source))| {
            let free = FREE.iter().find_map(|table| key.strip_prefix(table));
            let is_secret = free.is_some_and(eventlog::kafka::is_secret);
            let shown = if is_secret { "\"…\"".to_owned() } else { value.to_string() };
            (key.as_str(), shown, source)
        })
    }

    /// The configuration that the values make, with `{data_dir}` filled in.
    pub(super) fn assemble<C: DeserializeOwned>(&self) -> Result<C, Error> {
        self.deserialize().map_err(|error| self.blame::<C>(&error))
    }

    fn deserialize<C: DeserializeOwned>(&self) -> Result<C, toml::de::Error> {
        let data_dir = self.values.get("data_dir").and_then(|(value, _)| value.as_str()).unwrap_or("data");
        let mut root = Table::new();
        for table in FREE {
            insert(&mut root, table.trim_end_matches('.'), Value::Table(Table::new()));
        }
        for (key, (value, _)) in &self.values {
            let value = match value {
                Value::String(text) => Value::String(text.replace("{data_dir}", data_dir)),
                other => other.clone(),
            };
            insert(&mut root, key, value);
        }
        Value::Table(root).try_into()
    }

    /// Says which value is at fault: the one without which the rest would do.
    fn blame<C: DeserializeOwned>(&self, error: &toml::de::Error) -> Error {
        let defaults = Self::defaults();
        let set = self.values.iter().filter(|(_, (_, at))| *at != Source::Default);
        for (key, (_, at)) in set {
            let mut without = self.clone();
            without.values.remove(key);
            without.values.extend(defaults.values.get_key_value(key).map(|(k, v)| (k.clone(), v.clone())));
            if without.deserialize::<C>().is_ok() {
                let expected = format!("cannot be used: {}", error.message());
                return Error::BadValue { at: at.clone(), key: key.clone(), expected };
            }
        }
        Error::Whole(error.to_string().trim_end().replace('\n', " "))
    }
}

/// The table that a key stands in.
fn parent(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(table, _)| table)
}

/// Puts a value at a dotted key; keys inside a free table keep their dots.
fn insert(root: &mut Table, key: &str, value: Value) {
    let free = FREE.iter().find(|table| key.starts_with(**table));
    let (path, leaf) = match free {
        Some(table) => (table.trim_end_matches('.'), &key[table.len()..]),
        None => key.rsplit_once('.').unwrap_or(("", key)),
    };
    let mut table = root;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let below = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
        table = below.as_table_mut().expect("a key is a table or a value, never both: its type was checked");
    }
    table.insert(leaf.to_owned(), value);
}

fn flatten(prefix: &str, table: Table, each: &mut impl FnMut(String, Value)) {
    for (key, value) in table {
        match value {
            Value::Table(below) if !below.is_empty() => flatten(&format!("{prefix}{key}."), below, each),
            value => each(format!("{prefix}{key}"), value),
        }
    }
}

fn locate(prefix: &str, table: &DeTable<'_>, each: &mut impl FnMut(String, Range<usize>)) {
    for (key, value) in table {
        match value.get_ref().as_table() {
            Some(below) if !below.is_empty() => locate(&format!("{prefix}{}.", key.get_ref()), below, each),
            _ => each(format!("{prefix}{}", key.get_ref()), key.span()),
        }
    }
}

/// Number of the line, from 1, that holds byte `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests;
