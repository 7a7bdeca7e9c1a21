//! What the embedded log promises beyond the conformance suite: it survives kill -9 and a full disk, agrees with a model under random
//! transactions, tells damage from data, gives back what retention dropped, and is held by one process.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

#[path = "suite/drafts.rs"]
mod drafts;

#[path = "embedded/damage.rs"]
mod damage;
#[path = "embedded/full.rs"]
mod full;
#[path = "embedded/kill.rs"]
mod kill;
#[path = "embedded/model.rs"]
mod model;
#[path = "embedded/retention.rs"]
mod retention;

use std::{path::Path, sync::Arc};

use eventlog::{
    Error, Log, TopicSpec,
    embedded::{Embedded, Options},
};

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), segment_bytes: 1 << 20, max_record_bytes: 1 << 20 }
}

fn topic(log: &Embedded, name: &str, partitions: u32) -> Arc<str> {
    let name: Arc<str> = name.into();
    log.ensure_topics(&[TopicSpec { name: Arc::clone(&name), partitions }]).unwrap();
    name
}

#[test]
fn one_process_holds_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(&options(dir.path())).unwrap();
    let error = Embedded::open(&options(dir.path())).unwrap_err();
    assert!(matches!(&error, Error::Locked(held) if held == dir.path()), "{error:?}");
    assert!(error.to_string().contains("stop that process"), "{error}");
    let other_handle = log.clone();
    drop(log);
    assert!(matches!(Embedded::open(&options(dir.path())), Err(Error::Locked(_))));
    drop(other_handle);
    Embedded::open(&options(dir.path())).unwrap();
}

#[test]
fn a_path_that_is_no_directory_is_named() {
    let error = Embedded::open(&options(Path::new("/dev/null/log"))).unwrap_err();
    assert!(matches!(&error, Error::Disk { path, .. } if path == Path::new("/dev/null/log")), "{error:?}");
    assert!(error.to_string().contains("correct `dir`"), "{error}");
}

#[test]
fn options_refuse_what_they_do_not_know() {
    // serde's own test format would be a dependency; a list of pairs is enough of a map.
    use serde::{Deserialize, de::value::MapDeserializer};
    let read = |pairs: &[(&'static str, &'static str)]| {
        Options::deserialize(MapDeserializer::<_, serde::de::value::Error>::new(pairs.iter().copied()))
    };
    let error = read(&[("dir", "x"), ("segmnt_bytes", "1")]).unwrap_err().to_string();
    assert!(error.contains("segmnt_bytes"), "{error}");
}
