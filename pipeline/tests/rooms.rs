//! Guards the walls: which room may know which, and what every file must have.
//!
//! Why each test exists: `edges` keeps the dependency table of the README true; `words` catches a
//! forbidden neighbour that came in through the back; `files` keeps every file readable; `manifests`
//! keeps lints and versions in one place; `tables` keeps README and notebook at the tables there are.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use toml::Table;

/// Folder, and the crates it may depend on in the product (tests may use more).
const ROOMS: [(&str, &[&str]); 9] = [
    ("pipeline/model", &["arrow", "chrono", "serde", "thiserror", "uuid"]),
    (
        "sources/eventlog",
        &["crossbeam-channel", "fjall", "rdkafka", "serde", "thiserror", "tracing", "crc32c", "futures"],
    ),
    (
        "sources",
        &[
            "model",
            "eventlog",
            "timely",
            "prost",
            "serde",
            "serde_json",
            "chrono",
            "crc32c",
            "csv",
            "flate2",
            "thiserror",
            "uuid",
        ],
    ),
    ("operators/dsp", &["realfft", "rustfft"]),
    (
        "operators",
        &[
            "model",
            "dsp",
            "timely",
            "differential-dataflow",
            "blake3",
            "hashbrown",
            "postcard",
            "serde",
            "sha2",
            "strsim",
            "thiserror",
            "toml",
            "uuid",
        ],
    ),
    (
        "sinks",
        &[
            "model",
            "eventlog",
            "timely",
            "differential-dataflow",
            "arrow",
            "parquet",
            "blake3",
            "bytes",
            "chrono",
            "rustix",
            "serde",
            "serde_json",
            "thiserror",
            "tracing",
            "uuid",
        ],
    ),
    (
        "api",
        &[
            "model",
            "arrow",
            "arrow-flight",
            "async-trait",
            "axum",
            "datafusion",
            "futures",
            "object_store",
            "prometheus-client",
            "prost",
            "prost-types",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio-stream",
            "tonic",
            "tonic-health",
            "tonic-reflection",
            "tower",
            "tracing",
            "bytes",
            "base64",
        ],
    ),
    (
        "pipeline",
        &[
            "model",
            "eventlog",
            "sources",
            "dsp",
            "operators",
            "sinks",
            "api",
            "timely",
            "differential-dataflow",
            "anyhow",
            "blake3",
            "clap",
            "crossbeam-channel",
            "hdrhistogram",
            "indicatif",
            "tikv-jemallocator",
            "serde",
            "serde_json",
            "signal-hook",
            "strsim",
            "thiserror",
            "tokio",
            "toml",
            "tracing",
            "tracing-subscriber",
        ],
    ),
    (
        "benches",
        &[
            "model",
            "eventlog",
            "sources",
            "dsp",
            "operators",
            "sinks",
            "api",
            "pipeline",
            "timely",
            "differential-dataflow",
            "anyhow",
            "clap",
            "tikv-jemallocator",
            "prost",
            "rdkafka",
            "serde",
            "serde_json",
            "tempfile",
        ],
    ),
];

/// Folder, and paths its sources must not name.
const FORBIDDEN: [(&str, &[&str]); 8] = [
    (
        "pipeline/model",
        &[
            "timely::",
            "rdkafka::",
            "datafusion::",
            "tonic::",
            "tokio::",
            "std::fs",
            "Instant::now",
            "SystemTime::now",
        ],
    ),
    ("sources/eventlog", &["timely::", "differential_dataflow::", "datafusion::", "tonic::"]),
    (
        "sources/src",
        &[
            "differential_dataflow::",
            "parquet::",
            "datafusion::",
            "tonic::",
            "Instant::now",
            "SystemTime::now",
        ],
    ),
    ("operators/dsp/src", &["model::", "timely::", "std::fs", "std::io", "Instant::now", "SystemTime::now"]),
    ("operators/src", &["rdkafka::", "parquet::", "tokio::", "std::fs", "Instant::now", "SystemTime::now"]),
    ("sinks", &["datafusion::", "tonic::"]),
    ("api/src", &["timely::", "differential_dataflow::", "rdkafka::", "eventlog::"]),
    ("pipeline/src", &["parquet::", "datafusion::", "tonic::", "rdkafka::"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the pipeline has a parent folder").to_path_buf()
}

fn manifest(folder: &str) -> Table {
    let path = root().join(folder).join("Cargo.toml");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).parse().unwrap()
}

/// Every Rust source below `folder`, with its path from the root.
fn sources(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                found.insert(shown, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn edges_are_those_of_the_table() {
    for (folder, allowed) in ROOMS {
        let manifest = manifest(folder);
        let tables = ["dependencies", "build-dependencies"].into_iter().filter_map(|name| manifest.get(name));
        for name in tables.flat_map(|table| table.as_table().unwrap().keys()) {
            assert!(
                allowed.contains(&name.as_str()),
                "{folder} depends on {name}: if it must, write an ADR and extend this table"
            );
        }
    }
}

#[test]
fn every_member_is_a_room() {
    let members = manifest("")["workspace"]["members"].as_array().unwrap().clone();
    let rooms: Vec<_> = ROOMS.iter().map(|(folder, _)| *folder).collect();
    assert_eq!(members.iter().map(|member| member.as_str().unwrap()).collect::<Vec<_>>(), rooms);
}

#[test]
fn words_of_other_rooms_do_not_appear() {
    for (folder, words) in FORBIDDEN {
        for (path, text) in sources(folder) {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                let word = words.iter().find(|word| code.contains(*word));
                assert!(word.is_none(), "{path}:{} names {}", number + 1, word.unwrap_or(&""));
            }
        }
    }
}

#[test]
fn anyhow_stays_in_the_programs() {
    for (folder, _) in ROOMS.iter().filter(|(folder, _)| *folder != "benches") {
        for (path, text) in sources(&format!("{folder}/src")) {
            let program = path == "pipeline/src/main.rs" || path.starts_with("pipeline/src/commands");
            assert!(program || !text.contains("anyhow::"), "{path} uses anyhow");
        }
    }
}

#[test]
fn files_are_headed_short_and_well_named() {
    let (mut lengths, mut faults) = (Vec::new(), Vec::new());
    for folder in ["pipeline", "sources", "operators", "sinks", "api", "benches"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            lengths.push(lines);
            let first = text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first.len() < 20 || first.contains("Being written") {
                faults.push(format!("{path} does not say in its first line what it is"));
            }
            if lines > 500 {
                faults.push(format!("{path} has {lines} lines"));
            }
            let name = path.rsplit('/').next().unwrap();
            if ["mod.rs", "util.rs", "utils.rs", "common.rs", "helpers.rs"].contains(&name) {
                faults.push(format!("{path}: a name that says nothing"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    lengths.sort_unstable();
    assert!(
        lengths[lengths.len() / 2] <= 150,
        "half of the files have more than {} lines",
        lengths[lengths.len() / 2]
    );
    let ninety = lengths[lengths.len() * 9 / 10];
    assert!(ninety <= 300, "a tenth of the files has more than {ninety} lines");
}

#[test]
fn manifests_inherit_lints_and_versions() {
    for (folder, _) in ROOMS {
        let manifest = manifest(folder);
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{folder} has lints of its own");
        for table in ["dependencies", "dev-dependencies"] {
            let Some(table) = manifest.get(table).and_then(|table| table.as_table()) else { continue };
            for name in
                ["arrow", "parquet", "datafusion", "tonic", "prost", "timely", "differential-dataflow"]
            {
                let Some(dependency) = table.get(name) else { continue };
                let inherited = dependency.get("workspace").and_then(toml::Value::as_bool);
                assert_eq!(inherited, Some(true), "{folder} pins {name} by itself");
            }
        }
    }
}

#[test]
fn the_graph_fits_on_one_screen() {
    let text = fs::read_to_string(root().join("pipeline/src/dataflow.rs")).unwrap();
    assert!(text.lines().count() <= 120, "dataflow.rs only names steps: move the rest out");
}

#[test]
fn every_table_is_told_to_readers_and_checked_from_python() {
    let [readme, smoke] = ["README.md", "notebooks/adbc_smoke.py"]
        .map(|path| fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}")));
    for table in model::table::all() {
        assert!(readme.contains(&format!("`{}`", table.name)), "README.md has no table {}", table.name);
        let listed = format!("\n    \"{}\",\n", table.name);
        assert!(smoke.contains(&listed), "notebooks/adbc_smoke.py does not expect table {}", table.name);
    }
}

#[test]
fn every_input_and_every_code_of_a_laboratory_is_told_to_who_sends_them() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for input in model::Input::ALL {
        let row = format!("| in: `{}` |", input.topic());
        assert!(readme.contains(&row), "README.md has no row {row}");
    }
    for analyte in &model::laboratory::ANALYTES {
        let name = format!("`{}`", analyte.name);
        let is_its =
            |line: &&str| line.starts_with('|') && line.contains(&name) && line.contains(analyte.codes[0]);
        let row = readme.lines().find(is_its);
        let row = row.unwrap_or_else(|| panic!("README.md has no row of {name}"));
        assert!(analyte.codes.iter().all(|code| row.contains(code)), "{row} lacks a code of {name}");
        assert!(
            analyte.units.iter().all(|unit| row.contains(&format!("`{unit}`"))),
            "{row} lacks a unit of {name}"
        );
    }
}
