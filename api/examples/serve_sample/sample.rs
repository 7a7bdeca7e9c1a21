//! A small lake with live rows beside it, made of values that are easy to check by hand.
//!
//! `vitals` has one observation per second: the first half in two files, the rest in memory. Row 0 of
//! the lake was corrected: it is hidden, and its correction lives in memory. One alert is open with
//! its evidence, one is cleared.

use api::{Limits, Options};
use model::{
    Alert, AlertChange, ChangeKind, EventId, Evidence, Finding, Input, Level, Number, Origin, PulseWindow,
    Rule, SessionId, Span, UserId, Vitals,
    table::Row,
    time::SECOND,
    view::{LakeFile, Progress, RowId, Snapshot, TableView},
};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use std::{collections::HashSet, fs::File, path::Path, sync::Arc};

/// 2026-01-01 00:00:00 UTC, the first observation.
const START: i64 = 1_767_225_600 * SECOND;

/// Limits as the program ships with, on any free port.
pub(crate) fn options() -> Options {
    Options {
        listen: "127.0.0.1:0".into(),
        threads: 2,
        receive_bytes: 1 << 20,
        send_bytes: 16 << 20,
        concurrent_streams: 128,
        drain_millis: 5_000,
        limits: Limits {
            threads: 2,
            statement_bytes: 65_536,
            deadline_millis: 10_000,
            answer_rows: 1_000_000,
            answer_bytes: 256 << 20,
            question_memory_bytes: 128 << 20,
            total_memory_bytes: 256 << 20,
            running: 0,
            queued: 64,
            footer_cache_bytes: 4 << 20,
            spill: None,
        },
    }
}

/// All tables at `epoch`; `vitals` has `observations` rows that count. Writes files into `directory`.
pub(crate) fn snapshot(directory: &Path, epoch: u64, observations: usize) -> Snapshot {
    let user = UserId::derive(&["sample"]);
    let all: Vec<Vitals> = (0..observations).map(|second| vitals(user, second)).collect();
    let half = observations / 2;
    let numbered: Vec<(RowId, &Vitals)> =
        all.iter().enumerate().map(|(number, row)| (row_id(number as u64), row)).collect();
    // The lake still has what row 0 was before it was corrected.
    let mistaken = Vitals { hr: Number::finite(999.0), ..all[0].clone() };
    let mistaken_id = row_id(u64::MAX);
    let quarter = half / 2;
    let files = vec![
        lake_file(directory, epoch, 0, &[&[(mistaken_id, &mistaken)], &numbered[1..quarter]].concat()),
        lake_file(directory, epoch, 1, &numbered[quarter..half]),
    ];
    let live = vec![Vitals::batch(&numbered[..1]), Vitals::batch(&numbered[half..])];
    let windows: Vec<PulseWindow> = (0..4).map(|slide| window(user, slide)).collect();
    let windows: Vec<_> =
        windows.iter().enumerate().map(|(number, row)| (row_id(number as u64), row)).collect();
    let alerts = [alert(user, ChangeKind::Raised), alert(user, ChangeKind::Cleared)];
    let alerts: Vec<_> =
        alerts.iter().enumerate().map(|(number, row)| (row_id(number as u64), row)).collect();
    let in_memory = |batch| TableView { live: vec![batch], ..TableView::default() };
    Snapshot {
        as_of_epoch: Some(epoch),
        tables: [
            (
                "vitals",
                TableView { live, hidden: Arc::new(HashSet::from([mistaken_id])), files: Arc::new(files) },
            ),
            ("windows", in_memory(PulseWindow::batch(&windows))),
            ("alerts", in_memory(Alert::batch(&alerts))),
        ]
        .into(),
        progress: vec![Progress {
            topic: "vitals".into(),
            partition: 0,
            next_offset: observations as u64,
            end_offset: observations as u64 + 3,
            watermark: Some(START + observations as i64 * SECOND),
        }],
        ..Snapshot::default()
    }
}

fn row_id(number: u64) -> RowId {
    u128::from(number).to_be_bytes()
}

fn lake_file(directory: &Path, epoch: u64, number: usize, rows: &[(RowId, &Vitals)]) -> LakeFile {
    // Named as a lake partitioned by date names its files.
    let folder = directory.join("vitals").join("date=2026-01-01");
    std::fs::create_dir_all(&folder).expect("the directory can be written");
    let path = folder.join(format!("{epoch}-{number}.parquet"));
    let file = File::create(&path).expect("the directory can be written");
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .build();
    let batch = Vitals::batch(rows);
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
    writer.write(&batch).expect("the rows are written");
    writer.close().expect("the file is finished");
    let bytes = std::fs::metadata(&path).expect("the file is there").len();
    LakeFile { path, bytes, rows: rows.len() as u64 }
}

fn vitals(user: UserId, second: usize) -> Vitals {
    Vitals {
        user,
        at: START + second as i64 * SECOND,
        event: EventId::derive(&["vitals", &second.to_string()]),
        hr: Number::finite(60.0 + (second % 40) as f64),
        pulse: None,
        resp: Number::finite(14.0),
        spo2: (!second.is_multiple_of(10)).then(|| Number::finite(97.0)).flatten(),
        systolic: None,
        diastolic: None,
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: second as u64 },
    }
}

fn window(user: UserId, slide: i64) -> PulseWindow {
    let start = START + slide * 5 * SECOND;
    PulseWindow {
        session: SessionId::derive(&["sample"]),
        start,
        end: start + 30 * SECOND,
        revision: 0,
        user,
        n_expected: 3_750,
        n_real: 3_750,
        n_imputed: 0,
        hr_bpm: Number::finite(72.0 + slide as f64),
        beats_bpm: Number::finite(72.0),
        spectrum_bpm: None,
        beats: 36,
        regularity: Number::finite(1.0),
        snr_db: Number::finite(9.5),
        skewness: Number::finite(0.4),
        quality: Number::finite(0.9),
        quality_version: 1,
        good: true,
        packets: Span { input: Input::Packets, partition: 0, first: slide as u64, last: slide as u64 + 30 },
    }
}

fn alert(user: UserId, kind: ChangeKind) -> Alert {
    let finding = |parameter: &str, value, unit: &str, score| Finding {
        parameter: parameter.into(),
        value: Number::finite(value).expect("finite"),
        unit: unit.into(),
        observed_at: START + 10 * SECOND,
        score,
    };
    let last = AlertChange {
        alert: EventId::derive(&["alert", kind.name()]),
        at: START + 20 * SECOND,
        kind,
        level: Level::High,
        user,
        session: None,
        rule: Rule::News2LowerBound,
        onset: START + 10 * SECOND,
        evidence: Evidence {
            score: 5,
            findings: vec![finding("HR", 135.0, "/min", 3), finding("SpO2", 93.0, "%", 2)],
            window_start: START,
            window_end: START + 10 * SECOND,
            spans: vec![Span { input: Input::Vitals, partition: 0, first: 4, last: 10 }],
        },
    };
    Alert { raised_at: START + 12 * SECOND, last, raised_by: None }
}
