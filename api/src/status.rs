//! How an error is said in gRPC and in HTTP.

use crate::error::Error;
use axum::http;
use tonic::{Code, Status, metadata::MetadataValue};

/// gRPC's own header for when to try again, in milliseconds.
const PUSHBACK: &str = "grpc-retry-pushback-ms";

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Refused { .. } => Code::PermissionDenied,
            Error::Statement { .. } => Code::InvalidArgument,
            Error::Limit { .. } | Error::Busy { .. } => Code::ResourceExhausted,
            Error::Deadline { .. } => Code::DeadlineExceeded,
            Error::Failed { .. } => Code::FailedPrecondition,
            Error::Lake { .. } | Error::Remote { .. } => Code::Unavailable,
            Error::Listen { .. } | Error::System { .. } => Code::Internal,
        };
        let mut status = Self::new(code, error.to_string());
        if let Error::Busy { retry } = error {
            let millis = MetadataValue::from(retry.as_millis() as u64);
            status.metadata_mut().insert(PUSHBACK, millis);
        }
        status
    }
}

/// The HTTP status code for an error.
pub(crate) fn http(error: &Error) -> http::StatusCode {
    match error {
        Error::Refused { .. } => http::StatusCode::FORBIDDEN,
        Error::Statement { .. } | Error::Failed { .. } => http::StatusCode::BAD_REQUEST,
        Error::Limit { .. } => http::StatusCode::UNPROCESSABLE_ENTITY,
        Error::Deadline { .. } => http::StatusCode::GATEWAY_TIMEOUT,
        Error::Busy { .. } => http::StatusCode::TOO_MANY_REQUESTS,
        Error::Lake { .. } | Error::Remote { .. } => http::StatusCode::SERVICE_UNAVAILABLE,
        Error::Listen { .. } | Error::System { .. } => http::StatusCode::INTERNAL_SERVER_ERROR,
    }
}
