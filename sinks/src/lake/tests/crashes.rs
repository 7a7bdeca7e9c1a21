//! A power cut, a dying process and a failing disk at every single operation change nothing.

use super::rig::Rig;
use crate::{Error, disk::sim::Fault};

/// A start, a flush with new rows, retractions, joined files and a fold, and a collection of garbage.
fn work(rig: &mut Rig) -> Result<(), Error> {
    let mut process = rig.open()?;
    process.toggle([1, 4, 6, 30, 31]);
    rig.flush(&mut process)?;
    process.lake.collect_garbage(0, 0).map(drop)
}

/// A lake with a history.
fn begun() -> Rig {
    let mut rig = Rig::new(0);
    let mut process = rig.open().unwrap();
    for n in 0..3 {
        process.toggle(n * 3..n * 3 + 6);
        rig.flush(&mut process).unwrap();
    }
    // An attempt that is never committed, and a file removed long ago.
    process.toggle([8, 60]);
    process.lake.prepare(9, &process.views.cut()).unwrap();
    rig
}

/// Numbers of the operations of `work`, with one in which nothing happens any more.
fn operations(rig: &Rig) -> std::ops::RangeInclusive<u64> {
    let mut whole = rig.copy(0);
    let first = whole.disk.operations() + 1;
    work(&mut whole).unwrap();
    first..=whole.disk.operations() + 1
}

#[test]
fn a_power_cut_or_a_dying_process_at_every_operation() {
    let mut committed = [0, 0];
    for begun in [Rig::new(0), begun()] {
        for operation in operations(&begun) {
            for seed in 0..4 {
                let mut rig = begun.copy(seed * 1_000 + operation);
                rig.disk.stop_at(operation);
                work(&mut rig).ok();
                committed[rig.intents.len() - begun.intents.len()] += 1;
                // 1. It stops.
                if seed % 3 == 0 {
                    rig.disk.kill();
                } else {
                    rig.disk.crash();
                }
                // 2. It stops once more while it starts.
                if seed % 2 == 0 {
                    rig.disk.stop_at(rig.disk.operations() + operation % 23);
                    rig.open().map(drop).ok();
                    rig.disk.crash();
                }
                // 3. All is as if nothing had happened, and stays so.
                rig.check();
                work(&mut rig).unwrap();
                rig.disk.crash();
                if (operation + seed) % 4 == 0 { rig.verify() } else { rig.check() }
            }
        }
    }
    assert!(committed[0] > 250 && committed[1] > 150, "{committed:?}");
}

#[test]
fn a_failing_full_or_read_only_disk_at_every_operation() {
    let begun = begun();
    let mut refused = 0;
    for operation in operations(&begun) {
        for (seed, fault) in [Fault::Io, Fault::Full, Fault::ReadOnly].into_iter().enumerate() {
            for lasting in [false, true] {
                let mut rig = begun.copy(seed as u64 * 1_000 + operation);
                if lasting {
                    rig.disk.fail_from(operation, fault);
                } else {
                    rig.disk.fail_at(operation, fault);
                }
                refused += work_through(&mut rig);
                assert_eq!(rig.intents.len(), begun.intents.len() + 1);
                rig.verify();
                rig.disk.crash();
                rig.check();
            }
        }
    }
    assert!(refused > 200, "{refused}");
}

/// The work, with every step done again once the disk is well; what cannot be done is said, with the next step.
///
/// Returns how often.
fn work_through(rig: &mut Rig) -> usize {
    let (mut refused, before) = (0, rig.intents.len());
    let mut well = |rig: &Rig, error: &Error| {
        refused += 1;
        clear(error);
        rig.disk.heal();
    };
    let mut process = rig.open().unwrap_or_else(|error| {
        well(rig, &error);
        rig.open().unwrap()
    });
    process.toggle([1, 4, 6, 30, 31]);
    if let Err(error) = rig.flush(&mut process) {
        well(rig, &error);
        // As the committer does: publishes what is committed, or prepares again.
        if rig.intents.len() > before {
            process.lake.publish(&rig.intents[before]).unwrap();
        } else {
            rig.flush(&mut process).unwrap();
        }
    }
    if let Err(error) = process.lake.collect_garbage(0, 0) {
        well(rig, &error);
        process.lake.collect_garbage(0, 0).unwrap();
    }
    rig.disk.heal();
    refused
}

fn clear(error: &Error) {
    let text = error.to_string();
    assert!(matches!(error, Error::Disk { .. }), "{text}");
    assert!(text.contains("/data") && text.contains("os error") && text.contains(": "), "{text}");
    assert!(text.contains("commit.lake.dir"), "no next step: {text}");
}
