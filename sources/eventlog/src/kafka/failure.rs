//! What an error of librdkafka means for who runs the pipeline.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::{Error, TopicPartition};

/// What an error code asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nobody answers; the client keeps trying.
    Unreachable,
    /// The user may not do this.
    Unauthorised,
    /// There is no such topic or partition.
    Unknown,
    /// The record is too large.
    TooLarge,
    /// Another producer took over.
    Fenced,
    /// The offset is not there.
    OutOfRange,
    /// Anything else.
    Other,
}

/// Sorts `code`.
pub(super) fn kind(code: Code) -> Kind {
    match code {
        Code::AllBrokersDown
        | Code::BrokerTransportFailure
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::MessageTimedOut
        | Code::BrokerNotAvailable
        | Code::NetworkException
        | Code::WaitingForCoordinator => Kind::Unreachable,
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::SSL
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Kind::Unauthorised,
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::InvalidTopic => {
            Kind::Unknown
        }
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => Kind::TooLarge,
        Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::TransactionCoordinatorFenced => Kind::Fenced,
        Code::OffsetOutOfRange | Code::AutoOffsetReset => Kind::OutOfRange,
        _ => Kind::Other,
    }
}

/// The code inside `error`, if it has one.
pub(super) fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::Transaction(error) => Some(error.code()),
        other => other.rdkafka_error_code(),
    }
}

/// The typed error for `code`, met while doing `what` at `at`.
pub(super) fn error(code: Code, what: &str, at: Option<&TopicPartition>, brokers: &str) -> Error {
    match (kind(code), at) {
        (Kind::Unreachable, _) => Error::Unreachable { brokers: brokers.to_owned(), reason: reason(code) },
        (Kind::Unauthorised, Some(at)) => {
            Error::Unauthorised { what: format!("{what} of topic \"{}\"", at.topic) }
        }
        (Kind::Unauthorised, None) => Error::Unauthorised { what: format!("{what} ({})", reason(code)) },
        (Kind::Unknown, Some(at)) => Error::UnknownPartition(at.clone()),
        _ => Error::Stopped { reason: format!("{what}: {}", reason(code)) },
    }
}

/// The typed error for a client that could not be made; values of properties are left out.
pub(super) fn setting(error: &KafkaError) -> Error {
    let (name, reason) = match error {
        KafkaError::ClientConfig(_, description, name, _) => (name.clone(), description.clone()),
        other => ("(client)".to_owned(), other.to_string()),
    };
    Error::Setting { name, reason: format!("{reason}; correct or remove it") }
}

/// What librdkafka says about `code`.
pub(super) fn reason(code: Code) -> String {
    code.to_string()
}
