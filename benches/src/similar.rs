//! How fast the similarity index is and how much it finds: 50,000 fingerprints exactly, 200,000 (or as many as asked for)
//! under inserts, revisions and deletions.
//!
//! Made fingerprints of 896 values, in clusters: each is the direction of its cartridge lot (40 of them), plus 0.6 of
//! a direction of its device (2,000), 0.4 of its person (20,000) and 0.2 of its own, brought to length one (`_wide`: 1.0
//! of its own). Persons are drawn with the square of a uniform number, so that some have far more fingerprints than
//! most. `_hard` has nothing to go by: directions spread evenly over the sphere. Questions are new
//! fingerprints of the same kind.
//!
//! # Invariants
//! - One thread. Only searching is timed, and for `apply_us` only applying.
//! - Answers are checked against a plain scan of all vectors, whose time is given for comparison.

use operators::similar::{Error, Found, Index, Options};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const DIMENSIONS: usize = 896;
const PERSONS: u64 = 20_000;
/// Persons share devices, devices share lots.
const DEVICES: u64 = 2_000;
const LOTS: u64 = 40;
/// Questions of a timed run.
const QUESTIONS: u64 = 200;
/// Questions whose answers are checked against a plain scan.
const CHECKED: u64 = 5;
const K: usize = 10;
/// Changes in one epoch.
const EPOCH: usize = 2_000;

type Metrics = BTreeMap<String, f64>;

/// What the benchmark of the similarity index can be told.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Fingerprints that stand in the end, for the search that is limited
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(50_000..=10_000_000))]
    vectors: u64,
    /// Only fingerprints of one kind (a million of all three take most of an hour)
    #[arg(long)]
    kind: Option<Kind>,
}

/// A kind of made fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Clustered,
    Wide,
    Hard,
}

impl Kind {
    /// What the names of its metrics end with.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Clustered => "",
            Self::Wide => "_wide",
            Self::Hard => "_hard",
        }
    }

    /// How much a fingerprint has of its own, relative to the direction of its lot; of no lot, nothing else.
    const fn own(self) -> Option<f32> {
        match self {
            Self::Clustered => Some(0.2),
            Self::Wide => Some(1.0),
            Self::Hard => None,
        }
    }
}

/// Measures everything: milliseconds, shares and bytes by metric.
pub(crate) fn run(args: &Args) -> Result<Metrics, Error> {
    let mut metrics = Metrics::new();
    let kinds = [Kind::Clustered, Kind::Wide, Kind::Hard];
    for kind in kinds.into_iter().filter(|kind| args.kind.is_none_or(|only| only == *kind)) {
        exact(&mut metrics, kind)?;
        approximate(args.vectors, &mut metrics, kind)?;
    }
    let recall = metrics.get("recall_at_10");
    assert!(recall.is_none_or(|recall| *recall >= 0.98), "the limited search finds too little");
    Ok(metrics)
}

/// 50,000 fingerprints: every answer is that of a full scan.
fn exact(metrics: &mut Metrics, kind: Kind) -> Result<(), Error> {
    let suffix = kind.suffix();
    let mut index = Index::new(Options::new(DIMENSIONS))?;
    let vectors: Vec<_> = (0..50_000).map(|number| (number, fingerprint(kind, number, 0))).collect();
    for epoch in vectors.chunks(EPOCH) {
        let refused = index.apply(epoch.iter().map(|(id, vector)| (*id, Some(vector.as_slice()))));
        assert!(refused.is_empty(), "vectors of length one were refused");
    }
    let mut times = Vec::new();
    let mut plain = Vec::new();
    for number in 0..QUESTIONS {
        let question = fingerprint(kind, number, 99);
        let (found, time) = timed(|| index.search(&question, K, |_| false));
        times.push(time);
        if number < CHECKED {
            let (truth, time) = timed(|| scan(&vectors, &question));
            plain.push(time);
            let found = found?;
            let ids = |answer: &[(u64, f32)]| answer.iter().map(|(id, _)| *id).collect::<Vec<_>>();
            assert_eq!(ids(&found.neighbours), ids(&truth), "the exact search is not exact");
            assert_eq!(found.certain, K, "an exact search is certain");
        }
    }
    metrics.insert(format!("exact_ms_50k{suffix}"), milliseconds(&mut times, 0.5));
    metrics.insert(format!("exact_p99_ms_50k{suffix}"), milliseconds(&mut times, 0.99));
    metrics.insert(format!("plain_scan_ms_50k{suffix}"), milliseconds(&mut plain, 0.5));
    Ok(())
}

/// So many fingerprints after inserts, revisions and deletions: the answers of the limited search.
fn approximate(standing: u64, metrics: &mut Metrics, kind: Kind) -> Result<(), Error> {
    let suffix = kind.suffix();
    let options = Options { exact: 100_000, ..Options::new(DIMENSIONS) };
    let mut index = Index::new(options)?;
    // Of 200,000 that stand in the end, 220,000 came: a tenth is revised and 20,000 are deleted, both while others come in.
    let come = (standing * 10 - 20_000) / 9;
    let mut applied = Duration::ZERO;
    let mut changes = 0;
    for first in (0..come).step_by(EPOCH) {
        let numbers = first..(first + EPOCH as u64).min(come);
        let mut epoch: Vec<_> =
            numbers.clone().map(|number| (number, Some(fingerprint(kind, number, 0)))).collect();
        for number in numbers.filter(|number| *number >= 20_000) {
            match number % 10 {
                0 => epoch.push((number - 19_990, None)),
                5 => epoch.push((number - 20_000, Some(fingerprint(kind, number, 1)))),
                _ => {}
            }
        }
        // Whoever reads while the epoch is applied keeps the version before it.
        let reader = index.version();
        let (refused, time) =
            timed(|| index.apply(epoch.iter().map(|(id, vector)| (*id, vector.as_deref()))));
        assert!(refused.is_empty() && reader.len() as u64 <= standing + EPOCH as u64, "an epoch went wrong");
        applied += time;
        changes += epoch.len();
    }
    let version = index.version();
    let (mut times, mut exact) = (Vec::new(), Vec::new());
    let (mut right, mut certain, mut scanned, mut exact_scanned) = (0, 0, 0, 0);
    for number in 0..QUESTIONS {
        let question = fingerprint(kind, number * 7, 99);
        let (found, time) = timed(|| version.search(&question, K, |_| false));
        times.push(time);
        let (truth, time) = timed(|| version.search_exact(&question, K, |_| false));
        exact.push(time);
        let (found, truth): (Found<u64>, Found<u64>) = (found?, truth?);
        right += found.neighbours.iter().filter(|neighbour| truth.neighbours.contains(neighbour)).count();
        certain += found.certain;
        scanned += found.scanned;
        exact_scanned += truth.scanned;
    }
    let per_question = |count: usize| count as f64 / QUESTIONS as f64;
    let named = |name: &str| format!("{name}_ms_{}k{suffix}", standing / 1_000);
    metrics.insert(named("p50"), milliseconds(&mut times, 0.5));
    metrics.insert(named("p99"), milliseconds(&mut times, 0.99));
    metrics.insert(named("exact"), milliseconds(&mut exact, 0.5));
    for (name, value) in [
        ("vectors", version.len() as f64),
        ("recall_at_10", per_question(right) / K as f64),
        ("certain_at_10", per_question(certain) / K as f64),
        ("scanned", per_question(scanned)),
        ("exact_scanned", per_question(exact_scanned)),
        ("apply_us", applied.as_secs_f64() * 1e6 / f64::from(changes as u32)),
        ("bytes_per_vector", index.bytes() as f64 / version.len() as f64),
    ] {
        metrics.insert(format!("{name}{suffix}"), value);
    }
    Ok(())
}

/// The ten nearest by a plain scan.
fn scan(vectors: &[(u64, Vec<f32>)], question: &[f32]) -> Vec<(u64, f32)> {
    let mut scores: Vec<_> = vectors
        .iter()
        .map(|(id, vector)| {
            let mut lanes = [0.0_f32; 16];
            for (left, right) in vector.chunks_exact(16).zip(question.chunks_exact(16)) {
                for lane in 0..16 {
                    lanes[lane] += left[lane] * right[lane];
                }
            }
            (*id, lanes.iter().sum::<f32>())
        })
        .collect();
    scores.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    scores.truncate(K);
    scores
}

/// The fingerprint of a number; another version of it is another measurement of the same person.
fn fingerprint(kind: Kind, number: u64, version: u64) -> Vec<f32> {
    let own = direction(4, number ^ (version << 40));
    let vector: Vec<f32> = match kind.own() {
        None => own,
        Some(noise) => {
            let uniform = (mix(number) >> 11) as f64 / (1_u64 << 53) as f64;
            let person = (uniform * uniform * PERSONS as f64) as u64;
            let (device, lot) = (mix(person) % DEVICES, mix(mix(person) % DEVICES) % LOTS);
            let [lot, device, person] = [direction(1, lot), direction(2, device), direction(3, person)];
            (0..DIMENSIONS)
                .map(|place| lot[place] + 0.6 * device[place] + 0.4 * person[place] + noise * own[place])
                .collect()
        }
    };
    let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    vector.iter().map(|value| (f64::from(*value) / norm) as f32).collect()
}

/// A direction with no preference: every value the sum of four uniform numbers, as good as normal.
fn direction(kind: u64, number: u64) -> Vec<f32> {
    let mut state = mix(number ^ (kind << 60));
    let value = |_| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = mix(state);
        let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xffff).sum();
        sum as f32 / 65_535.0 - 2.0
    };
    (0..DIMENSIONS).map(value).collect()
}

/// A number that looks random and is always the same: the finaliser of `SplitMix64` (Steele, Lea, Flood 2014).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn milliseconds(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3
}
