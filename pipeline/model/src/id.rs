//! Identifiers: fixed-size, copied, compared as integers; text only at the borders.
//!
//! Ids that this product makes are deterministic (UUID version 5), so a replay makes the same ones.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// Namespace of every id this product derives: `UUIDv5` of the DNS name `manpasik.example`.
const NAMESPACE: Uuid = Uuid::from_u128(0x728c_f02a_ae6b_5b81_a901_1e9a_85c4_4ca7);

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id as a number: for routing and for keys.
            pub const fn as_u128(self) -> u128 {
                self.0.as_u128()
            }

            /// The id that `parts` always lead to.
            pub fn derive(parts: &[&str]) -> Self {
                Self(Uuid::new_v5(&NAMESPACE, parts.join("\u{1f}").as_bytes()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

identifier!(
    /// One measurement session of one device.
    SessionId
);
identifier!(
    /// The person a fact is about.
    UserId
);
identifier!(
    /// One event; the same event always has the same id.
    EventId
);
identifier!(
    /// One goal of one person.
    GoalId
);
identifier!(
    /// One result of a laboratory, whatever becomes of it.
    ResultId
);

impl SessionId {
    /// A well-mixed 64-bit number for sending a session's facts to one worker.
    pub fn route(self) -> u64 {
        mix(self.as_u128())
    }
}

impl UserId {
    /// A well-mixed 64-bit number for sending a user's facts to one worker.
    pub fn route(self) -> u64 {
        mix(self.as_u128())
    }
}

/// Identity of a cartridge: that of its chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CartridgeUid([u8; 8]);

impl CartridgeUid {
    /// Wraps the bytes as the tag holds them.
    pub const fn new(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Reads what it displays: 16 hexadecimal digits.
    ///
    /// # Examples
    /// ```
    /// use model::CartridgeUid;
    /// assert_eq!(CartridgeUid::parse("04A1b2c3d4e5f600").unwrap().to_string(), "04a1b2c3d4e5f600");
    /// assert_eq!(CartridgeUid::parse("04a1"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(|uid| Self(uid.to_be_bytes()))
    }

    /// A well-mixed 64-bit number for sending a cartridge's facts to one worker.
    pub fn route(self) -> u64 {
        mix(u128::from(u64::from_be_bytes(self.0)))
    }
}

impl fmt::Display for CartridgeUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Folds 128 bits to 64 and mixes them: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
fn mix(id: u128) -> u64 {
    let mut z = (id >> 64) as u64 ^ id as u64;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{EventId, SessionId};

    #[test]
    fn derived_ids_depend_on_every_part_and_on_nothing_else() {
        let id = EventId::derive(&["a", "b"]);
        assert_eq!(id, EventId::derive(&["a", "b"]));
        assert_ne!(id, EventId::derive(&["ab"]));
        assert_ne!(id, EventId::derive(&["a", "b", ""]));
    }

    #[test]
    fn text_and_id_agree() {
        let id = SessionId::derive(&["x"]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("not-a-uuid".parse::<SessionId>().is_err());
    }
}
