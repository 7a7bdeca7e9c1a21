//! What a ticket or a prepared statement carries: everything needed to answer it.
//!
//! The server keeps no list of statements: the handle holds the text, the bound values and the
//! promised epoch, so it neither expires nor leaks, and it grants nothing that the text would not.

use crate::error::Error;
use datafusion::{
    arrow::{
        array::RecordBatch,
        ipc::{reader::StreamReader, writer::StreamWriter},
    },
    common::ScalarValue,
};
use model::Epoch;
use prost::Message;

/// A statement on its way through a client.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Statement {
    /// The text.
    #[prost(string, tag = "1")]
    pub(crate) sql: String,
    /// Values of its placeholders: one row as an Arrow IPC stream; empty for none.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) row: Vec<u8>,
    /// The epoch the client was told it would see; absent for the newest.
    #[prost(message, optional, tag = "3")]
    pub(crate) promise: Option<Promise>,
}

/// The epoch a client was told it would see.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct Promise {
    /// Absent before the first commit.
    #[prost(uint64, optional, tag = "1")]
    pub(crate) epoch: Option<Epoch>,
}

impl Statement {
    /// A statement without values, for the newest epoch.
    pub(crate) fn new(sql: String) -> Self {
        Self { sql, row: Vec::new(), promise: None }
    }

    /// Reads a handle back.
    pub(crate) fn from_handle(handle: &[u8]) -> Result<Self, Error> {
        Self::decode(handle).map_err(|_| Error::Statement {
            message: "the handle is not one of this server; prepare the statement again".to_owned(),
        })
    }

    /// The handle that carries it.
    pub(crate) fn handle(&self) -> prost::bytes::Bytes {
        self.encode_to_vec().into()
    }

    /// Binds the columns of exactly one row, in order.
    pub(crate) fn bind(&mut self, batches: &[RecordBatch]) -> Result<(), Error> {
        let mut filled = batches.iter().filter(|batch| batch.num_rows() > 0);
        let row = match (filled.next(), filled.next()) {
            (Some(row), None) if row.num_rows() == 1 => row,
            _ => {
                return Err(Error::Statement {
                    message: "exactly one row of parameters can be bound; execute once per row".to_owned(),
                });
            }
        };
        let write = || {
            let mut writer = StreamWriter::try_new(Vec::new(), row.schema_ref())?;
            writer.write(row)?;
            writer.into_inner()
        };
        self.row = write().map_err(|_| unreadable())?;
        Ok(())
    }

    /// The bound values in order.
    pub(crate) fn values(&self) -> Result<Vec<ScalarValue>, Error> {
        if self.row.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = StreamReader::try_new(self.row.as_slice(), None).map_err(|_| unreadable())?;
        let Some(Ok(row)) = reader.next() else { return Err(unreadable()) };
        if row.num_rows() != 1 {
            return Err(unreadable());
        }
        let values = row.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
        values.collect::<Result<_, _>>().map_err(|_| unreadable())
    }
}

fn unreadable() -> Error {
    Error::Statement { message: "the parameters cannot be read; bind them again".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn row(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).expect("columns of one length")
    }

    #[test]
    fn a_handle_brings_back_what_it_was_given() {
        let mut statement = Statement::new("SELECT $1, $2".into());
        statement.promise = Some(Promise { epoch: Some(7) });
        let number: ArrayRef = Arc::new(Int64Array::from(vec![5]));
        let row = row(vec![("a", number), ("b", Arc::new(StringArray::from(vec!["x"])))]);
        statement.bind(&[row]).expect("one row");
        let back = Statement::from_handle(&statement.handle()).expect("own handle");
        assert_eq!(back, statement);
        let values = back.values().expect("bound");
        assert_eq!(values, [ScalarValue::Int64(Some(5)), ScalarValue::Utf8(Some("x".into()))]);
    }

    #[test]
    fn what_is_not_one_row_is_not_bound() {
        let mut statement = Statement::new("SELECT $1".into());
        let two = row(vec![("a", Arc::new(Int64Array::from(vec![5, 6])))]);
        assert!(statement.bind(&[two]).is_err());
        assert!(statement.bind(&[]).is_err());
        assert!(Statement::from_handle(b"\xff\xff").is_err());
        let forged = Statement { row: vec![1, 2, 3], ..Statement::new(String::new()) };
        assert!(forged.values().is_err());
    }
}
