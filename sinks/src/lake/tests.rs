//! Damage is found, failure leaves nothing behind, and what is written is what analysts find.

mod crashes;
mod damage;
mod garbage;
mod joins;
mod real;
mod rig;

use super::{Collected, INCOMING, Lake, PREPARED, manifest, verify};
use crate::{
    Error, Output,
    disk::{Machine, machine},
    samples,
    views::Views,
};
use arrow::{array::AsArray, datatypes::TimestampMicrosecondType};
use model::{ChangeKind, Micros};
use parquet::{arrow::arrow_reader::ParquetRecordBatchReaderBuilder, basic::Compression};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

/// A lake of every table, in `flushes` manifests.
fn fill(dir: &Path, flushes: u32) -> Lake {
    let mut lake = Lake::open(machine(), dir).unwrap();
    let mut views = Views::new(&lake);
    for n in 0..flushes {
        views.apply(&output(n)).unwrap();
        let prepared = lake.prepare(u64::from(n), &views.cut()).unwrap();
        lake.advance(&prepared).unwrap();
        lake.publish(&prepared.intent).unwrap();
        views.flushed(&lake);
    }
    lake
}

impl Lake {
    fn collect_garbage(&mut self, now: Micros, min_age: Micros) -> Result<Collected, Error> {
        let swept = self.sweep(now, min_age)?;
        self.forget(&swept);
        Ok(swept.collected)
    }
}

fn output(n: u32) -> Output {
    Output::merge([Output {
        windows: (0..40).map(|i| (samples::window(n * 40 + i, 0), 1)).collect(),
        vitals: (0..20).map(|i| (samples::vitals(n * 20 + i), 1)).collect(),
        sessions: vec![(samples::session(n, false), 1)],
        alerts: vec![(samples::alert(n, ChangeKind::Raised), 1)],
        changes: Vec::new(),
        faults: vec![(samples::fault(n), 1)],
        ..Output::default()
    }])
}

fn message(dir: &Path) -> String {
    Lake::read(&Machine, dir).unwrap_err().to_string()
}

#[test]
fn files_are_plain_parquet_by_day_in_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let lake = fill(dir.path(), 2);
    let tables = Lake::read(&Machine, dir.path()).unwrap();
    assert_eq!(
        tables.keys().collect::<Vec<_>>(),
        ["alerts", "dead_letters", "sessions", "vitals", "windows"]
    );
    assert_eq!(tables["vitals"], lake.files("vitals"));
    assert_eq!(tables["vitals"].iter().map(|file| file.rows).sum::<u64>(), 40);
    let mut days = Vec::new();
    for file in &tables["vitals"] {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&file.path).unwrap()).unwrap();
        let group = builder.metadata().row_group(0).clone();
        assert!(matches!(group.column(0).compression(), Compression::ZSTD(_)));
        assert!(group.column(3).statistics().is_some_and(|statistics| statistics.min_bytes_opt().is_some()));
        let batch = builder.build().unwrap().next().unwrap().unwrap();
        let times = batch["observed_at"].as_primitive::<TimestampMicrosecondType>().values().to_vec();
        assert!(times.is_sorted());
        let day = chrono::DateTime::from_timestamp_micros(times[0]).unwrap().date_naive();
        assert!(file.path.parent().unwrap().ends_with(format!("vitals/date={day}")), "{:?}", file.path);
        days.push(day);
    }
    days.dedup();
    assert_eq!(days.len(), 4, "{days:?}");
    assert_eq!(fs::read_dir(dir.path().join(INCOMING)).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path().join(PREPARED)).unwrap().count(), 0);
}

#[test]
fn files_of_every_table_are_joined() {
    let dir = tempfile::tempdir().unwrap();
    let mut lake = Lake::open(machine(), dir.path()).unwrap().compacting(1 << 25);
    lake.tuning.alike = 2;
    let mut views = Views::new(&lake);
    for n in 0..3 {
        views.apply(&output(n)).unwrap();
        let prepared = lake.prepare(u64::from(n), &views.cut()).unwrap();
        lake.advance(&prepared).unwrap();
        lake.publish(&prepared.intent).unwrap();
        views.flushed(&lake);
        let days = |table: &str| if table == "vitals" { 4 } else { 1 };
        for (table, files) in Lake::read(&Machine, dir.path()).unwrap() {
            let expected = [1, 2, 2][n as usize] * days(&table);
            assert_eq!(files.len(), expected, "{table} after flush {n}");
        }
    }
    assert!(lake.alone.is_empty());
    let report = verify(&Machine, dir.path());
    assert!(report.ok() && report.rows == 3 * 63, "{report}");
}

#[test]
fn equal_rows_give_equal_files() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, two] = dirs.each_ref().map(|dir| {
        fill(dir.path(), 1);
        Lake::read(&Machine, dir.path())
            .unwrap()
            .into_values()
            .flatten()
            .map(|file| fs::read(file.path).unwrap())
            .collect::<Vec<_>>()
    });
    assert!(one == two);
}

#[test]
fn flipped_exchanged_missing_and_short_parts_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let lake = fill(dir.path(), 3);
    let second = dir.path().join(manifest::path(2));
    // 1. A bit of the newest manifest, which no other one names.
    let third = dir.path().join(manifest::path(3));
    let whole = fs::read(&third).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    fs::write(&third, flipped).unwrap();
    assert!(message(dir.path()).contains(&format!("{}: damaged manifest", third.display())));
    fs::write(&third, whole).unwrap();
    // 2. A manifest of another lake in the place of ours: whole in itself, but not the next of the chain.
    let other = tempfile::tempdir().unwrap();
    fill(other.path(), 1);
    let whole = fs::read(&second).unwrap();
    fs::write(&second, fs::read(other.path().join(manifest::path(1))).unwrap()).unwrap();
    assert!(message(dir.path()).contains("does not follow the one before"));
    // 3. None.
    fs::remove_file(&second).unwrap();
    assert!(message(dir.path()).contains(&format!("could not read {}", second.display())));
    fs::write(&second, whole).unwrap();
    // 4. A file cut short, and a file gone.
    let file = &lake.files("windows")[0];
    File::options().write(true).open(&file.path).unwrap().set_len(file.bytes - 1).unwrap();
    assert!(message(dir.path()).contains(&format!(
        "has {} bytes, {} were written",
        file.bytes - 1,
        file.bytes
    )));
    fs::remove_file(&file.path).unwrap();
    assert!(message(dir.path()).contains("could not open"));
}

#[test]
fn a_directory_that_cannot_be_is_named_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = Lake::open(machine(), &path).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Disk { .. }), "{text}");
        assert!(text.contains(file.to_str().unwrap()) && text.contains("os error"), "{text}");
        assert!(text.ends_with("set commit.lake.dir to a directory"), "{text}");
    }
    assert!(message(&dir.path().join("nothing")).ends_with("set commit.lake.dir to a directory"));
}

#[test]
fn a_corrupt_file_is_not_copied_on() {
    let dir = tempfile::tempdir().unwrap();
    let lake = fill(dir.path(), 1);
    let file = lake.files("sessions").remove(0);
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[4] ^= 1; // a byte of the first page
    fs::write(&file.path, bytes).unwrap();
    let mut views = Views::new(&lake);
    views.apply(&Output { sessions: vec![(samples::session(0, false), -1)], ..Output::default() }).unwrap();
    let error = lake.prepare(1, &views.cut()).unwrap_err();
    assert!(matches!(&error, Error::Damaged { path, .. } if *path == file.path), "{error}");
}

/// What the second half of [`a_write_cut_off_leaves_nothing`] does in a process whose files may not grow.
const LIMITED: &str = "MANPASIK_TEST_LAKE_OF_LIMITED_PROCESS";

#[test]
fn a_write_cut_off_leaves_nothing() {
    if let Some(dir) = std::env::var_os(LIMITED) {
        return write_in_limited_process(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let script =
        r#"trap "" XFSZ; ulimit -f 4; exec "$0" --exact lake::tests::a_write_cut_off_leaves_nothing"#;
    let test = std::env::current_exe().unwrap();
    let child = Command::new("sh").arg("-c").arg(script).arg(test).env(LIMITED, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    // The same directory takes the same rows once there is room.
    assert!(Lake::read(&Machine, dir.path()).unwrap().is_empty());
    fill(dir.path(), 1);
    assert_eq!(Lake::read(&Machine, dir.path()).unwrap().len(), 5);
}

fn write_in_limited_process(dir: &Path) {
    let lake = Lake::open(machine(), dir).unwrap();
    let mut views = Views::new(&lake);
    views.apply(&output(0)).unwrap();
    let error = lake.prepare(0, &views.cut()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Disk { .. }), "{text}");
    assert!(
        text.contains("File too large") && text.ends_with("free some space or set another commit.lake.dir"),
        "{text}"
    );
    assert_eq!(fs::read_dir(dir.join(INCOMING)).unwrap().count(), 0);
    assert_eq!(files(dir), Vec::<PathBuf>::new());
}

/// Every data file under `dir`, whether it counts or not.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let data =
        files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    dirs.iter().flat_map(|dir| self::files(dir)).chain(data).collect()
}
