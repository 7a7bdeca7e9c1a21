//! The dictionary: ids, time, packets, events, windows, vitals, alerts, faults, and the tables they become.
//!
//! # Layout
//! One file per word. [`table`] holds one file per table with its Arrow schema: the only contract
//! between what writes (sinks) and what reads (api). [`view`] is what a reader holds: all tables at
//! one committed epoch.
//!
//! # Invariants
//! - Everything here is a value: no clock, no disk, no runtime.
//! - Every type that can be revised is totally ordered, so that a result never depends on hashing.
//! - Floating-point values inside facts are finite ([`Number`]).

pub mod again;
pub mod alert;
pub mod analysis;
pub mod beat;
pub mod breathing;
pub mod calibration;
pub mod cartridge;
pub mod coaching;
pub mod consent;
pub mod date;
pub mod datum;
pub mod day;
pub mod envelope;
pub mod event;
pub mod fault;
pub mod feature;
pub mod glucose;
pub mod goal;
pub mod health_record;
pub mod id;
pub mod laboratory;
pub mod measurement;
pub mod notification;
pub mod number;
pub mod origin;
pub mod packet;
pub mod planted;
pub mod profile;
pub mod rules;
pub mod session;
pub mod similar;
pub mod state;
pub mod streamed;
pub mod supply;
pub mod table;
pub mod time;
pub mod view;
pub mod vitals;
pub mod waveform;
pub mod window;

pub use again::Again;
pub use alert::{Alert, AlertChange, ChangeKind, Claim, Evidence, Finding, Level, Rule, SetRule};
pub use analysis::{Analysis, Judged, Risk};
pub use beat::{Beat, Rhythm};
pub use breathing::Breathing;
pub use calibration::{CalibrationCompleted, CalibrationRecord, DeviceCalibration};
pub use cartridge::{Calibration, CalibrationSource, Cartridge, Tag};
pub use coaching::{About, Coaching, Message, Text, Trend};
pub use consent::{RiskDetected, Sharing, SharingChanged};
pub use date::Date;
pub use datum::Datum;
pub use day::{AlertCounts, BiomarkerDay, DailySummary, DayKind};
pub use envelope::Envelope;
pub use event::{DomainEvent, SessionEnded, SessionStarted};
pub use fault::{Fault, Raw, Reason};
pub use feature::FeatureWindow;
pub use glucose::{Comparator, GlucoseEpisode, GlucoseReading, GlucoseSummary, GlucoseWindow, Wear};
pub use goal::{GoalChange, GoalEvent, GoalKind, GoalProgress, GoalState, GoalTerms};
pub use health_record::{Claimed, HealthRecord, RecordStatus};
pub use id::{CartridgeUid, EventId, GoalId, ResultId, SessionId, UserId};
pub use laboratory::{LaboratoryEvent, LaboratoryResult, LaboratoryValue};
pub use measurement::{CalibrationStatus, CartridgeKind, Fingerprint, Measurement, Vector};
pub use notification::{Notification, NotificationEvent, NotificationListed, Unread};
pub use number::Number;
pub use origin::{Input, Origin, Span};
pub use packet::{Arrival, Environment, Packet, Signal};
pub use profile::{Profile, ProfileUpdated, Region, Sex};
pub use rules::RulesPublished;
pub use session::Session;
pub use streamed::{EndStatus, SessionBeginning, SessionEnd, SessionStream, Streamed};
pub use supply::{CartridgeChange, CartridgeEvent, CartridgeLabel, CartridgeState, CartridgeSupply};
pub use time::{Day, Epoch, Micros, Tick};
pub use vitals::{Consciousness, Vitals};
pub use window::PulseWindow;
