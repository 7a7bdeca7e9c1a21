//! Waves in windows: what an optical pulse and a respiration have in common.
//!
//! [`line`] puts a session's samples into [`slots`] and cuts them into panes as [`grid`] says, [`chain`] filters the
//! panes and reads the windows made of them, [`windows`] remembers those that can still be corrected, [`plan`] is what
//! sessions of one rate share. A [`Wave`] says which filter, which estimator and which row.
//!
//! # Invariants
//! - Nothing here knows a clock, an epoch or another session.

pub(crate) mod chain;
pub(crate) mod grid;
pub(crate) mod line;
pub(crate) mod pane;
pub(crate) mod plan;
pub(crate) mod slots;
pub(crate) mod windows;

use crate::signals::Rows;
use dsp::cascade::{Cascade, State};
use model::{Arrival, Micros, Number, Packet, SessionId, Span, UserId};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A filter that can go back to where it was.
pub(crate) trait Filter: Debug {
    /// Where it is.
    type State: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned;

    /// Where it is.
    fn state(&self) -> Self::State;

    /// Goes back.
    fn restore(&mut self, state: Self::State);

    /// Begins anew with a sample of `level`.
    fn settle(&mut self, level: f64);

    /// Filters the samples in place.
    fn process(&mut self, samples: &mut [f64]);
}

impl<const N: usize> Filter for Cascade<N>
where
    State<N>: Default + Serialize + DeserializeOwned,
{
    type State = State<N>;

    fn state(&self) -> State<N> {
        self.state()
    }

    fn restore(&mut self, state: State<N>) {
        self.restore(state);
    }

    fn settle(&mut self, level: f64) {
        self.settle(level);
    }

    fn process(&mut self, samples: &mut [f64]) {
        self.process(samples);
    }
}

/// A kind of wave, planned for one rate.
pub(crate) trait Wave: Debug + Sized {
    /// Its filter.
    type Filter: Filter;
    /// What its estimator reads off a window.
    type Estimate;
    /// What a window becomes.
    type Row: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// Samples of a full window.
    fn samples(&self) -> usize;

    /// Reads a full window; `held` marks the samples that were not measured.
    fn estimate(&mut self, filtered: &[f64], held: &[bool]) -> Self::Estimate;

    /// What the estimate is if the samples came `factor` times as fast as planned.
    fn faster(estimate: Self::Estimate, factor: f64) -> Self::Estimate;

    /// The row of a window; without an estimate if too few of its samples are real.
    fn row(window: Window, estimate: Option<&Self::Estimate>) -> Self::Row;

    /// Where its rows go.
    fn rows(rows: &mut Rows) -> &mut Vec<(Self::Row, i64)>;
}

/// What every window has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) session: SessionId,
    /// First instant.
    pub(crate) start: Micros,
    /// First instant after.
    pub(crate) end: Micros,
    pub(crate) revision: u32,
    pub(crate) user: UserId,
    /// Samples of a full window.
    pub(crate) n_expected: u32,
    /// Samples that arrived.
    pub(crate) n_real: u32,
    /// Samples filled in.
    pub(crate) n_imputed: u32,
    /// The packets it rests on.
    pub(crate) packets: Span,
}

/// An estimate to six decimals: far below what it can mean, far above where mathematical libraries differ in
/// their last digit, so that a replay on another machine agrees.
pub(crate) fn rounded(value: f64) -> Option<Number> {
    Number::finite((value * 1e6).round() / 1e6)
}

/// The samples of a packet that are read: its channel 0.
pub(crate) fn channel(packet: &Packet) -> &[f32] {
    match &packet.arrival {
        Arrival::Samples { samples, det, .. } => det.get(..usize::from(*samples)).unwrap_or(det),
        Arrival::End => &[],
    }
}
