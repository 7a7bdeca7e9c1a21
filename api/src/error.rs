//! Why a question was not answered, or the door not opened; each says what to do next.
//!
//! # Invariants
//! - No value of a table is ever part of a message. What fails while rows are read is told by its
//!   class only; what fails before that may quote the statement, which the client wrote itself.

use datafusion::{arrow::error::ArrowError, error::DataFusionError};
use std::{io, time::Duration};

/// Why a question was not answered, or the door not opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address could not be taken.
    #[error(
        "could not listen on {listen}: {source}; run with --listen 127.0.0.1:0 or stop the process that holds it"
    )]
    Listen {
        /// Address and port.
        listen: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The operating system gave no thread or file.
    #[error("could not {attempt}: {source}; raise the limits of the process or free resources")]
    System {
        /// What was attempted.
        attempt: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The statement does something else than read.
    #[error("{what} is refused: this door only reads; ask with SELECT, SHOW, DESCRIBE or EXPLAIN")]
    Refused {
        /// What it does, as a word of SQL.
        what: String,
    },
    /// The statement cannot be understood.
    #[error("could not understand the statement: {message}; tables are listed by SHOW TABLES")]
    Statement {
        /// What is wrong; quotes the statement only.
        message: String,
    },
    /// The statement, its computation or its answer is larger than allowed.
    #[error("{what} is over the limit of {limit}; {next}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it may be, with its unit.
        limit: String,
        /// What to do.
        next: &'static str,
    },
    /// The time ran out.
    #[error(
        "no answer within {} ms; narrow the statement by time or user, or aggregate less",
        .deadline.as_millis()
    )]
    Deadline {
        /// What was allowed.
        deadline: Duration,
    },
    /// Too many questions at once.
    #[error("too many questions at once; ask again in {} ms", .retry.as_millis())]
    Busy {
        /// When it is worth asking again.
        retry: Duration,
    },
    /// The computation failed on the data.
    #[error("the statement failed while it ran: {class}; check casts, divisions and lengths in it")]
    Failed {
        /// Class of the failure, without any value.
        class: &'static str,
    },
    /// A file of the lake could not be read.
    #[error(
        "a file of the lake could not be read: {class}; check that the lake directory is mounted and whole"
    )]
    Lake {
        /// Class of the failure.
        class: &'static str,
    },
    /// The door of another process did not answer, or refused.
    #[error("the server at {addr} said: {message}")]
    Remote {
        /// Address asked.
        addr: String,
        /// What it said, or why it could not be reached.
        message: String,
    },
}

impl Error {
    /// What went wrong before any row was read.
    pub(crate) fn planning(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::memory(),
            DataFusionError::ObjectStore(_)
            | DataFusionError::ParquetError(_)
            | DataFusionError::IoError(_) => Self::running(error),
            // What is around it names the step of the planner, which says nothing to who asked.
            root => Self::Statement { message: first_line(&root.strip_backtrace()) },
        }
    }

    /// What went wrong while rows were read: the class, never the text, which may quote a row.
    pub(crate) fn running(error: &DataFusionError) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::memory(),
            DataFusionError::ObjectStore(error) => Self::Lake { class: store_class(error) },
            DataFusionError::ParquetError(_) => Self::Lake { class: "not a whole Parquet file" },
            DataFusionError::IoError(_) => Self::Lake { class: "the disk failed" },
            DataFusionError::ArrowError(error, _) => Self::Failed { class: arrow_class(error) },
            DataFusionError::NotImplemented(_) => Self::Failed { class: "not supported" },
            DataFusionError::ExecutionJoin(_) => Self::Failed { class: "the computation stopped" },
            DataFusionError::Internal(_) => Self::Failed { class: "a defect of the query engine" },
            _ => Self::Failed { class: "a value was out of range or of the wrong form" },
        }
    }

    fn memory() -> Self {
        Self::Limit {
            what: "the memory of the computation",
            limit: "this server".to_owned(),
            next: "narrow the statement, sort or group fewer rows, or raise the limit",
        }
    }
}

fn store_class(error: &object_store::Error) -> &'static str {
    match error {
        object_store::Error::NotFound { .. } => "it is missing",
        object_store::Error::PermissionDenied { .. } => "permission was denied",
        _ => "the disk failed",
    }
}

fn arrow_class(error: &ArrowError) -> &'static str {
    match error {
        ArrowError::DivideByZero => "division by zero",
        ArrowError::ArithmeticOverflow(_) => "arithmetic overflow",
        ArrowError::CastError(_) => "a value could not be cast",
        ArrowError::ParseError(_) => "a text could not be parsed",
        ArrowError::ParquetError(_) => "a file of the lake is broken",
        ArrowError::IoError(..) => "the disk failed",
        _ => "a value was out of range or of the wrong form",
    }
}

/// The first line of a message, at most 400 characters: enough to act on.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_on_rows_never_quotes_them() {
        let secret = "4711-secret";
        for error in [
            DataFusionError::ArrowError(Box::new(ArrowError::CastError(secret.to_owned())), None),
            DataFusionError::Execution(secret.to_owned()),
            DataFusionError::Internal(secret.to_owned()),
            DataFusionError::External(secret.into()),
        ] {
            assert!(!Error::running(&error).to_string().contains(secret));
        }
    }

    #[test]
    fn a_statement_is_told_what_is_wrong_not_which_step_found_it() {
        let root = DataFusionError::Plan("octet_length requires String".to_owned());
        let message = Error::planning(&root.context("type_coercion")).to_string();
        assert!(message.contains("octet_length requires String"), "{message}");
        assert!(!message.contains("type_coercion"), "{message}");
    }

    #[test]
    fn a_taken_port_is_named_with_the_next_step() {
        let error =
            Error::Listen { listen: "127.0.0.1:50051".into(), source: io::ErrorKind::AddrInUse.into() };
        assert!(error.to_string().contains("127.0.0.1:50051"));
        assert!(error.to_string().contains("--listen 127.0.0.1:0"));
    }
}
