//! Is the world as if nothing had ever gone wrong? Compares with a run of one worker, without a fault, over the
//! epochs that were committed.
//!
//! # What must be equal
//! Every topic of results, record by record; the lake, row by row; the views; the counts; and the state of every
//! step, by digest: what only later output would show is seen at once. Every input record is in exactly one epoch. The
//! changes of alerts on their topic, less those that are withdrawn, are of the alerts in the table.

use super::{
    life::Rest,
    plan::Plan,
    tear::STRANGER,
    world::{Failure, World},
};
use model::{
    Epoch, Input,
    view::{RowId, Shelf, Snapshot},
};
use pipeline::{
    account::{Account, Counts},
    epoch::Records,
    recover,
    workers::{self, Workers},
};
use sinks::{Binding, Digest, disk, lake, snapshot::StateDigest};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a run left.
struct Left {
    topics: BTreeMap<Arc<str>, Vec<Vec<Seen>>>,
    lake: BTreeMap<String, Vec<RowId>>,
    views: BTreeMap<String, Vec<RowId>>,
    counts: Counts,
    state: Digest,
}

/// A record as a consumer sees it; its offset depends on what else happened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    timestamp_ms: i64,
    key: Option<Vec<u8>>,
    value: Vec<u8>,
    headers: Vec<eventlog::Header>,
}

/// How the records of a partition of results stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As they were published.
    Published,
    /// Those that had been lost later, and perhaps some that nobody published.
    Mended,
}

/// Compares what `rest` and `world` hold with a run without faults.
pub(crate) fn check(world: &World, rest: &Rest, order: Order) -> Result<(), Failure> {
    let bindings = bindings(world)?;
    covered(world, &bindings)?;
    let mut found =
        left(world, &world.sim, &world.disk(), &world.shelf, rest.counts, &rest.workers, rest.last)?;
    let mut expected = oracle(&world.plan, world, &bindings)?;
    if order == Order::Mended {
        for records in found.topics.values_mut().chain(expected.topics.values_mut()).flatten() {
            records.retain(|record| record.key.as_deref() != Some(STRANGER));
            records.sort();
        }
    }
    for (topic, partitions) in &expected.topics {
        for (partition, records) in partitions.iter().enumerate() {
            let here =
                found.topics.get(topic).and_then(|all| all.get(partition)).map_or(&[][..], Vec::as_slice);
            if here != records {
                return Err(Failure::new(format!(
                    "{topic}/{partition} holds {} records, {} were due; the first that differs is number {}",
                    here.len(),
                    records.len(),
                    here.iter().zip(records).take_while(|(a, b)| a == b).count()
                )));
            }
        }
    }
    same("the lake", &found.lake, &expected.lake)?;
    same("the views", &found.views, &expected.views)?;
    if order == Order::Published {
        folded(&found)?;
    }
    if found.counts != expected.counts {
        return Err(Failure::new(format!("counted {:?} instead of {:?}", found.counts, expected.counts)));
    }
    if found.state != expected.state {
        return Err(Failure::new("the state of the steps is another than that of a run without faults"));
    }
    let audit = sinks::audit(&world.sim).map_err(|error| Failure::new(format!("no audit: {error}")))?;
    if !audit.ok() {
        return Err(Failure::new(format!("the audit differs: {audit}")));
    }
    let report = lake::verify(&*world.disk(), &world.config(1).commit.lake.dir);
    if report.ok() {
        return Ok(());
    }
    Err(Failure::new(format!("the lake does not verify: {report}")))
}

fn same(
    what: &str,
    found: &BTreeMap<String, Vec<RowId>>,
    expected: &BTreeMap<String, Vec<RowId>>,
) -> Result<(), Failure> {
    for (table, rows) in expected {
        let here = found.get(table).map_or(&[][..], Vec::as_slice);
        if here != rows {
            let counts = (here.len(), rows.len());
            return Err(Failure::new(format!(
                "{what}: table {table} holds {} rows, {} were due",
                counts.0, counts.1
            )));
        }
    }
    Ok(())
}

/// The alerts of the topic, as a consumer remembers them who keeps ids until they are withdrawn, are those of the table.
fn folded(found: &Left) -> Result<(), Failure> {
    let (mut standing, none) = (BTreeMap::new(), Vec::new());
    let records = found.topics.get(sinks::topics::ALERTS).unwrap_or(&none).iter().flatten();
    for record in records {
        let said: serde_json::Value = serde_json::from_slice(&record.value)
            .map_err(|error| Failure::new(format!("a change of an alert is no JSON: {error}")))?;
        let (id, payload) = (said["event_id"].to_string(), &said["payload"]);
        if payload["kind"] == "withdrawn" {
            if standing.remove(&payload["withdraws"].to_string()).is_none() {
                return Err(Failure::new("a change of an alert was withdrawn that nobody had been told"));
            }
        } else {
            standing.insert(id, payload["alert_id"].to_string());
        }
    }
    let alerts = standing.values().collect::<BTreeSet<_>>().len();
    let rows = found.views.get("alerts").map_or(0, Vec::len);
    if alerts == rows {
        return Ok(());
    }
    Err(Failure::new(format!("the topic tells of {alerts} alerts, the table has {rows}")))
}

/// The committed epochs.
fn bindings(world: &World) -> Result<Vec<Binding>, Failure> {
    let visible = world.sim.visible(sinks::topics::BINDINGS);
    let records = visible.first().map_or(&[][..], Vec::as_slice);
    let read = |record: &eventlog::Record| serde_json::from_slice::<Binding>(&record.value);
    let bindings: Result<Vec<Binding>, _> = records.iter().map(read).collect();
    let bindings = bindings.map_err(|error| Failure::new(format!("a binding cannot be read: {error}")))?;
    if bindings.is_sorted_by(|a, b| a.epoch < b.epoch) {
        return Ok(bindings);
    }
    Err(Failure::new("an epoch was committed twice, or after a later one"))
}

/// Every record of the inputs is in exactly one epoch.
fn covered(world: &World, bindings: &[Binding]) -> Result<(), Failure> {
    let mut reached: BTreeMap<(Input, u32), u64> = BTreeMap::new();
    for range in bindings.iter().flat_map(|binding| &binding.inputs) {
        let before = reached.insert((range.input, range.partition), range.hi).unwrap_or(0);
        if before != range.lo {
            let (topic, partition) = (range.input.topic(), range.partition);
            return Err(Failure::new(format!("{topic}/{partition}: {} follows {before}", range.lo)));
        }
    }
    for ((input, partition), records) in &world.inputs {
        let read = reached.get(&(*input, *partition)).copied().unwrap_or(0);
        let end = records.last().map_or(0, |record| record.offset + 1);
        if read < end {
            return Err(Failure::new(format!("{}/{partition} is read up to {read} of {end}", input.topic())));
        }
    }
    Ok(())
}

/// A run of one worker without faults, and without a bug planted on purpose, over the same epochs.
fn oracle(plan: &Plan, world: &World, bindings: &[Binding]) -> Result<Left, Failure> {
    let bug = model::planted::active();
    model::planted::plant(None);
    let left = without_faults(plan, world, bindings);
    model::planted::plant(bug);
    left
}

fn without_faults(plan: &Plan, world: &World, bindings: &[Binding]) -> Result<Left, Failure> {
    let clean = World::new(&Plan { log_faults: 0, disk_faults: false, ..plan.clone() });
    if world.inputs.contains_key(&(Input::Vitals, plan.partitions)) {
        clean
            .sim
            .add_partitions(Input::Vitals.topic(), 1)
            .map_err(|error| Failure::new(error.to_string()))?;
    }
    let broken = |error: pipeline::Error| Failure::new(format!("the run without faults failed: {error}"));
    let config = clean.config(1);
    let opened = sinks::Committer::open(&clean.means(), &config.commit, None);
    let mut committer = opened.map_err(|error| broken(error.into()))?.committer;
    let workers = Workers::start_in_turns(&workers::Options { count: 1 }, &recover::graph(&config), 1);
    let workers = workers.map_err(broken)?;
    let account = Account::default();
    for (place, binding) in bindings.iter().enumerate() {
        let feed = || {
            workers.feed(binding.epoch, recover::tick(binding), records(world, binding))?;
            workers.collect(binding.epoch)
        };
        let (output, tally) = feed().map_err(broken)?;
        account.committed(binding.epoch, binding.n_in, &output, tally);
        let committed = if place + 1 == bindings.len() {
            committer.drain(binding.clone(), &output)
        } else {
            committer.commit(binding.clone(), &output)
        };
        committed.map_err(|error| broken(error.into()))?;
    }
    let last = bindings.last().map_or(0, |binding| binding.epoch);
    left(&clean, &clean.sim, &clean.disk(), &clean.shelf, account.counts(), &workers, last)
}

/// The records of an epoch.
fn records(world: &World, binding: &Binding) -> Records {
    let of = |range: &sinks::InputRange| {
        let all = world.inputs.get(&(range.input, range.partition)).map_or(&[][..], Vec::as_slice);
        let taken = all.iter().filter(|record| (range.lo..range.hi).contains(&record.offset));
        ((range.input, range.partition), taken.cloned().collect())
    };
    binding.inputs.iter().map(of).collect()
}

fn left(
    world: &World,
    sim: &eventlog::sim::Sim,
    disk: &disk::Shared,
    shelf: &Shelf,
    counts: Counts,
    workers: &Workers,
    last: Epoch,
) -> Result<Left, Failure> {
    let seen = |record: eventlog::Record| Seen {
        timestamp_ms: record.timestamp_ms,
        key: record.key,
        value: record.value,
        headers: record.headers,
    };
    let topics = sinks::topics::RESULTS.map(|topic| {
        let partitions = sim.visible(topic).into_iter();
        let partitions = partitions.map(|records| records.into_iter().map(seen).collect()).collect();
        (Arc::from(topic), partitions)
    });
    let dir = world.config(1).commit.lake.dir;
    let whole = lake::Lake::snapshot(&**disk, &dir, operators::similar::Book::follow())
        .map_err(|error| Failure::new(format!("lake: {error}")))?;
    let state = state(workers, last).map_err(|error| Failure::new(format!("export: {error}")))?;
    Ok(Left {
        topics: topics.into_iter().collect(),
        lake: rows(disk, &whole)?,
        views: rows(disk, &shelf.take())?,
        counts,
        state,
    })
}

/// Identities of the rows that a reader of `snapshot` sees, by table.
fn rows(disk: &disk::Shared, snapshot: &Snapshot) -> Result<BTreeMap<String, Vec<RowId>>, Failure> {
    let mut tables = BTreeMap::new();
    for (name, view) in &snapshot.tables {
        let mut ids: Vec<RowId> = view.live.iter().flat_map(sinks::lake::row_ids).collect();
        for file in view.files.iter() {
            let held = sinks::lake::file_row_ids(&**disk, &file.path);
            ids.extend(held.map_err(|error| Failure::new(format!("a file of {name}: {error}")))?);
        }
        ids.retain(|id| !view.hidden.contains(id));
        ids.sort_unstable();
        tables.insert((*name).to_owned(), ids);
    }
    Ok(tables)
}

fn state(workers: &Workers, last: Epoch) -> Result<Digest, pipeline::Error> {
    workers.export_from(last, 1_000)?;
    let mut digest = StateDigest::default();
    let mut left = workers.count();
    while left > 0 {
        for slice in workers.export()? {
            if slice.epoch == last {
                left -= usize::from(slice.last);
                slice.exports.iter().for_each(|export| digest.add_export(export));
            }
        }
    }
    Ok(digest.finish())
}
