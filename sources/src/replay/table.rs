//! Columns of a comma-separated file by name, plain or gzip; names are compared without blanks and case.

use super::file;
use crate::{Error, Result};
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use std::{
    io::Read,
    path::{Path, PathBuf},
};

/// A file being read, row by row.
pub(super) struct Table {
    path: PathBuf,
    reader: Reader<Box<dyn Read>>,
    header: Vec<String>,
    row: StringRecord,
    number: u64,
}

/// A column that is there.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    at: usize,
}

impl Table {
    /// Opens `path` and reads its header.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(file::open(path)?);
        let header = match reader.headers() {
            Ok(header) => header.iter().map(str::to_lowercase).collect(),
            Err(source) => return Err(broken(path, 1, source)),
        };
        Ok(Self { path: path.to_owned(), reader, header, row: StringRecord::new(), number: 1 })
    }

    /// The first column whose name begins with `name`, if there is one.
    pub(super) fn starting(&self, name: &'static str) -> Option<Column> {
        let at = self.header.iter().position(|column| column.starts_with(&name.to_lowercase()))?;
        Some(Column { name, at })
    }

    /// The column called `name`, if there is one.
    pub(super) fn column(&self, name: &'static str) -> Option<Column> {
        let at = self.header.iter().position(|column| *column == name.to_lowercase())?;
        Some(Column { name, at })
    }

    /// `column`, or the error that it is missing among the `needed` ones.
    pub(super) fn need(
        &self,
        column: Option<Column>,
        name: &'static str,
        needed: &'static str,
    ) -> Result<Column> {
        column.ok_or_else(|| Error::NoColumn { path: self.path.clone(), column: name, needed })
    }

    /// Goes to the next row; `false` after the last.
    pub(super) fn advance(&mut self) -> Result<bool> {
        self.number += 1;
        self.reader.read_record(&mut self.row).map_err(|source| broken(&self.path, self.number, source))
    }

    /// The number in `column` of this row; an empty cell or NaN is none.
    pub(super) fn number(&self, column: Column) -> Result<Option<f64>> {
        let cell = self.row.get(column.at).unwrap_or_default();
        if cell.is_empty() {
            return Ok(None);
        }
        match cell.parse::<f64>() {
            Ok(value) if value.is_nan() => Ok(None),
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(self.not_number(column)),
        }
    }

    /// The error that `column` of this row holds no number.
    pub(super) fn not_number(&self, column: Column) -> Error {
        Error::NotNumber { path: self.path.clone(), row: self.number, column: column.name }
    }

    /// The error that the time of this row cannot be used.
    pub(super) fn uneven(&self, problem: &'static str) -> Error {
        Error::Uneven { path: self.path.clone(), row: self.number, problem }
    }
}

fn broken(path: &Path, row: u64, source: csv::Error) -> Error {
    let path = path.to_owned();
    if !source.is_io_error() {
        return Error::NotTable { path, row, source };
    }
    match source.into_kind() {
        csv::ErrorKind::Io(source) => Error::Unreadable { path, source },
        _ => unreachable!("the kind was asked for just before"),
    }
}
