//! Fingerprints through the whole chain, with and without frozen statistics of their kind.

use super::{Bench, Device, rise};
use crate::{
    cartridge::{Options, normaliser::Frozen},
    similar::Book,
};
use model::{Fingerprint, SessionId};

/// Statistics of the electronic nose; only its eight places say anything.
fn frozen(version: u32, medians: &[f64; 8]) -> Frozen {
    let mut all = vec![0.0; 448];
    all[440..].copy_from_slice(medians);
    let (id, layout) = ("nose".into(), "v1-448".into());
    Frozen { id, version, category: 4, kind: 1, layout, medians: all, quartile_ranges: vec![0.1; 448] }
}

/// The fingerprint of one and the same session.
fn fingerprint(normalisers: Vec<Frozen>) -> Fingerprint {
    let device = Device::new(8, rise);
    let mut bench = Bench::with(&Options { normalisers, ..Options::specified() }, device.period_us);
    bench.take([device.packets(0..400), vec![device.end(400)]].concat());
    bench.stands().1.unwrap()
}

#[test]
fn a_fingerprint_names_what_it_was_normalised_by() {
    let medians = [0.9, 0.1, 0.4, 0.3, 0.2, 0.6, 0.0, 0.5];
    let (identity, own) = (fingerprint(vec![]), fingerprint(vec![frozen(2, &medians)]));
    assert_eq!(identity.normaliser, "identity-v1");
    assert!(own.normaliser.starts_with("nose-v2-"), "{}", own.normaliser);
    assert_eq!((&own.layout, &own.mask), (&identity.layout, &identity.mask));
    assert_ne!(own.vector, identity.vector);
    assert_ne!(fingerprint(vec![frozen(2, &[0.0; 8])]).normaliser, own.normaliser);
    assert_eq!(fingerprint(vec![Frozen { kind: 2, ..frozen(2, &medians) }]).normaliser, "identity-v1");
}

#[test]
fn fingerprints_of_different_normalisers_are_never_neighbours() {
    let named = |name: &str, normalisers: Vec<Frozen>| Fingerprint {
        session: SessionId::derive(&[name]),
        ..fingerprint(normalisers)
    };
    let second = || vec![frozen(2, &[0.5; 8])];
    let all = [
        named("one", vec![]),
        named("other", vec![]),
        named("own", second()),
        named("third", vec![frozen(3, &[0.5; 8])]),
    ];
    let mut book = Book::follow();
    book.apply(&all.map(|fingerprint| (fingerprint, 1)));
    let version = book.version();
    let neighbours = |name: &str| -> Vec<SessionId> {
        let found = version.nearest(SessionId::derive(&[name]), 10).unwrap();
        found.into_iter().map(|neighbour| neighbour.session).collect()
    };
    assert_eq!(neighbours("one"), [SessionId::derive(&["other"])]);
    assert!(neighbours("own").is_empty() && neighbours("third").is_empty());
}
