//! Plain HTTP beside gRPC on the same port: probes, metrics, status, and SQL for `curl`.

use crate::{
    engine::Rows,
    error::Error,
    flight::{EPOCH_HEADER, STALE, epoch_text},
    render::{Format, head, piece},
    service::Service,
    status,
};
use axum::{
    Json, Router,
    body::Body,
    extract::{DefaultBodyLimit, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures::StreamExt;
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;

/// The routes; `statement_bytes` bounds what is read of a statement.
pub(crate) fn routes(service: Arc<Service>, statement_bytes: usize) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/status", get(async |Shared(service): Shared<Arc<Service>>| Json(service.status())))
        .route("/v1/sql", post(sql).layer(DefaultBodyLimit::max(statement_bytes)))
        .with_state(service)
}

/// 200 while serving, else 503, with the state as JSON.
async fn ready(Shared(service): Shared<Arc<Service>>) -> Response {
    let state = service.readiness.get();
    let code = if state.is_serving() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "state": state.name(), "detail": state.detail() });
    (code, Json(body)).into_response()
}

async fn metrics(Shared(service): Shared<Arc<Service>>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, OPEN_METRICS)], service.metrics.text()).into_response()
}

/// Answers the statement in the body, as JSON lines or, if `Accept` asks for it, as CSV.
async fn sql(Shared(service): Shared<Arc<Service>>, headers: HeaderMap, statement: String) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (format, kind) = if accepts.contains("text/csv") {
        (Format::Csv, "text/csv; charset=utf-8; header=present")
    } else {
        (Format::Json, "application/x-ndjson")
    };
    let answer = service.ask(service.shelf.take(), statement, Vec::new(), None).await;
    match answer.and_then(|rows| Ok((head(&rows.columns, format)?, rows))) {
        Ok((first, rows)) => written(first, rows, format, kind),
        Err(error) => refusal(&error),
    }
}

fn written(first: Vec<u8>, rows: Rows, format: Format, kind: &'static str) -> Response {
    let epoch = epoch_text(rows.as_of_epoch);
    let pieces = ReceiverStream::new(rows.batches).map(move |batch| piece(&batch?, format));
    // An error after the first row can only break the body off: a client sees it as incomplete.
    let body = futures::stream::iter([Ok::<_, Error>(first)]).chain(pieces);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (HeaderName::from_static(EPOCH_HEADER), epoch)];
    let stale = rows.stale.then_some([(HeaderName::from_static(STALE), "true")]);
    let mut response = (headers, Body::from_stream(body)).into_response();
    response
        .headers_mut()
        .extend(stale.into_iter().flatten().map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

fn refusal(error: &Error) -> Response {
    let body = Json(serde_json::json!({ "error": error.to_string() }));
    let mut response = (status::http(error), body).into_response();
    if let Error::Busy { retry } = error {
        // Whole seconds, rounded up: the header knows no fractions.
        let seconds = HeaderValue::from(retry.as_millis().div_ceil(1_000) as u64);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
