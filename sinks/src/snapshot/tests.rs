//! Snapshots on a real disk: what is written is read, what is damaged is found, what is needed stays.

use super::{Draft, Found, Mark, Options, StateDigest, Stored, candidates, newest, stored::all};
use crate::{
    Digest, Error,
    disk::{
        Machine, Shared,
        sim::{Fault, SimDisk},
    },
    samples,
};
use model::{
    Epoch,
    state::{Export, Pieces, StepVersion},
};
use std::{collections::BTreeSet, fs, path::PathBuf, sync::Arc};
use tempfile::TempDir;

struct Rig {
    dir: TempDir,
    disk: Shared,
}

impl Rig {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), disk: Arc::new(Machine) }
    }

    fn dir(&self) -> PathBuf {
        self.dir.path().join("below/snapshots")
    }

    fn options(&self) -> Options {
        Options { dir: self.dir(), interval_ms: 60_000, input_bytes: 1 << 28, keep: 3, slice_bytes: 2_000 }
    }

    fn begin(&self, epoch: Epoch, incarnation: u64) -> Draft {
        Draft::begin(&self.disk, &self.options(), epoch, incarnation).unwrap()
    }

    /// A snapshot of `epoch` that the lake has reached if it holds `rows`.
    fn take(&self, epoch: Epoch, rows: Option<Epoch>, through: Option<Epoch>) {
        let mut draft = self.begin(epoch, 1);
        draft.add(exports(epoch as u32, 3)).unwrap();
        draft.finish(&Mark { through, rows, ..mark(epoch) }, &steps()).unwrap();
    }

    fn newest(&self) -> Found {
        newest(&self.disk, &self.dir(), |_| true).unwrap()
    }

    fn epochs(&self) -> Vec<Epoch> {
        candidates(&self.disk, &self.dir()).unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.dir()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn mark(epoch: Epoch) -> Mark {
    let counts = serde_json::json!({"packets": 12, "per": {"device": [1, 2]}});
    let binding = samples::binding(epoch, epoch * 10, epoch * 10 + 10);
    Mark { binding, history: epoch, intent: None, through: None, rows: None, counts }
}

fn step(name: &str) -> StepVersion {
    StepVersion { step: name.into(), version: 2 }
}

fn steps() -> Vec<StepVersion> {
    ["empty", "sequence", "sessions"].map(step).into()
}

/// `count` entries in each of two steps, some without bytes.
fn exports(seed: u32, count: u32) -> Vec<Export> {
    let of = |name| {
        let mut pieces = Pieces::default();
        (0..count).for_each(|n| pieces.push(&(n ^ 1).to_be_bytes(), &vec![seed as u8; n as usize % 40]));
        Export { of: step(name), pieces }
    };
    vec![of("sequence"), of("sessions")]
}

fn entries(exports: impl IntoIterator<Item = Export>) -> BTreeSet<(StepVersion, Vec<u8>, Vec<u8>)> {
    let of = |export: Export| -> Vec<_> {
        let all = export.pieces.iter().map(|(key, value)| (export.of.clone(), key.to_vec(), value.to_vec()));
        all.collect()
    };
    exports.into_iter().flat_map(of).collect()
}

fn read(stored: &Stored) -> Vec<Export> {
    stored.exports().map(Result::unwrap).collect()
}

#[test]
fn what_was_written_is_read_whatever_the_slices() {
    let mut states = BTreeSet::new();
    for slices in [1, 3] {
        let rig = Rig::new();
        assert!(rig.newest().stored.is_none() && rig.epochs().is_empty());
        let mut draft = rig.begin(7, 4);
        let mut all = exports(1, 50);
        for slice in 0..slices {
            let mut part = all.clone();
            for (export, whole) in part.iter_mut().zip(&all) {
                export.pieces = Pieces::default();
                let of_slice = whole.pieces.iter().enumerate().filter(|(n, _)| n % slices == slice);
                of_slice.for_each(|(_, (key, value))| export.pieces.push(key, value));
            }
            draft.add(part).unwrap();
        }
        assert!(rig.newest().stored.is_none(), "it does not count before it is finished");
        let summary = draft.finish(&mark(7), &steps()).unwrap();
        let stored = rig.newest().stored.unwrap();
        assert_eq!((stored.mark.clone(), stored.steps.clone(), stored.entries), (mark(7), steps(), 100));
        assert_eq!((summary.epoch, summary.entries, summary.state), (7, 100, stored.state));
        assert!(read(&stored).iter().all(|export| export.pieces.iter().is_sorted()));
        let mut digest = StateDigest::default();
        all.reverse();
        for export in &all {
            digest.add_export(export);
        }
        assert_eq!(digest.finish(), stored.state);
        assert_eq!(entries(read(&stored)), entries(all));
        states.insert(stored.state);
    }
    assert_eq!(states.len(), 1);
}

#[test]
fn large_state_comes_in_chunks_and_equal_state_in_equal_files() {
    let names: BTreeSet<Vec<_>> = (0..2)
        .map(|_| {
            let rig = Rig::new();
            let mut draft = rig.begin(0, 1);
            let mut pieces = Pieces::default();
            (0..20_u32).for_each(|n| pieces.push(&n.to_be_bytes(), &vec![n as u8; 1 << 20]));
            draft.add(vec![Export { of: step("sessions"), pieces }]).unwrap();
            draft.finish(&mark(0), &steps()).unwrap();
            let stored = rig.newest().stored.unwrap();
            assert_eq!(read(&stored).iter().map(|export| export.pieces.len()).collect::<Vec<_>>(), [8, 8, 4]);
            rig.files().iter().map(|file| file.file_name().unwrap().to_owned()).collect()
        })
        .collect();
    assert_eq!(names.len(), 1);
}

#[test]
fn the_digest_of_state_sees_every_part_of_an_entry_and_how_often_it_stands() {
    let digest = |entries: &[(&str, &[u8], &[u8])]| -> Digest {
        let mut digest = StateDigest::default();
        for (step, key, value) in entries {
            digest.add(step, key, value);
        }
        digest.finish()
    };
    let all = [
        digest(&[]),
        digest(&[("a", b"k", b"v")]),
        digest(&[("b", b"k", b"v")]),
        digest(&[("a", b"kv", b"")]),
        digest(&[("a", b"", b"kv")]),
        digest(&[("a", b"k", b"v"), ("a", b"k", b"v")]),
        digest(&[("a", b"k", b"v"), ("b", b"k", b"v")]),
        digest(&[("a", b"k", b"w"), ("b", b"k", b"v")]),
        digest(&[("a", b"k", b"v"), ("b", b"k", b"w")]),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[6], digest(&[("b", b"k", b"v"), ("a", b"k", b"v")]));
}

#[test]
fn every_flipped_byte_and_every_cut_is_found_and_the_one_before_is_used() {
    let rig = Rig::new();
    (1..=2).for_each(|epoch| rig.take(epoch, None, None));
    let of_newest = format!("{:020}-", 2);
    let files = rig.files();
    let damaged: Vec<_> = files.iter().filter(|file| file.to_str().unwrap().contains(&of_newest)).collect();
    assert_eq!(damaged.len(), 3);
    for file in damaged {
        let whole = fs::read(file).unwrap();
        let check = |bytes: &[u8], what: String| {
            fs::write(file, bytes).unwrap();
            let Found { stored, refused } = rig.newest();
            assert_eq!(stored.map(|stored| stored.epoch()), Some(1), "{what} of {}", file.display());
            assert_eq!(refused.len(), 1, "{what}");
            assert!(refused[0].contains(file.to_str().unwrap()), "{}", refused[0]);
            assert!(refused[0].contains("restore it from a copy"), "{}", refused[0]);
        };
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1 << (place % 8);
            check(&flipped, format!("byte {place}"));
        }
        (0..whole.len()).for_each(|length| check(&whole[..length], format!("{length} bytes")));
        // Gone: a chunk is missed; without a manifest there is no snapshot.
        fs::remove_file(file).unwrap();
        let Found { stored, refused } = rig.newest();
        assert_eq!(stored.unwrap().epoch(), 1);
        assert_eq!(refused.len(), usize::from(file.extension().unwrap() == "arrow"));
        fs::write(file, whole).unwrap();
        assert_eq!(rig.newest().stored.unwrap().epoch(), 2);
    }
    assert_eq!(rig.files(), files, "nothing was removed");
}

#[test]
fn a_chunk_that_changes_after_it_was_found_is_not_handed_out() {
    let rig = Rig::new();
    rig.take(1, None, None);
    let stored = rig.newest().stored.unwrap();
    let chunk = rig.files().into_iter().find(|file| file.extension().unwrap() == "arrow").unwrap();
    let mut bytes = fs::read(&chunk).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&chunk, bytes).unwrap();
    let errors: Vec<Error> = stored.exports().filter_map(Result::err).collect();
    assert!(errors.len() == 1 && errors[0].to_string().contains("the content changed"), "{errors:?}");
}

#[test]
fn another_format_and_another_name_are_refused_with_the_next_step() {
    let rig = Rig::new();
    (1..=2).for_each(|epoch| rig.take(epoch, None, None));
    let manifest = rig.newest().stored.unwrap().path();
    let text = fs::read_to_string(&manifest).unwrap();
    let body = text.lines().next().unwrap().replace(r#""format":1"#, r#""format":2"#);
    fs::write(&manifest, format!("{body}\n{{\"blake3\":\"{}\"}}\n", Digest::of(body.as_bytes()))).unwrap();
    let Found { stored, refused } = rig.newest();
    assert_eq!(stored.unwrap().epoch(), 1);
    assert!(refused[0].contains("has format 2, this version reads 1 to 1: start version 0."), "{refused:?}");
    // The manifest of one epoch in the place of another.
    let older = rig.newest().stored.unwrap().path();
    fs::copy(older, &manifest).unwrap();
    let (_, refused) = all(&rig.disk, &rig.dir()).unwrap();
    assert!(refused[0].contains("belongs under another name"), "{refused:?}");
}

#[test]
fn of_two_drafts_of_one_epoch_the_first_stands() {
    let rig = Rig::new();
    let [one, same, other] = [1, 1, 2].map(|seed| {
        let mut draft = rig.begin(5, 1);
        draft.add(exports(seed, 3)).unwrap();
        draft
    });
    one.finish(&mark(5), &steps()).unwrap();
    let files = rig.files();
    same.finish(&mark(5), &steps()).unwrap();
    assert_eq!(rig.files(), files);
    let error = other.finish(&mark(5), &steps()).unwrap_err().to_string();
    assert!(error.contains("another state stands under this name"), "{error}");
    assert_eq!(entries(read(&rig.newest().stored.unwrap())), entries(exports(1, 3)));
    // Another start has another name, and what the second draft left goes.
    let mut next = rig.begin(5, 2);
    next.add(exports(2, 3)).unwrap();
    next.finish(&mark(5), &steps()).unwrap();
    assert_eq!(rig.epochs(), [5, 5]);
    assert_eq!(rig.files().len(), 6);
}

#[test]
fn what_is_abandoned_or_refused_leaves_nothing() {
    let rig = Rig::new();
    let mut draft = rig.begin(1, 1);
    let mut pieces = Pieces::default();
    (0..10_u32).for_each(|n| pieces.push(&n.to_be_bytes(), &vec![0; 1 << 20]));
    draft.add(vec![Export { of: step("sessions"), pieces }]).unwrap();
    assert_eq!(rig.files().len(), 1, "a full chunk is on disk");
    draft.abandon();
    assert_eq!(rig.files(), Vec::<PathBuf>::new());

    let finished = |mark: Mark, steps: &[StepVersion]| {
        let mut draft = rig.begin(1, 1);
        draft.add(exports(1, 3)).unwrap();
        let error = draft.finish(&mark, steps).unwrap_err();
        assert!(matches!(error, Error::Broken(_)), "{error}");
        assert_eq!(rig.files(), Vec::<PathBuf>::new());
    };
    finished(mark(2), &steps());
    finished(mark(1), &[step("sequence")]);
    let mut draft = rig.begin(1, 1);
    draft.add(exports(1, 3)).unwrap();
    let other = StepVersion { version: 3, ..step("sequence") };
    assert!(draft.add(vec![Export { of: other, pieces: Pieces::default() }]).is_err());
}

#[test]
fn the_newest_stay_and_the_one_the_lake_has_reached() {
    let rig = Rig::new();
    // The lake holds epoch 2 for a long time.
    (1..=6).for_each(|epoch| rig.take(epoch, Some(epoch), Some(2.min(epoch))));
    assert_eq!(rig.epochs(), [6, 5, 4, 2]);
    let usable = |mark: &Mark| mark.is_reached_by(Some(2));
    assert_eq!(newest(&rig.disk, &rig.dir(), usable).unwrap().stored.unwrap().epoch(), 2);
    // It catches up.
    rig.take(7, Some(6), Some(6));
    assert_eq!(rig.epochs(), [7, 6, 5]);
    // Nothing changes any more: every later snapshot is reached.
    (8..12).for_each(|epoch| rig.take(epoch, Some(6), Some(6)));
    assert_eq!(rig.epochs(), [11, 10, 9]);
    assert_eq!(rig.files().len(), 9);
    assert!(!Mark { rows: Some(0), ..mark(3) }.is_reached_by(None) && mark(3).is_reached_by(None));
}

#[test]
fn snapshots_of_another_history_do_not_push_ours_out() {
    let rig = Rig::new();
    rig.take(500, Some(500), Some(500));
    rig.take(501, Some(501), Some(501));
    // The log was started over, the directory was not.
    (0..5).for_each(|epoch| rig.take(epoch, Some(epoch), None));
    assert_eq!(rig.epochs(), [501, 500, 4, 3, 2]);
}

#[test]
fn what_was_never_finished_goes_once_there_is_a_newer_one_and_the_damaged_stays() {
    let rig = Rig::new();
    rig.take(1, None, None);
    fs::write(rig.dir().join(format!("{:020}-{:020}.json", 1, 1)), "torn").unwrap();
    let mut unfinished = rig.begin(2, 1);
    let mut pieces = Pieces::default();
    (0..10_u32).for_each(|n| pieces.push(&n.to_be_bytes(), &vec![0; 1 << 20]));
    unfinished.add(vec![Export { of: step("sessions"), pieces }]).unwrap();
    fs::write(rig.dir().join(format!("{:020}-{:020}.json.tmp", 2, 1)), "half").unwrap();
    fs::write(rig.dir().join("notes.txt"), "not ours").unwrap();
    let mut newer = rig.begin(9, 2);
    newer.add(exports(1, 0)).unwrap();
    (3..=6).for_each(|epoch| rig.take(epoch, None, None));
    let count = |epoch: u64| {
        let prefix = format!("{epoch:020}-");
        rig.files()
            .iter()
            .filter(|file| file.file_name().unwrap().to_str().unwrap().starts_with(&prefix))
            .count()
    };
    assert_eq!([1, 2, 3, 4, 5, 6].map(count), [3, 0, 0, 3, 3, 3]);
    assert!(rig.dir().join("notes.txt").exists());
    // Whoever was cleared away does not finish.
    let error = unfinished.finish(&mark(2), &steps()).unwrap_err().to_string();
    assert!(error.contains("could not find") && error.contains("snapshot.dir"), "{error}");
    newer.finish(&mark(9), &steps()).unwrap();
    assert_eq!(rig.newest().stored.unwrap().entries, 0);
}

#[test]
fn a_directory_that_cannot_be_is_named_with_the_next_step() {
    let rig = Rig::new();
    fs::write(rig.dir.path().join("below"), "").unwrap();
    let error = Draft::begin(&rig.disk, &rig.options(), 1, 1).unwrap_err().to_string();
    assert!(error.contains("below") && error.ends_with("snapshot.dir to a directory"), "{error}");
}

#[test]
fn a_disk_that_fails_to_read_is_an_error_and_no_reason_to_begin_earlier() {
    let sim = SimDisk::new(1);
    let disk: Shared = Arc::new(sim.clone());
    let options = Options { dir: "/snapshots".into(), ..Rig::new().options() };
    for epoch in [1, 2] {
        let mut draft = Draft::begin(&disk, &options, epoch, 1).unwrap();
        draft.add(exports(epoch as u32, 50)).unwrap();
        draft.finish(&mark(epoch), &steps()).unwrap();
    }
    let (mut failed, mut found) = (0, 0);
    for operation in 1..40 {
        sim.fail_at(sim.operations() + operation, Fault::Io);
        match newest(&disk, &options.dir, |_| true) {
            Err(Error::Disk { .. }) => failed += 1,
            Err(error) => panic!("{error}"),
            Ok(snapshot) => {
                assert_eq!((snapshot.stored.unwrap().epoch(), snapshot.refused.len()), (2, 0));
                found += 1;
            }
        }
        sim.heal();
    }
    assert!(failed > 3 && found > 3, "{failed} {found}");
}
