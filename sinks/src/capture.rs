//! Takes the changes of a collection out of the dataflow, for the worker's epoch loop to commit.
//!
//! # Frontier
//! Once the probe handed to [`capture`] has passed an epoch, the [`Captured`] of the same worker holds
//! every change of that epoch that fell to this worker: the probe stands behind the capture, so it
//! cannot pass what was not yet put down.

use differential_dataflow::VecCollection;
use model::Epoch;
use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};
use timely::{
    container::CapacityContainerBuilder,
    dataflow::{
        channels::pact::Pipeline,
        operators::{Operator, Probe, probe::Handle},
    },
};

/// Changes that were put down, by epoch.
type Changes<D> = BTreeMap<Epoch, Vec<(D, i64)>>;

/// The changes that came out on this worker and were not yet taken, by epoch.
pub struct Captured<D> {
    changes: Rc<RefCell<Changes<D>>>,
}

impl<D> Captured<D> {
    /// Takes every change of the epochs up to and including `last`, in no particular order.
    ///
    /// Complete once the probe has passed `last`.
    pub fn take(&self, last: Epoch) -> Vec<(D, i64)> {
        let mut changes = self.changes.borrow_mut();
        let later = changes.split_off(&(last + 1));
        std::mem::replace(&mut *changes, later).into_values().flatten().collect()
    }
}

impl<D> fmt::Debug for Captured<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Captured({} epochs)", self.changes.borrow().len())
    }
}

/// Puts the changes of `collection` down for [`Captured::take`]; `probe` follows behind.
///
/// # Examples
/// ```
/// use differential_dataflow::input::InputSession;
/// use timely::dataflow::operators::probe::Handle;
///
/// let taken = timely::execute_directly(|worker| {
///     let (mut input, probe) = (InputSession::new(), Handle::new());
///     let captured = worker.dataflow(|scope| sinks::capture(input.to_collection(scope), &probe));
///     input.update("a row", 1);
///     input.advance_to(1);
///     input.flush();
///     worker.step_while(|| probe.less_than(&1));
///     captured.take(0)
/// });
/// assert_eq!(taken, [("a row", 1)]);
/// ```
pub fn capture<D: Clone + 'static>(
    collection: VecCollection<'_, Epoch, D, i64>,
    probe: &Handle<Epoch>,
) -> Captured<D> {
    let changes = Rc::new(RefCell::new(Changes::new()));
    let kept = Rc::clone(&changes);
    collection
        .inner
        .unary::<CapacityContainerBuilder<Vec<()>>, _, _, _>(
            Pipeline,
            "Capture",
            move |_capability, _info| {
                move |input, _output| {
                    let mut kept = kept.borrow_mut();
                    input.for_each(|_capability, updates| {
                        for (row, epoch, difference) in updates.drain(..) {
                            kept.entry(epoch).or_default().push((row, difference));
                        }
                    });
                }
            },
        )
        .probe_with(probe);
    Captured { changes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use differential_dataflow::input::InputSession;
    use timely::Config;

    /// Two workers, rows that change hands on the way: each change comes out once, in its epoch.
    #[test]
    fn every_change_comes_out_once_in_its_epoch() {
        let workers = timely::execute(Config::process(2), |worker| {
            let (mut input, probe) = (InputSession::<Epoch, u64, i64>::new(), Handle::new());
            let captured = worker.dataflow(|scope| {
                let pairs = input.to_collection(scope).map(|row| row / 2 * 2).consolidate();
                capture(pairs, &probe)
            });
            let mut taken = Vec::new();
            for epoch in 0..10 {
                if worker.index() == 0 {
                    input.update(epoch, 1);
                    input.update_at(epoch, epoch + 3, -1);
                }
                input.advance_to(epoch + 1);
                input.flush();
                worker.step_while(|| probe.less_than(&(epoch + 1)));
                taken.push(captured.take(epoch));
                assert!(captured.take(epoch).is_empty());
            }
            taken
        })
        .unwrap();
        let mut by_epoch = vec![Vec::new(); 10];
        for worker in workers.join() {
            for (epoch, changes) in worker.unwrap().into_iter().enumerate() {
                by_epoch[epoch].extend(changes);
            }
        }
        for (epoch, mut changes) in (0_u64..).zip(by_epoch) {
            differential_dataflow::consolidation::consolidate(&mut changes);
            let mut expected = vec![(epoch / 2 * 2, 1)];
            expected.extend(epoch.checked_sub(3).map(|gone| (gone / 2 * 2, -1)));
            differential_dataflow::consolidation::consolidate(&mut expected);
            assert_eq!(changes, expected, "epoch {epoch}");
        }
    }
}
