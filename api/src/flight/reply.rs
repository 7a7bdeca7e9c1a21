//! How an answer is said in Flight: where to fetch it, and the rows; both name the epoch they show.

use super::statement::Promise;
use crate::engine::Rows;
use arrow_flight::{
    FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket, encode::FlightDataEncoderBuilder,
    error::FlightError,
};
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use model::Epoch;
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Response, Status,
    metadata::{MetadataMap, MetadataValue},
};

/// Header and schema key with the epoch an answer shows; `none` before the first commit.
pub(crate) const EPOCH_HEADER: &str = "x-as-of-epoch";
/// Key in the metadata of an answer's schema.
pub(crate) const EPOCH_KEY: &str = "as_of_epoch";
/// In headers, and in the metadata of a result's schema: present if nothing newer can come at the moment.
pub(crate) const STALE: &str = "x-stale";
/// Header with the epoch that was promised, if another one is shown.
const PROMISED_HEADER: &str = "x-promised-epoch";

/// Rows of an answer as Flight sends them.
pub(crate) type Stretch = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// An epoch as text.
pub(crate) fn epoch_text(epoch: Option<Epoch>) -> String {
    epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string())
}

/// An epoch as JSON, for the application metadata of Flight.
pub(crate) fn epoch_json(epoch: Option<Epoch>) -> String {
    serde_json::json!({ EPOCH_KEY: epoch }).to_string()
}

/// Columns with the epoch in their metadata.
pub(crate) fn annotated(columns: &SchemaRef, epoch: Option<Epoch>) -> SchemaRef {
    let mut metadata = columns.metadata().clone();
    metadata.insert(EPOCH_KEY.to_owned(), epoch_text(epoch));
    Arc::new(Schema::new_with_metadata(columns.fields().clone(), metadata))
}

/// Where an answer can be fetched, with what it will look like.
pub(crate) fn info(
    columns: &SchemaRef,
    ticket: Vec<u8>,
    descriptor: FlightDescriptor,
    epoch: Option<Epoch>,
) -> Result<Response<FlightInfo>, Status> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new()
        .try_with_schema(&annotated(columns, epoch))
        .map_err(|_| Status::internal("the columns could not be encoded"))?
        .with_endpoint(endpoint)
        .with_descriptor(descriptor)
        .with_app_metadata(epoch_json(epoch))
        .with_ordered(true);
    let mut response = Response::new(info);
    say_epoch(response.metadata_mut(), epoch);
    Ok(response)
}

/// Rows under way; dropping the stream stops the computation.
pub(crate) fn rows(rows: Rows, promise: Option<Promise>) -> Response<Stretch> {
    let (epoch, mut columns) = (rows.as_of_epoch, annotated(&rows.columns, rows.as_of_epoch));
    if rows.stale {
        Arc::make_mut(&mut columns).metadata.insert(STALE.to_owned(), "true".to_owned());
    }
    let batches =
        ReceiverStream::new(rows.batches).map_err(|error| FlightError::Tonic(Box::new(Status::from(error))));
    let mut response = Response::new(encode(columns, epoch, batches));
    say_epoch(response.metadata_mut(), epoch);
    if rows.stale {
        response.metadata_mut().insert(STALE, tonic::metadata::MetadataValue::from_static("true"));
    }
    if let Some(promise) = promise.filter(|promise| promise.epoch != epoch) {
        insert(response.metadata_mut(), PROMISED_HEADER, promise.epoch);
    }
    response
}

/// One batch that is already there.
pub(crate) fn batch(batch: RecordBatch, epoch: Option<Epoch>) -> Response<Stretch> {
    let columns = annotated(batch.schema_ref(), epoch);
    let mut response = Response::new(encode(columns, epoch, stream::iter([Ok(batch)])));
    say_epoch(response.metadata_mut(), epoch);
    response
}

fn encode(
    columns: SchemaRef,
    epoch: Option<Epoch>,
    batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static,
) -> Stretch {
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(columns)
        .with_metadata(epoch_json(epoch).into())
        .build(batches);
    encoder.map_err(Status::from).boxed()
}

fn say_epoch(metadata: &mut MetadataMap, epoch: Option<Epoch>) {
    insert(metadata, EPOCH_HEADER, epoch);
}

fn insert(metadata: &mut MetadataMap, header: &'static str, epoch: Option<Epoch>) {
    let value = epoch.map_or_else(|| MetadataValue::from_static("none"), MetadataValue::from);
    metadata.insert(header, value);
}

/// How long the client will wait, from gRPC's own header: digits and a unit.
pub(crate) fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.checked_mul(3_600)?)),
        "M" => Some(Duration::from_secs(count.checked_mul(60)?)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_a_client_waits_is_read_in_every_unit() {
        let read = |text: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", MetadataValue::from_static(text));
            deadline(&metadata)
        };
        assert_eq!(read("2S"), Some(Duration::from_secs(2)));
        assert_eq!(read("250m"), Some(Duration::from_millis(250)));
        assert_eq!(read("1H"), Some(Duration::from_hours(1)));
        assert_eq!(read("7x"), None);
        assert_eq!(read("S"), None);
        assert_eq!(deadline(&MetadataMap::new()), None);
    }
}
