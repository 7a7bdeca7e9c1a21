//! One worker steps at a time, in an order drawn from a seed.
//!
//! Timely's workers are threads and cannot be run by one; but a thread that waits for its turn is as good as
//! none. Only the order in which workers step is free in a dataflow, so a seed that decides it decides the run.

use crossbeam_channel::{Receiver, Sender, bounded};

/// What a worker has when it steps in turns.
pub(super) struct Seat {
    turn: Receiver<()>,
    over: Sender<bool>,
}

/// Who gives the turns.
pub(super) struct Turns {
    /// By worker: where a turn is given, and where it ends.
    turns: Vec<(Sender<()>, Receiver<bool>)>,
    dice: u64,
}

/// Seats for `count` workers.
pub(super) fn seats(count: usize, seed: u64) -> (Turns, Vec<Seat>) {
    let (turns, seats) = (0..count)
        .map(|_| {
            let ((give, turn), (over, ended)) = (bounded(1), bounded(1));
            ((give, ended), Seat { turn, over })
        })
        .unzip();
    (Turns { turns, dice: seed | 1 }, seats)
}

impl Seat {
    /// Waits for the turn; false when nobody gives turns any more.
    pub(super) fn wait(&self) -> bool {
        self.turn.recv().is_ok()
    }

    /// Ends the turn, and says whether the worker has finished its epoch.
    pub(super) fn end(&self, finished: bool) {
        // Nobody listens when the workers are being dropped.
        self.over.send(finished).unwrap_or_default();
    }
}

impl Turns {
    /// Gives turns until every worker has finished its epoch.
    pub(super) fn until_all_finish(&mut self) {
        let mut at_work: Vec<usize> = (0..self.turns.len()).collect();
        while !at_work.is_empty() {
            let chosen = self.draw(at_work.len());
            // A worker that panicked takes no turn and ends none; whoever collects sees that it is gone.
            let (give, ended) = &self.turns[at_work[chosen]];
            let over = give.send(()).ok().and_then(|()| ended.recv().ok());
            if over.unwrap_or(true) {
                at_work.swap_remove(chosen);
            }
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        // xorshift64 (Marsaglia 2003); the high bits are the good ones.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 33) as usize % below
    }
}
