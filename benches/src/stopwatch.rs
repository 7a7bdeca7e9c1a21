//! Times work of nanoseconds to milliseconds: calls are counted into batches that a clock can measure.
//!
//! # Invariants
//! The first call, which finds caches cold, is not timed. What disturbs a machine only ever adds time, so the least of
//! several batches is the cost of the work, and the middle one what it cost here and now.

use std::time::Instant;

/// Least length of a batch, in seconds: ten thousand times what reading the clock twice costs.
const BATCH_SECONDS: f64 = 1e-3;

/// Seconds per call of `batches` batches, from the least to the greatest.
pub(crate) fn seconds_per_call(batches: usize, mut work: impl FnMut()) -> Vec<f64> {
    work();
    let mut calls = 1_u32;
    while seconds(calls, &mut work) < BATCH_SECONDS {
        calls *= 2;
    }
    let mut times: Vec<f64> = (0..batches).map(|_| seconds(calls, &mut work) / f64::from(calls)).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn seconds(calls: u32, work: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        work();
    }
    start.elapsed().as_secs_f64()
}
