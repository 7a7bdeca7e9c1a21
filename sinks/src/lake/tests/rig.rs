//! A lake on a simulated disk, the log that commits its intents, and the rows that should be in it.

use crate::{
    Digest, Error, Output,
    binding::Intent,
    disk::{Disk, sim::SimDisk},
    lake::{Lake, Tuning, file, verify},
    samples,
    views::{Views, identities},
};
use model::{Vitals, view::RowId};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, LazyLock, Mutex},
};

pub(super) const DIR: &str = "/data/lake";
/// So many rows are known by number.
const ROWS: u32 = 640;

/// Identities of the rows by number: the rows of one number are the same in every test.
static IDS: LazyLock<Vec<RowId>> = LazyLock::new(|| {
    let lake = Lake::open(Arc::new(SimDisk::new(0)), Path::new(DIR)).unwrap();
    let identity = |n| {
        let mut views = Views::new(&lake);
        views.apply(&Output { vitals: vec![(row(n), 1)], ..Output::default() }).unwrap();
        identities(&views.cut()[1].live()[0])[0]
    };
    (0..ROWS).map(identity).collect()
});

/// Row `n`; even ones are of one day, odd ones of another.
fn row(n: u32) -> Vitals {
    let at = samples::START + i64::from(n % 2) * 86_400_000_000 + i64::from(n * 7 % 11) * 1_000_000;
    Vitals { at, ..samples::vitals(n) }
}

/// What outlives a process: the disk, what the log committed, and what stands by that.
#[derive(Clone, Debug)]
pub(super) struct Rig {
    pub(super) disk: SimDisk,
    pub(super) intents: Vec<Intent>,
    pub(super) standing: BTreeSet<u32>,
    pub(super) tuning: Tuning,
}

/// One process.
pub(super) struct Process {
    pub(super) lake: Lake,
    pub(super) views: Views,
    /// What stands once the next flush is committed.
    next: BTreeSet<u32>,
}

impl Rig {
    pub(super) fn new(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        disk.make_dir(Path::new("/data")).unwrap();
        let tuning = Tuning {
            compact_bytes: 1 << 20,
            alike: 3,
            smallest: 1 << 13,
            fold_every: 3,
            ..Tuning::default()
        };
        Self { disk, intents: Vec::new(), standing: BTreeSet::new(), tuning }
    }

    /// The same with a disk of its own.
    pub(super) fn copy(&self, seed: u64) -> Self {
        Self { disk: self.disk.copy(seed), ..self.clone() }
    }

    pub(super) fn open(&self) -> Result<Process, Error> {
        let mut lake = Lake::open(Arc::new(self.disk.clone()), Path::new(DIR))?;
        lake.tuning = self.tuning;
        lake.roll_forward(self.intents.iter())?;
        Ok(Process { views: Views::new(&lake), lake, next: self.standing.clone() })
    }

    /// One flush, from PREPARE over the commit to PUBLISH.
    pub(super) fn flush(&mut self, process: &mut Process) -> Result<(), Error> {
        let prepared = process.lake.prepare(self.intents.len() as u64, &process.views.cut())?;
        self.intents.push(prepared.intent.clone());
        self.standing.clone_from(&process.next);
        process.lake.advance(&prepared)?;
        process.views.flushed(&process.lake);
        process.lake.publish(&prepared.intent)
    }

    /// The log lost everything.
    pub(super) fn forget_all(&mut self) {
        self.intents.clear();
    }

    /// Opens, and finds what was committed and nothing else; by a reader, too.
    pub(super) fn check(&self) {
        let process = self.open().unwrap();
        assert_eq!(process.lake.through(), (self.intents.len() as u64).checked_sub(1));
        let expected: BTreeSet<RowId> = self.standing.iter().map(|n| IDS[*n as usize]).collect();
        let tables = Lake::read(&self.disk, Path::new(DIR)).unwrap();
        let mut found = BTreeSet::new();
        for file in tables.get("vitals").into_iter().flatten() {
            for id in self.identities(&file.path) {
                assert!(found.insert(id), "a row stands twice");
            }
        }
        assert_eq!(found, expected);
    }

    /// Like [`Self::check`], and every byte is as it was written.
    pub(super) fn verify(&self) {
        self.check();
        let report = verify(&self.disk, Path::new(DIR));
        assert!(report.ok() && report.manifests == self.intents.len() as u64, "{report}");
    }

    /// The identities in a file; equal content is decoded once, there are many thousand.
    pub(super) fn identities(&self, path: &Path) -> Vec<RowId> {
        static DECODED: Mutex<BTreeMap<Digest, Vec<RowId>>> = Mutex::new(BTreeMap::new());
        let bytes = self.disk.read(path).unwrap();
        let digest = Digest::of(&bytes);
        if let Some(known) = DECODED.lock().unwrap().get(&digest) {
            return known.clone();
        }
        let decoded = file::identities_in(path, &bytes.into()).unwrap();
        DECODED.lock().unwrap().insert(digest, decoded.clone());
        decoded
    }
}

impl Process {
    /// Rows that change sides with the next flush.
    pub(super) fn toggle(&mut self, rows: impl IntoIterator<Item = u32>) {
        let rows: BTreeSet<u32> = rows.into_iter().collect();
        let difference = |n: &u32| if self.next.contains(n) { -1 } else { 1 };
        let vitals = rows.iter().map(|n| (row(*n), difference(n))).collect();
        self.views.apply(&Output::merge([Output { vitals, ..Output::default() }])).unwrap();
        self.next = self.next.symmetric_difference(&rows).copied().collect();
    }
}
