//! Values by dotted key, each with its source; later layers win.
//!
//! # Invariants
//! - Every key exists in the defaults, is listed in [`OPTIONAL`], or lies in a table of [`FREE`].
//! - A value has the type of its default.

use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fmt, ops::Range, path::Path};
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

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `default.toml`.
    Default,
    /// A file, at a line.
    File(String, usize),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Why a configuration cannot be used, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("could not read configuration {file}: {reason}; check the path given with --config")]
    Unreadable {
        /// File.
        file: String,
        /// What the system said.
        reason: std::io::ErrorKind,
    },
    /// The file is not TOML.
    #[error("{at}: not valid TOML: {message}")]
    Syntax {
        /// File and line.
        at: Source,
        /// What is wrong.
        message: String,
    },
    /// A key that does not exist.
    #[error("{at}: unknown key \"{key}\"; did you mean \"{nearest}\"? (`manpasik config` lists all keys)")]
    UnknownKey {
        /// Where it stands.
        at: Source,
        /// The key.
        key: String,
        /// The valid key closest to it.
        nearest: String,
    },
    /// A value that cannot be used.
    #[error("{at}: key \"{key}\" {expected}")]
    BadValue {
        /// Where it stands.
        at: Source,
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
    },
    /// The layers together do not make a configuration.
    #[error("configuration cannot be used: {0}")]
    Whole(String),
}

/// Values by dotted key, each with its source.
#[derive(Clone, Debug)]
pub struct Layers {
    values: BTreeMap<String, (Value, Source)>,
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
    pub fn environment(&mut self, variables: impl Iterator<Item = (String, String)>) -> Result<(), Error> {
        let mut ours: Vec<_> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
        ours.sort();
        for (name, text) in ours {
            let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
            self.set_text(&key, &text, Source::Environment(name))?;
        }
        Ok(())
    }

    /// Adds one value given as text, as a flag or a variable gives it.
    pub fn set_text(&mut self, key: &str, text: &str, source: Source) -> Result<(), Error> {
        let is_string = matches!(self.values.get(key), Some((Value::String(_), _)) | None);
        let value = if is_string {
            Value::String(text.to_owned())
        } else {
            let parsed = format!("value = {text}").parse::<Table>();
            let value = parsed.ok().and_then(|mut table| table.remove("value"));
            value.unwrap_or_else(|| Value::String(text.to_owned()))
        };
        self.set(key.to_owned(), value, source)
    }

    fn set(&mut self, key: String, value: Value, at: Source) -> Result<(), Error> {
        let optional = OPTIONAL.iter().find(|(known, _)| *known == key).map(|(_, kind)| *kind);
        let known = self.values.get(&key).map(|(known, _)| known.type_str()).or(optional);
        match known {
            Some(kind) if kind == value.type_str() => {}
            Some(kind) => {
                let expected = format!("must be of type {kind}, not {}", value.type_str());
                return Err(Error::BadValue { at, key, expected });
            }
            None if FREE.iter().any(|table| key.starts_with(table)) => {}
            None => {
                let nearest = self.nearest(&key);
                return Err(Error::UnknownKey { at, key, nearest });
            }
        }
        self.values.insert(key, (value, at));
        Ok(())
    }

    /// The valid key closest to `key`.
    fn nearest(&self, key: &str) -> String {
        let valid = self.values.keys().map(String::as_str).chain(OPTIONAL.map(|(key, _)| key));
        valid.min_by_key(|known| strsim::damerau_levenshtein(known, key)).unwrap_or_default().to_owned()
    }

    /// An error about a value that is in force.
    pub fn refuse(&self, key: &str, expected: &str) -> Error {
        let at = self.values.get(key).map_or(Source::Default, |(_, source)| source.clone());
        Error::BadValue { at, key: key.to_owned(), expected: expected.to_owned() }
    }

    /// Each key in force with its value as TOML and its source; secrets are not shown.
    pub fn effective(&self) -> impl Iterator<Item = (&str, String, &Source)> {
        self.values.iter().map(|(key, (value, source))| {
            let secret = ["password", "secret", "sasl.jaas", "token"].iter().any(|word| key.contains(word));
            let shown = if secret { "\"…\"".to_owned() } else { value.to_string() };
            (key.as_str(), shown, source)
        })
    }

    /// The configuration that the values make, with `{data_dir}` filled in.
    pub(super) fn assemble<C: DeserializeOwned>(&self) -> Result<C, Error> {
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
        Value::Table(root).try_into().map_err(|error: toml::de::Error| Error::Whole(error.to_string()))
    }
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
            Value::Table(below) => flatten(&format!("{prefix}{key}."), below, each),
            value => each(format!("{prefix}{key}"), value),
        }
    }
}

fn locate(prefix: &str, table: &DeTable<'_>, each: &mut impl FnMut(String, Range<usize>)) {
    for (key, value) in table.iter() {
        match value.get_ref().as_table() {
            Some(below) => locate(&format!("{prefix}{}.", key.get_ref()), below, each),
            None => each(format!("{prefix}{}", key.get_ref()), key.span()),
        }
    }
}

/// Number of the line, from 1, that holds byte `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
