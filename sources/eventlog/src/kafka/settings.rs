//! What can be set about Kafka, and the properties librdkafka gets from it.
//!
//! # Invariants
//! - A secret is neither in `Debug` nor in what is serialised.
//! - No property replaces one that the promises of the log rest on.

use std::{collections::BTreeMap, fmt};

use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Error, Result};

/// The largest record librdkafka sends by default here: what a broker takes by default (`message.max.bytes`).
const MAX_MESSAGE_BYTES: &str = "1048588";
/// Reader and lag monitors share this group where none is set; readers never join it.
const DEFAULT_GROUP: &str = "manpasik";

/// How to reach a Kafka cluster.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Comma-separated `host:port` of some brokers.
    pub brokers: String,
    /// Group named to the brokers by readers (they do not join it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Properties of librdkafka, for SASL and TLS above all. Secrets are serialised as `"(redacted)"`.
    #[serde(serialize_with = "redacted")]
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("brokers", &self.brokers)
            .field("group_id", &self.group_id)
            .field("properties", &shown(&self.properties))
            .finish()
    }
}

fn shown(properties: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    let mut shown = BTreeMap::new();
    for (name, value) in properties {
        shown.insert(name.as_str(), if is_secret(name) { "(redacted)" } else { value.as_str() });
    }
    shown
}

/// Whether the value of a property of this name must never be shown.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "key", "token", "pem", "sasl.oauthbearer.config"]
        .iter()
        .any(|part| name.contains(part))
}

fn redacted<S: Serializer>(
    properties: &BTreeMap<String, String>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    shown(properties).serialize(to)
}

impl Options {
    /// What every client gets: the brokers, the user's properties, and time limits.
    fn base(&self) -> Result<ClientConfig> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "manpasik");
        config.set("socket.timeout.ms", "10000");
        config.set("socket.keepalive.enable", "true");
        config.set("message.max.bytes", MAX_MESSAGE_BYTES);
        for (name, value) in &self.properties {
            if RESERVED.contains(&name.as_str()) {
                let reason = "the log's promises rest on its own value: leave it out".to_owned();
                return Err(Error::Setting { name: name.clone(), reason });
            }
            if !cfg!(feature = "kafka-tls") && needs_tls(name, value) {
                return Err(Error::TlsNotBuilt(name.clone()));
            }
            config.set(name, value);
        }
        Ok(config)
    }

    /// Properties of a consumer that names `group` to the brokers.
    pub(super) fn consumer(&self, group: Option<&str>) -> Result<ClientConfig> {
        let mut config = self.base()?;
        let group = group.or(self.group_id.as_deref()).unwrap_or(DEFAULT_GROUP);
        config.set("group.id", group);
        config.set("isolation.level", "read_committed");
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "error");
        config.set("allow.auto.create.topics", "false");
        config.set("check.crcs", "true");
        config.set("enable.partition.eof", "true");
        let queued = self.properties.get("queued.max.messages.kbytes").map_or("16384", String::as_str);
        config.set("queued.max.messages.kbytes", queued);
        // A broker that has nothing waits this long before it says so.
        let wait = self.properties.get("fetch.wait.max.ms").map_or("100", String::as_str);
        config.set("fetch.wait.max.ms", wait);
        // Without it a partition that was once empty is asked again only after 500 ms.
        let backoff = self.properties.get("fetch.queue.backoff.ms").map_or("20", String::as_str);
        config.set("fetch.queue.backoff.ms", backoff);
        Ok(config)
    }

    /// Properties of the producer of `transactional_id`.
    pub(super) fn producer(&self, transactional_id: &str) -> Result<ClientConfig> {
        let mut config = self.base()?;
        config.set("transactional.id", transactional_id);
        config.set("enable.idempotence", "true");
        config.set("acks", "all");
        config.set("max.in.flight.requests.per.connection", "5");
        config.set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS.to_string());
        config.set("message.timeout.ms", "20000");
        config.set("statistics.interval.ms", "1000");
        config.set("delivery.report.only.error", "true");
        for (name, value) in
            [("compression.type", "zstd"), ("linger.ms", "5"), ("queue.buffering.max.kbytes", "65536")]
        {
            config.set(name, self.properties.get(name).map_or(value, String::as_str));
        }
        Ok(config)
    }

    /// Whether the brokers are told who the user is.
    pub(super) fn logs_in(&self) -> bool {
        self.properties
            .get("security.protocol")
            .is_some_and(|protocol| !protocol.eq_ignore_ascii_case("plaintext"))
    }

    /// Properties of an administrator.
    pub(super) fn administrator(&self) -> Result<ClientConfig> {
        self.base()
    }
}

/// A transaction older than this is aborted by the broker; it also bounds how long readers can be held back.
pub(super) const TRANSACTION_TIMEOUT_MS: u64 = 30_000;

const RESERVED: [&str; 15] = [
    "acks",
    "auto.offset.reset",
    "bootstrap.servers",
    "check.crcs",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "isolation.level",
    "message.timeout.ms",
    "metadata.broker.list",
    "request.required.acks",
    "transaction.timeout.ms",
    "transactional.id",
];

/// Whether librdkafka needs OpenSSL for it; SASL PLAIN alone does not.
fn needs_tls(name: &str, value: &str) -> bool {
    let value = value.to_ascii_uppercase();
    match name {
        "security.protocol" => value.contains("SSL"),
        "sasl.mechanism" | "sasl.mechanisms" => value.starts_with("SCRAM") || value == "OAUTHBEARER",
        _ => name.starts_with("ssl."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(properties: &[(&str, &str)]) -> Options {
        let properties =
            properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Options { brokers: "localhost:9092".into(), group_id: None, properties }
    }

    #[test]
    fn secrets_are_not_printed() {
        let options = options(&[
            ("sasl.username", "visible"),
            ("sasl.password", "hunter2"),
            ("ssl.key.pem", "hunter2"),
            ("sasl.oauthbearer.client.secret", "hunter2"),
            ("some.Token", "hunter2"),
        ]);
        let printed = format!("{options:?}");
        assert!(printed.contains("visible") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn promises_cannot_be_configured_away() {
        for name in RESERVED {
            let error = options(&[(name, "x")]).producer("id").unwrap_err();
            assert!(matches!(&error, Error::Setting { name: found, .. } if found == name), "{error:?}");
        }
    }

    #[test]
    #[cfg(not(feature = "kafka-tls"))]
    fn tls_is_named_where_it_is_not_built() {
        let pairs = [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("ssl.ca.location", "/ca"),
        ];
        for pair in pairs {
            let error = options(&[pair]).consumer(None).unwrap_err();
            assert!(matches!(&error, Error::TlsNotBuilt(name) if name == pair.0), "{error:?}");
        }
        assert!(
            options(&[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "PLAIN")])
                .consumer(None)
                .is_ok()
        );
    }
}
