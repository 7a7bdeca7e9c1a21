//! How answers are said in FHIR: a Bundle of what was found, one Observation, or an `OperationOutcome` of why not.

use super::{resource::Observation, search::Search};
use crate::{
    engine::Rows,
    error::Error,
    flight::{EPOCH_HEADER, STALE, epoch_text},
    service::Service,
    status,
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use datafusion::{arrow::array::RecordBatch, common::ScalarValue};
use model::{Epoch, Micros, waveform::Unread};
use serde_json::json;

/// The media type of FHIR's JSON.
const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// An Observation on its way into an answer.
#[derive(Debug)]
pub(super) struct Found {
    /// Its id.
    pub(super) id: String,
    /// When it was.
    pub(super) at: Micros,
    /// Its text.
    pub(super) resource: String,
}

/// The state of the tables an answer shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The epoch.
    pub(super) as_of_epoch: Option<Epoch>,
    /// Whether nothing newer can come at the moment.
    pub(super) stale: bool,
}

/// A page of a search; `base` is the address of Observations at this door.
pub(super) fn bundle(search: &Search, mut found: Vec<Found>, base: &str, shown: Shown) -> Response {
    let is_last = found.len() <= search.count();
    found.truncate(search.count());
    let mut links = vec![json!({ "relation": "self", "url": format!("{base}?{}", search.query(None)) })];
    if let Some(last) = found.last().filter(|_| !is_last) {
        let next = search.query(Some((last.at, &last.id)));
        links.push(json!({ "relation": "next", "url": format!("{base}?{next}") }));
    }
    let links = serde_json::Value::from(links);
    let entry = |one: &Found| {
        let address = json!(format!("{base}/{}", one.id));
        // The text of a resource is already what it will be.
        format!(r#"{{"fullUrl":{address},"resource":{},"search":{{"mode":"match"}}}}"#, one.resource)
    };
    let entries: Vec<_> = found.iter().map(entry).collect();
    // FHIR knows no empty list.
    let entries =
        if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    let body = format!(r#"{{"resourceType":"Bundle","type":"searchset","link":{links}{entries}}}"#);
    said(StatusCode::OK, body, shown)
}

/// One Observation.
pub(super) fn observation(found: Found, shown: Shown) -> Response {
    said(StatusCode::OK, found.resource, shown)
}

/// One that was made just now.
pub(super) fn resource(observation: &Observation, shown: Shown) -> Response {
    said(StatusCode::OK, observation.text(), shown)
}

/// All that a statement finds.
pub(super) async fn all(
    service: &Service,
    statement: String,
    values: Vec<ScalarValue>,
) -> Result<(Vec<RecordBatch>, Shown), Error> {
    let Rows { as_of_epoch, stale, mut batches, .. } =
        service.ask(service.shelf.take(), statement, values, None).await?;
    let mut found = Vec::new();
    while let Some(batch) = batches.recv().await {
        found.push(batch?);
    }
    Ok((found, Shown { as_of_epoch, stale }))
}

fn said(code: StatusCode, body: String, shown: Shown) -> Response {
    let headers = [
        (header::CONTENT_TYPE, FHIR_JSON.to_owned()),
        (HeaderName::from_static(EPOCH_HEADER), epoch_text(shown.as_of_epoch)),
    ];
    let mut response = (code, headers, body).into_response();
    if shown.stale {
        response.headers_mut().insert(HeaderName::from_static(STALE), HeaderValue::from_static("true"));
    }
    response
}

/// There is no such Observation in the epoch shown.
pub(super) fn absent(shown: Shown) -> Response {
    let what = "there is no such Observation; ids are those of a search: Observation?patient=…";
    said(StatusCode::NOT_FOUND, outcome("not-found", what), shown)
}

/// There is no signal.
pub(super) fn unread(why: Unread) -> Response {
    let (code, issue) = match why {
        Unread::Deleted => (StatusCode::GONE, "deleted"),
        Unread::TooMany { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "too-costly"),
        Unread::Nothing => (StatusCode::NOT_FOUND, "not-found"),
        Unread::NoWave => (StatusCode::UNPROCESSABLE_ENTITY, "not-supported"),
        Unread::Failed => (StatusCode::SERVICE_UNAVAILABLE, "transient"),
    };
    ([(header::CONTENT_TYPE, FHIR_JSON)], outcome(issue, &why.to_string())).into_response_with(code)
}

/// The question was not understood.
pub(super) fn misunderstood(why: &str) -> Response {
    ([(header::CONTENT_TYPE, FHIR_JSON)], outcome("invalid", why)).into_response_with(StatusCode::BAD_REQUEST)
}

/// The question was not answered.
pub(super) fn refusal(error: &Error) -> Response {
    let code = match error {
        Error::Refused { .. } => "forbidden",
        Error::Statement { .. } => "invalid",
        Error::Limit { .. } => "too-costly",
        Error::Deadline { .. } => "timeout",
        Error::Busy { .. } => "throttled",
        Error::Failed { .. } | Error::Listen { .. } | Error::System { .. } => "exception",
        Error::Lake { .. } | Error::Remote { .. } => "transient",
    };
    let answer = ([(header::CONTENT_TYPE, FHIR_JSON)], outcome(code, &error.to_string()));
    let mut response = answer.into_response_with(status::http(error));
    if let Error::Busy { retry } = error {
        let seconds = HeaderValue::from(retry.as_millis().div_ceil(1_000) as u64);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// An `OperationOutcome`; `code` is one of FHIR's issue types.
fn outcome(code: &str, diagnostics: &str) -> String {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": code, "diagnostics": diagnostics }],
    })
    .to_string()
}

/// A response with another code.
trait Coded {
    fn into_response_with(self, code: StatusCode) -> Response;
}

impl<T: IntoResponse> Coded for T {
    fn into_response_with(self, code: StatusCode) -> Response {
        (code, self).into_response()
    }
}
