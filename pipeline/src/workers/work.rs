//! One worker: builds the graph, then does what it is told, in order.

use super::{Job, Order, Part, Slice, turns::Seat};
use crate::dataflow;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use eventlog::Record;
use model::{Epoch, Tick, state::StepVersion};
use operators::state::{States, Unreadable};
use std::time::{Duration, Instant};
use timely::{
    dataflow::{
        InputHandleVec as InputHandle,
        operators::{probe::Handle as Probe, vec::Input},
    },
    worker::Worker,
};

/// How long a worker waits between two slices: the disk, and the processor beside it, have other things to do.
const PAUSE: Duration = Duration::from_millis(4);

/// Slices per worker that may wait to be written, and the bytes of slices that are large: those of a shutdown are 4 MiB.
pub(super) const WAITING: usize = 64;
const WAITING_BYTES: usize = 32 << 20;

/// Under load an export takes one part in so many of the time that epochs take.
const SHARE: u32 = 10;

/// What a worker sits at.
pub(super) struct Desk {
    pub(super) inbox: Receiver<Order>,
    pub(super) outbox: Sender<Part>,
    pub(super) answers: Sender<Result<(), Unreadable>>,
    pub(super) away: Sender<Slice>,
    pub(super) seat: Option<Seat>,
}

impl Desk {
    /// Whether enough slices of so many bytes wait to be written.
    fn is_full(&self, peers: usize, slice: usize) -> bool {
        self.away.len() >= (WAITING_BYTES / slice).clamp(1, WAITING) * peers
    }
}

/// An export under way.
struct Leaving {
    epoch: Epoch,
    slice: usize,
    alone: bool,
}

/// Works until nobody gives orders any more.
pub(super) fn work(
    worker: &mut Worker,
    desk: &Desk,
    graph: &dataflow::Options,
    names: &Sender<Vec<StepVersion>>,
) {
    let mut inputs = (InputHandle::<Epoch, Record>::new(), InputHandle::<Epoch, Tick>::new());
    let (probe, states) = (Probe::new(), States::default());
    let results = worker.dataflow(|scope| {
        let (records, ticks) = (scope.input_from(&mut inputs.0), scope.input_from(&mut inputs.1));
        dataflow::build(records, ticks, graph, &states, &probe)
    });
    // The first to say it is heard; all say the same.
    names.send(states.versions()).unwrap_or_default();
    let (index, peers) = (worker.index(), worker.peers());
    let mut leaving: Option<Leaving> = None;
    while let Some(order) = next_order(desk, peers, &states, &mut leaving) {
        match order {
            Order::Feed(job) => {
                let (epoch, begun) = (job.epoch, Instant::now());
                feed(&mut inputs, job);
                let give_back = || {
                    let (output, tally) = results.take(epoch);
                    desk.outbox.send(Part { epoch, output, tally }).is_ok()
                };
                if !compute(worker, &probe, epoch + 1, desk.seat.as_ref(), give_back) {
                    return;
                }
                // Under load too, and the longer epochs take the more: an export that does not end keeps what changed
                // meanwhile in memory, and what the log must not forget on the disk.
                let until = Instant::now() + begun.elapsed() / SHARE;
                while leaving
                    .as_ref()
                    .is_some_and(|leaving| leaving.alone && !desk.is_full(peers, leaving.slice))
                {
                    let slice = leave(&states, &mut leaving);
                    if slice.is_some_and(|slice| desk.away.send(slice).is_err()) {
                        return;
                    }
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
            Order::Import(export) => {
                if desk.answers.send(states.import(&export, index, peers)).is_err() {
                    return;
                }
            }
            Order::Begin { epoch, slice, alone } => {
                states.begin();
                leaving = Some(Leaving { epoch, slice, alone });
            }
            Order::Slice => {
                let slice = leave(&states, &mut leaving);
                // Of no epoch: there is nothing under way.
                let nothing = || Slice { epoch: Epoch::MAX, exports: Vec::new(), last: true };
                if desk.away.send(slice.unwrap_or_else(nothing)).is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits for the next order, and exports meanwhile as long as somebody takes it.
fn next_order(desk: &Desk, peers: usize, states: &States, leaving: &mut Option<Leaving>) -> Option<Order> {
    while let Some(slice) = leaving.as_ref().filter(|leaving| leaving.alone).map(|leaving| leaving.slice) {
        match desk.inbox.recv_timeout(PAUSE) {
            Ok(order) => return Some(order),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if desk.is_full(peers, slice) => {}
            Err(RecvTimeoutError::Timeout) => {
                let slice = leave(states, leaving)?;
                desk.away.send(slice).ok()?;
            }
        }
    }
    desk.inbox.recv().ok()
}

/// Exports a slice; none if no export is under way.
fn leave(states: &States, leaving: &mut Option<Leaving>) -> Option<Slice> {
    let Leaving { epoch, slice, .. } = leaving.as_ref()?;
    let (epoch, mut exports) = (*epoch, Vec::new());
    let last = states.export(*slice, &mut exports);
    if last {
        *leaving = None;
    }
    Some(Slice { epoch, exports, last })
}

fn feed((records, ticks): &mut (InputHandle<Epoch, Record>, InputHandle<Epoch, Tick>), job: Job) {
    records.advance_to(job.epoch);
    ticks.advance_to(job.epoch);
    ticks.send(job.tick);
    for record in job.records {
        records.send(record);
    }
    records.advance_to(job.epoch + 1);
    ticks.advance_to(job.epoch + 1);
}

/// Steps until the probe has passed everything before `until`, then gives back; false if nobody wants it any more.
fn compute(
    worker: &mut Worker,
    probe: &Probe<Epoch>,
    until: Epoch,
    seat: Option<&Seat>,
    give_back: impl FnOnce() -> bool,
) -> bool {
    let Some(seat) = seat else {
        while probe.less_than(&until) {
            worker.step_or_park(Some(Duration::from_millis(1)));
        }
        return give_back();
    };
    loop {
        if !seat.wait() {
            return false;
        }
        worker.step();
        if !probe.less_than(&until) {
            let wanted = give_back();
            seat.end(true);
            return wanted;
        }
        seat.end(false);
    }
}
