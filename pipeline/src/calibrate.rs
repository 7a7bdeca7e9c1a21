//! A field calibration from a file of known samples: what the device is to calculate with, and the event that tells of it.
//!
//! # Invariants
//! - What is sent would be understood: the event was read back as the pipeline reads it.
//! - The same file makes the same event, with the same identity: sent twice it counts once.

use crate::{Error, service::publish};
use dsp::differential::{Ambient, Coefficients};
use eventlog::Record;
use model::{Calibration, DomainEvent, EventId, Input, Number, time::DAY};
use operators::calibration::field::{Field, Made, Refusal, Sample, Usual};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sources::event::Encoded;

/// What the event says it is from.
const SOURCE: &str = "manpasik-calibrate";

/// Known samples, and what they were measured with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Id of the calibration that is made.
    calibration_id: String,
    device_id: String,
    cartridge_category: u8,
    cartridge_type: u8,
    /// ISO 8601 with offset.
    calibrated_at: String,
    /// Absent for a third of what the model's factory calibration holds.
    #[serde(default)]
    validity_days: Option<u16>,
    /// What a measurement with this cartridge takes off of the reference: its tag or its factory calibration says.
    alpha: f64,
    #[serde(default)]
    per_celsius: f64,
    #[serde(default)]
    per_percent: f64,
    samples: Vec<Calibrator>,
    /// What references usually read, and by how much they differ; both or none.
    #[serde(default)]
    reference_means: Vec<f64>,
    #[serde(default)]
    reference_deviations: Vec<f64>,
}

/// A sample whose content is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calibrator {
    known: f64,
    detection: Vec<f64>,
    #[serde(default)]
    reference: Vec<f64>,
    celsius: f64,
    humidity_percent: f64,
}

/// Why a file makes no calibration.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is not what it must be.
    #[error("line {line}, column {column}: {what}; `manpasik calibrate --help` shows what is asked for")]
    Shape {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
        /// What is wrong, without what stands there.
        what: &'static str,
    },
    /// The samples were refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The event would be a dead letter.
    #[error("{0}")]
    Event(String),
}

/// A calibration that was made.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// What the device carries in the first packet of a session.
    calibration: Calibration,
    event: Encoded,
    at_ms: i64,
}

/// What is printed: for the device, and for whoever publishes the event.
#[derive(Serialize)]
struct Told<'a> {
    calibration: Carried<'a>,
    event: Value,
}

/// What the first packet of a session carries of it.
#[derive(Serialize)]
struct Carried<'a> {
    calibration_id: &'a str,
    kind: &'static str,
    gains: &'a [Number],
    offsets: &'a [Number],
    per_celsius: Number,
    per_percent: Number,
    accuracy_score: Number,
    valid_days: i64,
    reference_means: &'a [Number],
    reference_deviations: &'a [Number],
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Unusable::Shape`] says where; never what stands there.
    pub fn read(text: &[u8]) -> Result<Self, Unusable> {
        serde_json::from_slice(text).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "a key is missing, unknown, or not of its type",
                _ => "this is no JSON",
            };
            Unusable::Shape { line: error.line(), column: error.column(), what }
        })
    }

    /// Makes the calibration.
    ///
    /// # Errors
    /// [`Unusable`] says which sample, channel or key stands against it.
    pub fn calibrate(&self) -> Result<Calibrated, Unusable> {
        let coefficients = Coefficients {
            per_celsius: self.per_celsius,
            per_percent: self.per_percent,
            ..Coefficients::new(self.alpha)
        };
        let samples: Vec<_> = self.samples.iter().map(Calibrator::sample).collect();
        let usual =
            Usual { means: self.reference_means.clone(), deviations: self.reference_deviations.clone() };
        let is_known = !(usual.means.is_empty() && usual.deviations.is_empty());
        let field = Field::fit(&samples, coefficients, is_known.then_some(usual))?;
        let made = self.made()?;
        let completed = DomainEvent::Calibration(field.completed(&made));
        let event = sources::event::encode(&completed, SOURCE);
        let at_ms = made.at / 1_000;
        understood(&event, at_ms)?;
        Ok(Calibrated { calibration: field.calibration(&made), event, at_ms })
    }

    /// Who made it, when and for what, as an event would be understood that says so.
    fn made(&self) -> Result<Made, Unusable> {
        let Self { device_id, calibration_id, calibrated_at, .. } = self;
        let event = EventId::derive(&["calibration", device_id, calibration_id, calibrated_at]);
        let mut payload = json!({
            "calibration_id": calibration_id,
            "device_id": device_id,
            "cartridge_category": self.cartridge_category,
            "cartridge_type": self.cartridge_type,
            "kind": 2,
            "reference_values": self.samples.iter().map(|sample| sample.known).collect::<Vec<_>>(),
            "calibrated_at": calibrated_at,
        });
        if let Some(days) = self.validity_days {
            payload["validity_days"] = days.into();
        }
        let envelope = json!({
            "event_id": event.to_string(),
            "event_type": sources::event::CALIBRATION_COMPLETED,
            "version": "1.0",
            "timestamp": calibrated_at,
            "source": SOURCE,
            "payload": payload,
        });
        let value = envelope.to_string().into_bytes();
        let event = Encoded { key: device_id.clone().into_bytes(), value, headers: Vec::new() };
        let DomainEvent::Calibration(completed) = understood(&event, 0)? else {
            unreachable!("its type says that it is a calibration");
        };
        Ok(Made {
            event: completed.event,
            id: completed.id,
            device: completed.device,
            cartridge: completed.cartridge,
            at: completed.calibrated_at,
            validity_days: completed.validity_days,
        })
    }
}

impl Calibrator {
    fn sample(&self) -> Sample {
        Sample {
            known: self.known,
            detection: self.detection.clone(),
            reference: self.reference.clone(),
            ambient: Ambient { celsius: self.celsius, humidity_percent: self.humidity_percent },
        }
    }
}

impl Calibrated {
    /// Both, as JSON.
    pub fn told(&self) -> String {
        let event = serde_json::from_slice(&self.event.value).expect("it was just written");
        let Calibration { calibrated_at, valid_until, .. } = self.calibration;
        let calibration = Carried {
            calibration_id: &self.calibration.id,
            kind: self.calibration.source.name(),
            gains: &self.calibration.gains,
            offsets: &self.calibration.offsets,
            per_celsius: self.calibration.per_celsius,
            per_percent: self.calibration.per_percent,
            accuracy_score: self.calibration.score,
            valid_days: (valid_until - calibrated_at) / DAY,
            reference_means: &self.calibration.reference_means,
            reference_deviations: &self.calibration.reference_deviations,
        };
        serde_json::to_string_pretty(&Told { calibration, event })
            .expect("texts and finite numbers are always JSON")
    }

    /// Publishes the event.
    ///
    /// # Errors
    /// [`Error::Held`] while the program holds the embedded log; those of the log.
    pub fn send(&self, config: &crate::config::Config) -> Result<(), Error> {
        publish(config, Input::Cartridges, self.event.clone(), self.at_ms, "calibrate")
    }
}

/// The event, as the pipeline will read it.
fn understood(event: &Encoded, timestamp_ms: i64) -> Result<DomainEvent, Unusable> {
    let Encoded { key, value, headers } = event.clone();
    let record = Record {
        topic: Input::Cartridges.topic().into(),
        partition: 0,
        offset: 0,
        timestamp_ms,
        key: Some(key),
        value,
        headers,
    };
    sources::event::decode(Input::Cartridges, record).map_err(|fault| Unusable::Event(fault.detail))
}
