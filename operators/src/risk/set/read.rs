//! Reads tables of a TOML file key by key, and says where each thing stands that cannot be read.
//!
//! # Invariants
//! A key that nobody asks for is an error, never passed over.

use super::error::{Error, Place};
use model::{Date, Number};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A file.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'t> {
    pub(super) name: &'t str,
    pub(super) text: &'t str,
}

impl File<'_> {
    /// The line that holds byte `offset`.
    fn place(self, offset: usize) -> Place {
        let line = 1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        Place { file: self.name.to_owned(), line }
    }

    /// The tables of the file.
    pub(super) fn parse(&self) -> Result<DeTable<'_>, Error> {
        let parsed = DeTable::parse(self.text).map_err(|error| Error::Syntax {
            at: self.place(error.span().unwrap_or_default().start),
            message: error.message().replace('\n', " "),
        })?;
        Ok(parsed.into_inner())
    }
}

/// One table, all of whose keys are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'t> {
    file: File<'t>,
    table: &'t DeTable<'t>,
    start: usize,
}

impl<'t> Section<'t> {
    /// A table that begins at byte `start` and may have these keys.
    pub(super) fn open(
        file: File<'t>,
        table: &'t DeTable<'t>,
        start: usize,
        known: &[&str],
    ) -> Result<Self, Error> {
        // Of several the first in the file.
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        if let Some(key) = unknown.min_by_key(|key| key.span().start) {
            let (at, key) = (file.place(key.span().start), key.get_ref().to_string());
            let nearest = nearest(&key, known.iter().copied());
            return Err(Error::UnknownKey { at, key, nearest });
        }
        Ok(Self { file, table, start })
    }

    /// Where it begins.
    pub(super) fn place(&self) -> Place {
        self.file.place(self.start)
    }

    fn value(&self, key: &str) -> Option<(&'t DeValue<'t>, Range<usize>)> {
        let (_, value) = self.table.iter().find(|(known, _)| known.get_ref() == key)?;
        Some((value.get_ref(), value.span()))
    }

    /// What `read` makes of the value of `key`, if there is one.
    fn read<R>(
        &self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'t DeValue<'t>) -> Option<R>,
    ) -> Result<Option<R>, Error> {
        let Some((value, _)) = self.value(key) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.bad(key, expected))
    }

    /// An error about the value of `key`.
    pub(super) fn bad(&self, key: &str, expected: &str) -> Error {
        let at = self.value(key).map_or(self.start, |(_, span)| span.start);
        Error::BadValue { at: self.file.place(at), key: key.to_owned(), expected: expected.to_owned() }
    }

    /// An error about a key that is not there.
    pub(super) fn missing(&self, key: &str) -> Error {
        Error::MissingKey { at: self.place(), key: key.to_owned() }
    }

    /// Text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'t str>, Error> {
        self.read(key, "must be text that is not empty", |value| {
            value.as_str().filter(|text| !text.trim().is_empty())
        })
    }

    /// Text that must be there.
    pub(super) fn need_text(&self, key: &str) -> Result<String, Error> {
        self.text(key)?.map(ToOwned::to_owned).ok_or_else(|| self.missing(key))
    }

    /// True or false.
    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, Error> {
        self.read(key, "must be true or false", DeValue::as_bool)
    }

    /// A whole number from 0.
    pub(super) fn count(&self, key: &str) -> Result<Option<u32>, Error> {
        self.read(key, "must be a whole number from 0", |value| {
            let number = value.as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A finite number.
    pub(super) fn number(&self, key: &str) -> Result<Option<Number>, Error> {
        self.read(key, "must be a finite number", |value| {
            let text = match value {
                DeValue::Float(number) => number.as_str(),
                DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
                _ => return None,
            };
            text.parse().ok().and_then(Number::finite)
        })
    }

    /// A day.
    pub(super) fn need_date(&self, key: &str) -> Result<Date, Error> {
        let date = self.read(key, "must be a day, as 2026-01-31 without quotes", |value| {
            let stamp = value.as_datetime()?;
            let date = stamp.date.filter(|_| stamp.time.is_none())?;
            Date::new(date.year.into(), date.month.into(), date.day.into())
        })?;
        date.ok_or_else(|| self.missing(key))
    }

    /// One of the named things.
    pub(super) fn choice<T: Copy>(&self, key: &str, named: &[(&'static str, T)]) -> Result<Option<T>, Error> {
        let Some(given) = self.text(key)? else { return Ok(None) };
        if let Some((_, thing)) = named.iter().find(|(name, _)| *name == given) {
            return Ok(Some(*thing));
        }
        let nearest = nearest(given, named.iter().map(|(name, _)| *name));
        Err(self.bad(key, &format!("cannot be \"{given}\"; did you mean \"{nearest}\"?")))
    }

    /// The tables of an array of tables, none if there is no such key.
    pub(super) fn sections(&self, key: &str, known: &[&str]) -> Result<Vec<Section<'t>>, Error> {
        let refuse = || self.bad(key, &format!("must be tables, each under its own [[…{key}]]"));
        let Some((value, _)) = self.value(key) else { return Ok(Vec::new()) };
        let tables = value.as_array().ok_or_else(refuse)?;
        let open = |value: &'t toml::Spanned<DeValue<'t>>| {
            let table = value.get_ref().as_table().ok_or_else(refuse)?;
            Section::open(self.file, table, value.span().start, known)
        };
        tables.iter().map(open).collect()
    }
}

/// The name with the fewest typos; of several the first.
fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> String {
    names.min_by_key(|name| strsim::damerau_levenshtein(name, given)).unwrap_or_default().to_owned()
}
