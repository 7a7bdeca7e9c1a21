//! A BLAKE3 digest: 32 bytes, written as 64 hexadecimal digits; a short one for many small things; and
//! files of one line that carry theirs in a second.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What content of any size comes down to; equal content has equal digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self::from(blake3::hash(content))
    }

    /// The first 16 hexadecimal digits: enough to tell files of one folder apart.
    pub(crate) fn short(self) -> String {
        let mut text = self.to_string();
        text.truncate(16);
        text
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = blake3::HexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        blake3::Hash::from_hex(text).map(Self::from)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
/// A line of JSON and its digest in a line of its own; the digest names it.
pub(crate) fn seal(mut body: Vec<u8>) -> (Vec<u8>, Digest) {
    let digest = Digest::of(&body);
    body.extend(digest_line(digest));
    (body, digest)
}

/// The first line and its digest; `None` if anything was changed.
pub(crate) fn unseal(bytes: &[u8]) -> Option<(&[u8], Digest)> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (body, rest) = bytes.split_at(end);
    let digest = Digest::of(body);
    (rest == digest_line(digest)).then_some((body, digest))
}

fn digest_line(digest: Digest) -> Vec<u8> {
    format!("\n{{\"blake3\":\"{digest}\"}}\n").into_bytes()
}

/// The first eight bytes of a digest, written as 16 hexadecimal digits: finds accidents, keeps no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Check(u64);

impl From<blake3::Hash> for Check {
    fn from(hash: blake3::Hash) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl From<Check> for String {
    fn from(check: Check) -> Self {
        format!("{:016x}", check.0)
    }
}

impl TryFrom<String> for Check {
    type Error = std::num::ParseIntError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
