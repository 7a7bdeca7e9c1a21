//! Where a fact came from on the log.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The input topics, as a small number that facts can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Input {
    /// Raw device packets.
    Packets,
    /// Vital signs.
    Vitals,
    /// Session life-cycle events.
    Sessions,
    /// Calibrations, and what happened to cartridges.
    Cartridges,
    /// What people are: updates of their profiles.
    Profiles,
    /// Consents, and with whom people share what.
    Consents,
    /// Notifications that are asked for, were read, or are not wanted at some hours.
    Notifications,
    /// Rule sets that are published while the program runs.
    Rules,
    /// Goals that people set themselves.
    Goals,
    /// Readings of continuous glucose monitors.
    Glucose,
    /// Results of laboratories.
    Laboratory,
}

impl Input {
    /// Every input, in the order the demo and the documentation list them.
    pub const ALL: [Self; 11] = [
        Self::Packets,
        Self::Vitals,
        Self::Sessions,
        Self::Cartridges,
        Self::Profiles,
        Self::Consents,
        Self::Notifications,
        Self::Rules,
        Self::Goals,
        Self::Glucose,
        Self::Laboratory,
    ];

    /// Name of the topic.
    pub const fn topic(self) -> &'static str {
        match self {
            Self::Packets => "manpasik.measurement.packet",
            Self::Vitals => "manpasik.measurement.vitals",
            Self::Sessions => "manpasik.measurement.session",
            Self::Cartridges => "manpasik.measurement.cartridge",
            Self::Profiles => "manpasik.user.profile.updated",
            Self::Consents => "manpasik.user.consent",
            Self::Notifications => "manpasik.notification.send",
            Self::Rules => "manpasik.ai.rules",
            Self::Goals => "manpasik.coaching.goal",
            Self::Glucose => "manpasik.measurement.glucose",
            Self::Laboratory => "manpasik.measurement.laboratory",
        }
    }
}

impl Input {
    /// The input of this topic.
    pub fn named(topic: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|input| input.topic() == topic)
    }

    /// Whether its records concern everybody, so that whatever is computed again needs all of them.
    pub const fn is_global(self) -> bool {
        matches!(self, Self::Rules)
    }

    /// The worker that reads a partition, modulo their number: everything that keeps state by partition lives there.
    pub const fn lane(self, partition: u32) -> u64 {
        self as u64 + partition as u64
    }
}

/// One record of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Topic.
    pub input: Input,
    /// Partition.
    pub partition: u32,
    /// Offset.
    pub offset: u64,
}

impl Origin {
    /// Reads what [`Origin`] displays: `topic/partition@offset`.
    ///
    /// # Examples
    /// ```
    /// use model::Origin;
    /// let place = "manpasik.measurement.vitals/2@17";
    /// assert_eq!(Origin::parse(place).unwrap().to_string(), place);
    /// assert_eq!(Origin::parse("manpasik.measurement.vitals/2"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (topic, place) = text.split_once('/')?;
        let (partition, offset) = place.split_once('@')?;
        let input = Input::named(topic)?;
        Some(Self { input, partition: partition.parse().ok()?, offset: offset.parse().ok()? })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.input.topic(), self.partition, self.offset)
    }
}

/// The records of one partition, from first to last, that a fact rests on.
///
/// A span names a range; records of other keys may stand between the ones meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Topic.
    pub input: Input,
    /// Partition.
    pub partition: u32,
    /// Lowest offset.
    pub first: u64,
    /// Highest offset.
    pub last: u64,
}

impl From<Origin> for Span {
    fn from(at: Origin) -> Self {
        Self { input: at.input, partition: at.partition, first: at.offset, last: at.offset }
    }
}

impl Span {
    /// The smallest span over both, or `None` if they are of different partitions.
    pub fn union(self, other: Self) -> Option<Self> {
        ((self.input, self.partition) == (other.input, other.partition)).then(|| Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            ..self
        })
    }
}
