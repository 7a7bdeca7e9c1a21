//! The statistics that make fingerprints comparable: data, frozen, each with an id and a version (signals.md §4.8).
//!
//! They are learnt from a gallery elsewhere and given by the configuration, one for a kind of cartridge and a layout. A kind
//! without any has the identity: medians of 0 and quartiles 1.349 apart, as of a standard normal distribution, which
//! compress and do not shift.
//!
//! # Invariants
//! A name says which numbers were used: it holds id, version and a digest of the numbers. Who changes the numbers and not
//! the version gets another name, and fingerprints of different names are never compared ([`crate::similar`]).

use dsp::fingerprint::{Layout, Normaliser};
use model::CartridgeKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Name of what is used where nothing is frozen.
const IDENTITY: &str = "identity-v1";
const QUARTILE_RANGE: f64 = 1.349;
/// Every layout, to be found by its name.
const LAYOUTS: [Layout; 5] = [Layout::Basic, Layout::Enhanced, Layout::Full, Layout::Raw448, Layout::Raw896];

/// Statistics of the fingerprints of one kind of cartridge in one layout, as they are configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// What they are called.
    pub id: String,
    /// Rises whenever they are learnt anew.
    pub version: u32,
    /// Category of the cartridge.
    pub category: u8,
    /// Type within the category.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Layout, as fingerprints name it: `v1-88`, `v1-448`, `v1-896`, `raw-448` or `raw-896`.
    pub layout: String,
    /// Median of each number of the layout, in its unit.
    pub medians: Vec<f64>,
    /// Distance between the quartiles of each; a number whose distance is not positive says nothing.
    pub quartile_ranges: Vec<f64>,
}

impl Frozen {
    /// Id, version, and the first 32 bits of the SHA-256 of the numbers, 64-bit floats, little-endian.
    fn name(&self) -> String {
        let mut hasher = Sha256::new();
        for number in self.medians.iter().chain(&self.quartile_ranges) {
            hasher.update(number.to_le_bytes());
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let [one, two, three, four, ..] = digest;
        format!("{}-v{}-{one:02x}{two:02x}{three:02x}{four:02x}", self.id, self.version)
    }
}

/// The name that fingerprints have for a layout.
pub(super) fn name(layout: Layout) -> String {
    match layout {
        Layout::Basic | Layout::Enhanced | Layout::Full => layout.id().to_owned(),
        Layout::Raw448 | Layout::Raw896 => format!("{}-{}", layout.id(), layout.dimensions()),
    }
}

/// What fingerprints are normalised by.
#[derive(Debug)]
pub struct Normalisers(BTreeMap<(CartridgeKind, String), (String, Normaliser)>);

impl Normalisers {
    /// Takes what is frozen; none if something cannot be used: a layout that does not exist, another number of numbers than
    /// its layout has, a kind and layout that comes twice, or an id that is empty.
    pub fn new(frozen: &[Frozen]) -> Option<Self> {
        let mut known = BTreeMap::new();
        for one in frozen {
            let layout = LAYOUTS.into_iter().find(|layout| name(*layout) == one.layout)?;
            let normaliser = Normaliser::new(layout, &one.medians, &one.quartile_ranges).ok()?;
            let kind = CartridgeKind { category: one.category, kind: one.kind };
            if one.id.is_empty()
                || known.insert((kind, one.layout.clone()), (one.name(), normaliser)).is_some()
            {
                return None;
            }
        }
        Some(Self(known))
    }

    /// That of a kind of cartridge in a layout, and its name.
    pub(super) fn of(&self, kind: CartridgeKind, layout: Layout) -> (String, Normaliser) {
        self.0.get(&(kind, name(layout))).cloned().unwrap_or_else(|| {
            let zeros = vec![0.0; layout.dimensions()];
            let ranges = vec![QUARTILE_RANGE; layout.dimensions()];
            let identity =
                Normaliser::new(layout, &zeros, &ranges).expect("as many numbers as the layout has");
            (IDENTITY.to_owned(), identity)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUCOSE: CartridgeKind = CartridgeKind { category: 1, kind: 1 };

    fn frozen() -> Frozen {
        Frozen {
            id: "glucose".into(),
            version: 3,
            category: 1,
            kind: 1,
            layout: "v1-88".into(),
            medians: vec![2.0; 88],
            quartile_ranges: vec![1.349 * 4.0; 88],
        }
    }

    #[test]
    fn a_kind_and_a_layout_have_their_own_numbers_and_others_the_identity() {
        let normalisers = Normalisers::new(&[frozen()]).unwrap();
        let scored = |kind: CartridgeKind, layout: Layout| {
            let (name, normaliser) = normalisers.of(kind, layout);
            let mut raw = dsp::fingerprint::Fingerprint::new(layout);
            let part = dsp::fingerprint::Part { steady: Some(6.0), ..Default::default() };
            raw.fill(&vec![part; dsp::fingerprint::CHANNELS], &[], &[]);
            let mut scores = vec![0.0; layout.dimensions()];
            normaliser.normalise(&raw, &mut scores).unwrap();
            (name, scores[0])
        };
        let (name, score) = scored(GLUCOSE, Layout::Basic);
        assert!(name.starts_with("glucose-v3-") && (score - 1.0_f64.asinh()).abs() < 1e-12, "{name} {score}");
        for (kind, layout) in
            [(GLUCOSE, Layout::Full), (CartridgeKind { category: 1, kind: 2 }, Layout::Basic)]
        {
            let (name, score) = scored(kind, layout);
            assert!(name == IDENTITY && (score - 6.0_f64.asinh()).abs() < 1e-12, "{name} {score}");
        }
    }

    #[test]
    fn other_numbers_or_another_version_have_another_name() {
        let names = |one: Frozen| Normalisers::new(&[one]).unwrap().of(GLUCOSE, Layout::Basic).0;
        let usual = names(frozen());
        assert_eq!(usual, names(frozen()));
        let mut medians = frozen();
        medians.medians[87] += 1e-9;
        let mut ranges = frozen();
        ranges.quartile_ranges[0] += 1e-9;
        for other in
            [medians, ranges, Frozen { version: 4, ..frozen() }, Frozen { id: "g".into(), ..frozen() }]
        {
            assert_ne!(names(other), usual);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        assert!(Normalisers::new(&[frozen(), Frozen { kind: 2, ..frozen() }]).is_some());
        for bad in [
            vec![frozen(), Frozen { version: 4, ..frozen() }],
            vec![Frozen { layout: "v1-89".into(), ..frozen() }],
            vec![Frozen { layout: "v1-448".into(), ..frozen() }],
            vec![Frozen { medians: vec![0.0; 87], ..frozen() }],
            vec![Frozen { id: String::new(), ..frozen() }],
        ] {
            assert!(Normalisers::new(&bad).is_none(), "{bad:?}");
        }
    }
}
