//! The two steps in their graph, behind the one that lets each event pass once; run in stretches on any number of
//! workers, each of which begins with the states of the one before.

use crate::{made::Feed, oracle::Tables};
use model::{CartridgeSupply, DeviceCalibration, DomainEvent, Epoch, Micros, Tick, state::Export};
use operators::{
    calibration,
    state::{Memory, States},
    supply, vitals,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
};
use timely::dataflow::operators::{
    Concat,
    capture::{Capture, Extract},
    probe::{Handle, Probe},
    vec::{Map, input::Input as _},
};

/// A row of either table, and by how much its count changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Calibration(DeviceCalibration, i64),
    Cartridge(CartridgeSupply, i64),
}

/// What a stretch led to.
pub(crate) struct Stretch {
    /// The tables it began with.
    pub(crate) before: Tables,
    /// The tables after each of its epochs.
    pub(crate) tables: Vec<Tables>,
    /// Whether an epoch changed a row.
    pub(crate) changed: Vec<bool>,
    /// The states after the last epoch.
    pub(crate) states: Vec<Export>,
    /// Bytes of all states after each epoch.
    pub(crate) bytes: Vec<usize>,
}

/// Runs `feeds` from number `first` on `workers` workers that begin with `states`, over rows that stand already.
pub(crate) fn run(
    feeds: &[Feed],
    first: usize,
    workers: usize,
    horizon: Micros,
    states: &[Export],
    before: Tables,
) -> Stretch {
    let (feeds, states) = (Arc::new(feeds.to_vec()), Arc::new(states.to_vec()));
    let count = feeds.len() - first;
    let (sender, receiver) = mpsc::sync_channel(workers);
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let (own, probe) = (States::default(), Handle::new());
        let (mut events, mut ticks, captured) = worker.dataflow::<Epoch, _, _>(|scope| {
            let (events, events_stream) = scope.new_input::<DomainEvent>();
            let (ticks, tick_stream) = scope.new_input::<Tick>();
            let memory = Memory { ticks: tick_stream, horizon, states: own.clone() };
            let facts = vitals::facts(vitals::unique(events_stream, &memory));
            let calibrations = calibration::calibrations(facts.clone(), &memory);
            let cartridges = supply::cartridges(facts, &memory);
            let calibrations = calibrations.inner.map(|(row, _, diff)| Change::Calibration(row, diff));
            let cartridges = cartridges.inner.map(|(row, _, diff)| Change::Cartridge(row, diff));
            (events, ticks, calibrations.concat(cartridges).probe_with(&probe).capture())
        });
        let (index, peers) = (worker.index(), worker.peers());
        for export in states.iter() {
            own.import(export, index, peers).unwrap();
        }
        let (mut bytes, mut export) = (Vec::new(), Vec::new());
        for (number, feed) in feeds.iter().enumerate().skip(first) {
            events.advance_to(number as Epoch);
            ticks.advance_to(number as Epoch);
            let mine = feed.events.iter().enumerate().filter(|(place, _)| place % peers == index);
            mine.for_each(|(_, event)| events.send(event.clone()));
            ticks.send(Tick { now: feed.now, watermark: feed.watermark });
            events.advance_to(number as Epoch + 1);
            ticks.advance_to(number as Epoch + 1);
            worker.step_or_park_while(None, || probe.less_than(&(number as Epoch + 1)));
            own.begin();
            export.clear();
            while !own.export(100, &mut export) {}
            bytes.push(export.iter().map(|export| export.pieces.bytes()).sum::<usize>());
        }
        drop((events, ticks));
        while worker.step() {}
        sender.send((captured, export, bytes)).unwrap();
    });
    drop(guards.unwrap());
    let mut changes = BTreeMap::<Epoch, Vec<Change>>::new();
    let (mut exports, mut bytes) = (Vec::new(), vec![0; count]);
    for (captured, export, own) in receiver {
        for (epoch, rows) in captured.extract() {
            changes.entry(epoch).or_default().extend(rows);
        }
        exports.extend(export);
        bytes.iter_mut().zip(own).for_each(|(all, own)| *all += own);
    }
    let (mut tables, mut changed, mut now) = (Vec::new(), Vec::new(), before.clone());
    for epoch in first..first + count {
        let changes = changes.remove(&(epoch as Epoch)).unwrap_or_default();
        changed.push(!changes.is_empty());
        apply(&mut now, changes);
        tables.push(now.clone());
    }
    Stretch { before, tables, changed, states: exports, bytes }
}

/// Takes back exactly what stood, then puts what stands now.
fn apply(tables: &mut Tables, changes: Vec<Change>) {
    for change in &changes {
        match change {
            Change::Calibration(row, -1) => {
                let gone = tables.calibrations.remove(&(row.device.clone(), row.cartridge));
                assert_eq!(gone.as_ref(), Some(row), "what goes was there");
            }
            Change::Cartridge(row, -1) => {
                assert_eq!(tables.cartridges.remove(&row.uid).as_ref(), Some(row), "what goes was there");
            }
            _ => {}
        }
    }
    for change in changes {
        let standing = match change {
            Change::Calibration(row, 1) => {
                tables.calibrations.insert((row.device.clone(), row.cartridge), row).is_some()
            }
            Change::Cartridge(row, 1) => tables.cartridges.insert(row.uid, row).is_some(),
            Change::Calibration(_, diff) | Change::Cartridge(_, diff) => {
                assert_eq!(diff, -1);
                false
            }
        };
        assert!(!standing, "two rows of one key");
    }
}

/// Exports by content, whoever made them.
pub(crate) fn content(exports: &[Export]) -> BTreeMap<(String, Vec<u8>, Vec<u8>), usize> {
    let mut content = BTreeMap::new();
    for export in exports {
        for (key, value) in export.pieces.iter() {
            *content.entry((export.of.step.clone(), key.to_vec(), value.to_vec())).or_default() += 1;
        }
    }
    content
}
