//! One chunk: entries of one step, ordered by key, as an Arrow stream of two columns.
//!
//! Not compressed: state is dense, and a start must not wait for it to be unpacked.

use arrow::{
    array::{AsArray, BinaryArray, BinaryBuilder, RecordBatch},
    datatypes::{DataType, Field, Schema},
    error::ArrowError,
    ipc::{reader::StreamReader, writer::StreamWriter},
};
use model::state::Pieces;
use std::sync::Arc;

/// The bytes of a chunk; equal entries give equal bytes, in whatever order they come.
pub(super) fn encode(pieces: &Pieces) -> Vec<u8> {
    // The first bytes of a key beside it: most comparisons end there, without a look into the arena.
    let mut entries: Vec<(u64, &[u8], &[u8])> =
        pieces.iter().map(|(key, value)| (first(key), key, value)).collect();
    entries.sort_unstable();
    let mut keys = BinaryBuilder::with_capacity(entries.len(), pieces.bytes());
    let mut values = BinaryBuilder::with_capacity(entries.len(), pieces.bytes());
    for (_, key, value) in entries {
        keys.append_value(key);
        values.append_value(value);
    }
    let columns: Vec<Arc<dyn arrow::array::Array>> = vec![Arc::new(keys.finish()), Arc::new(values.finish())];
    let field = |name: &str| Field::new(name, DataType::Binary, false);
    let schema = Arc::new(Schema::new(vec![field("key"), field("value")]));
    let written = RecordBatch::try_new(Arc::clone(&schema), columns).and_then(|batch| {
        let bytes = Vec::with_capacity(batch.get_array_memory_size());
        let mut writer = StreamWriter::try_new(bytes, &schema)?;
        writer.write(&batch)?;
        writer.into_inner()
    });
    written.expect("memory takes any bytes and the columns are those of the schema")
}

/// Orders as the key does, but for keys that differ behind it.
fn first(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(8);
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes)
}

/// The entries of a chunk.
pub(super) fn decode(bytes: &[u8]) -> Result<Pieces, ArrowError> {
    let mut pieces = Pieces::default();
    for batch in StreamReader::try_new(bytes, None)? {
        let batch = batch?;
        let (keys, values) = (binary(&batch, "key")?, binary(&batch, "value")?);
        for row in 0..batch.num_rows() {
            pieces.push(keys.value(row), values.value(row));
        }
    }
    Ok(pieces)
}

fn binary<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a BinaryArray, ArrowError> {
    let column = batch.column_by_name(name).and_then(|column| column.as_binary_opt::<i32>());
    column.ok_or_else(|| ArrowError::SchemaError(format!("no column {name} of bytes")))
}
