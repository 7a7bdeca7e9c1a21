//! A disk without room for the log, the lake, snapshots and all; needs the right to mount one.

use crate::program::Place;
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
};

/// A small file system in memory, for as long as this is held.
struct Mounted(PathBuf);

impl Mounted {
    /// `None` if this user may not.
    fn new(dir: PathBuf) -> Option<Self> {
        fs::create_dir_all(&dir).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=192m", "none"]).arg(&dir).output();
        mount.is_ok_and(|done| done.status.success()).then_some(Self(dir))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).output().unwrap();
    }
}

/// Takes all room there is now.
fn fill(ballast: &mut File) {
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![1; size];
        while ballast.write_all(&block).is_ok() {}
    }
}

#[test]
fn a_disk_without_room_is_told_and_it_goes_on_once_there_is_some() {
    let whole = Place::new();
    let expected = whole.report(&["--speed", "max"]);
    let place = Place::new();
    let Some(_mounted) = Mounted::new(place.data()) else {
        return eprintln!("not tested: this user may not mount a file system");
    };
    let recordings = place.recordings().display().to_string();
    // The ladder would stop reading before the disk is full: here it meets the full disk.
    let unwatched = ["--set", "disk.low_bytes=0", "--set", "disk.halt_bytes=0"];
    let often = ["--set", "commit.lake.flush_interval_ms=50", "--set", "snapshot.interval_ms=200"];
    // Slow enough that the replay is not over before the disk is full, however busy the machine.
    let replay = ["demo", "--exit", "--speed", "10", "--report", "json", "--recordings", &recordings];
    let running = place.start(&[&unwatched[..], &often, &replay].concat());
    running.until("in the lake", || place.path("data/lake/windows").exists().then_some(()));
    // 1. No room, and none either where the program removes a file of its own: it says what to do, and serves.
    let ballast = place.path("data/ballast");
    let mut filling = File::create(&ballast).unwrap();
    running.until("complaining", || {
        fill(&mut filling);
        let errors = running.errors();
        (errors.contains("free some space") || errors.contains("start this program again")).then_some(())
    });
    let serves = running.get("/readyz").is_some_and(|(code, _)| code == 200);
    // 2. Room again: it goes on by itself or, where a write failed halfway, by the next start.
    drop(filling);
    fs::remove_file(&ballast).unwrap();
    let epochs = || running.status()?["counts"]["epochs"].as_u64();
    let before = epochs();
    running.until("going on or ending", || (epochs().is_none() || epochs() > before).then_some(()));
    let said = running.signal("TERM");
    assert!(!said.err.contains("panicked"), "{}", said.err);
    assert!(said.code == Some(0) || said.err.contains("start this program again"), "{serves} {said:?}");
    let report = place.report(&["--speed", "max"]);
    for key in ["packets_in", "windows", "alerts", "dead_letters", "results", "hr_mae_bpm"] {
        assert_eq!(report[key], expected[key], "{key}");
    }
    assert_eq!((&report["lost"], &report["duplicate"]), (&0.into(), &0.into()));
    assert!(place.say(&["lake", "verify"]).fine().contains("whole"));
}
