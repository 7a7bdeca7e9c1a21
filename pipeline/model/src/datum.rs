//! What a record of the log turned out to be.

use crate::{DomainEvent, Fault, Micros, Origin, Packet, Raw};

/// One record, decoded; each is one of these, so that the order of a partition survives decoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A device packet.
    Packet(Packet),
    /// A domain event.
    Event {
        /// What it says.
        event: DomainEvent,
        /// The record it came in, should it turn out to be too late.
        raw: Raw,
    },
    /// A record that cannot be used.
    Fault(Fault),
}

impl Datum {
    /// Where the record stands.
    pub const fn origin(&self) -> Origin {
        match self {
            Self::Packet(packet) => packet.origin,
            Self::Event { event, .. } => event.origin(),
            Self::Fault(fault) => fault.origin,
        }
    }

    /// The record itself.
    pub const fn raw(&self) -> &Raw {
        match self {
            Self::Packet(Packet { raw, .. }) | Self::Event { raw, .. } | Self::Fault(Fault { raw, .. }) => {
                raw
            }
        }
    }

    /// When the record was written.
    pub const fn recorded_at(&self) -> Micros {
        self.raw().recorded_at
    }
}
