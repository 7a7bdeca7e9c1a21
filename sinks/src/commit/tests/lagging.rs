//! A lake that cannot be written is behind, says why, and catches up; commits do not wait for it.

use super::{Rig, binding, commit_all, output, undisturbed};
use crate::{
    Error,
    lake::{Lake, tests::files},
};
use std::{fs, path::PathBuf};

#[test]
fn commits_go_on_and_the_lake_catches_up() {
    let rig = Rig::new();
    let (mut committer, _) = rig.resume();
    // Where the folder of a table has to be stands a file.
    let obstacle = rig.lake().join("vitals");
    fs::write(&obstacle, "").unwrap();
    for epoch in 0..3 {
        assert_eq!(committer.commit(binding(epoch), &output(epoch)).unwrap().lake_lag, None);
    }
    let lag = committer.commit(binding(3), &output(3)).unwrap().lake_lag.unwrap();
    assert_eq!((lag.since, lag.attempts), (3, 1));
    assert_eq!(files(&rig.lake()), Vec::<PathBuf>::new(), "nothing half done takes space");
    assert!(lag.reason.contains(obstacle.to_str().unwrap()), "{}", lag.reason);
    assert!(
        lag.reason.contains("os error") && lag.reason.ends_with("set commit.lake.dir to a directory"),
        "{}",
        lag.reason
    );
    // It is left alone for a while, then tried again.
    assert_eq!(committer.commit(binding(4), &output(4)).unwrap().lake_lag.unwrap().attempts, 1);
    rig.pass_seconds(1);
    assert_eq!(committer.commit(binding(5), &output(5)).unwrap().lake_lag.unwrap().attempts, 2);
    assert_eq!(rig.shelf.take().as_of_epoch, Some(5));
    let expected = undisturbed(6);
    assert!(Lake::read(&crate::disk::Machine, &rig.lake()).unwrap().is_empty());

    fs::remove_file(&obstacle).unwrap();
    rig.pass_seconds(1);
    assert_eq!(
        committer.commit(binding(6), &output(6)).unwrap().manifest,
        None,
        "two seconds the second time"
    );
    assert_eq!(rig.rows(), expected.rows());
    assert!(rig.published() == expected.published());
    rig.pass_seconds(1);
    let committed = committer.commit(binding(7), &output(7)).unwrap();
    assert_eq!((committed.manifest, committed.lake_lag), (Some(1), None));
    assert_eq!(rig.rows(), undisturbed(7).rows());
}

#[test]
fn a_manifest_that_cannot_be_published_is_published_later() {
    let rig = Rig::new();
    let (mut committer, _) = rig.resume();
    let obstacle = rig.lake().join("_manifests/00000000000000000001.json");
    fs::create_dir(&obstacle).unwrap();
    for epoch in 0..5 {
        committer.commit(binding(epoch), &output(epoch)).unwrap();
    }
    // The files are committed and shown, although nobody else can see them yet.
    assert!(!rig.shelf.take().tables["windows"].files.is_empty());
    let expected = undisturbed(5);
    let lag = committer.commit(binding(5), &output(5)).unwrap().lake_lag.unwrap();
    assert!(lag.reason.contains("000001.json"), "{}", lag.reason);
    assert_eq!(rig.rows(), expected.rows());
    fs::remove_dir(&obstacle).unwrap();
    rig.pass_seconds(60);
    assert_eq!(committer.commit(binding(6), &output(6)).unwrap().lake_lag, None);
    let rows: u64 =
        Lake::read(&crate::disk::Machine, &rig.lake()).unwrap()["windows"].iter().map(|file| file.rows).sum();
    assert_eq!(rows, rig.rows()["windows"].len() as u64);
}

#[test]
fn more_than_may_wait_stops_the_process_and_the_next_start_has_it_all() {
    let rig = Rig::new();
    let mut options = rig.options();
    options.lake.outbox_bytes = 1;
    options.lake.flush_rows = 1;
    let (mut committer, _) = rig.open_with(&options).unwrap();
    let obstacle = rig.lake().join("vitals");
    fs::write(&obstacle, "").unwrap();
    let error = committer.commit(binding(0), &output(0)).unwrap_err();
    assert!(matches!(error, Error::OutboxFull { limit: 1, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("lake.outbox_bytes") && text.contains(obstacle.to_str().unwrap()), "{text}");
    drop(committer);

    fs::remove_file(&obstacle).unwrap();
    let (mut committer, next) = rig.resume();
    assert_eq!(next, 0, "the epoch was not committed");
    commit_all(&mut committer, 0..1);
    assert_eq!(rig.rows(), undisturbed(1).rows());
}

#[test]
fn a_second_pipeline_in_the_same_lake_stops_the_process() {
    let (rig, other) = (Rig::new(), Rig::new());
    let (mut committer, _) = rig.resume();
    commit_all(&mut other.resume().0, 0..1);
    let name = "_manifests/00000000000000000001.json";
    fs::copy(other.lake().join(name), rig.lake().join(name)).unwrap();
    let error = committer.drain(binding(0), &output(0)).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("a second pipeline writes here; stop it"), "{error}");
}
