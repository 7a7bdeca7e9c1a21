//! FHIR over HTTP: a search for Observations, one by its id, and the signal of a session; answered out of SQL like
//! everything else, but for the samples themselves.
//!
//! # Bound
//! A page is at most 1,000 Observations; a question has the limits of any other.

use super::{
    answer::{self, Found, Shown},
    search::Search,
    waveform,
};
use crate::{error::Error, service::Service};
use axum::{
    Router,
    extract::{Path, Query, State as Shared, rejection::QueryRejection},
    http::{HeaderMap, header},
    response::Response,
    routing::get,
};
use datafusion::{
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::TimestampMicrosecondType,
    },
    common::ScalarValue,
};
use std::sync::Arc;

/// Where Observations are.
const OBSERVATION: &str = "/fhir/Observation";

const NO_PARAMETERS: &str = "the parameters are not understood; write them as name=value&name=value";

/// Parameters of a search, in order.
type Parameters = Query<Vec<(String, String)>>;

/// The routes.
pub(crate) fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route(OBSERVATION, get(search))
        .route(&format!("{OBSERVATION}/{{id}}"), get(read))
        .route(&format!("{OBSERVATION}/{{id}}/$waveform"), get(wave))
        .with_state(service)
}

async fn wave(
    Shared(service): Shared<Arc<Service>>,
    Path(session): Path<String>,
    parameters: Result<Parameters, QueryRejection>,
) -> Response {
    let Ok(Query(parameters)) = parameters else { return answer::misunderstood(NO_PARAMETERS) };
    match waveform::asked(&session, &parameters) {
        Ok(asked) => waveform::answered(&service, asked).await,
        Err(why) => answer::misunderstood(&why),
    }
}

async fn search(
    Shared(service): Shared<Arc<Service>>,
    headers: HeaderMap,
    parameters: Result<Parameters, QueryRejection>,
) -> Response {
    let Ok(Query(parameters)) = parameters else { return answer::misunderstood(NO_PARAMETERS) };
    let search = match Search::read(&parameters) {
        Ok(search) => search,
        Err(why) => return answer::misunderstood(&why),
    };
    let (statement, values) = search.statement();
    match ask(&service, statement, values).await {
        Ok((found, shown)) => answer::bundle(&search, found, &base(&headers), shown),
        Err(error) => answer::refusal(&error),
    }
}

async fn read(Shared(service): Shared<Arc<Service>>, Path(id): Path<String>) -> Response {
    // The function takes a literal: what no id can be made of is not asked for.
    let is_id = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let id = if is_id { id } else { String::new() };
    let statement = format!("SELECT resource_id, effective, resource FROM fhir_observation('{id}') LIMIT 1");
    match ask(&service, statement, Vec::new()).await {
        Ok((found, shown)) => match found.into_iter().next() {
            Some(found) => answer::observation(found, shown),
            None => answer::absent(shown),
        },
        Err(error) => answer::refusal(&error),
    }
}

/// The address of Observations as who asks has it.
fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_plain) {
        OBSERVATION.to_owned()
    } else {
        format!("http://{host}{OBSERVATION}")
    }
}

/// Observations that a statement finds.
async fn ask(
    service: &Service,
    statement: String,
    values: Vec<ScalarValue>,
) -> Result<(Vec<Found>, Shown), Error> {
    let (batches, shown) = answer::all(service, statement, values).await?;
    Ok((batches.iter().flat_map(rows).collect(), shown))
}

fn rows(batch: &RecordBatch) -> Vec<Found> {
    let [ids, resources] = [0, 2].map(|column| batch.column(column).as_string::<i32>());
    let times = batch.column(1).as_primitive::<TimestampMicrosecondType>();
    let row = |row| Found {
        id: ids.value(row).to_owned(),
        at: times.value(row),
        resource: resources.value(row).to_owned(),
    };
    (0..batch.num_rows()).map(row).collect()
}
