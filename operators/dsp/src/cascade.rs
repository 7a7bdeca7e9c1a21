//! Runs second-order sections over a stream, one sample after the other.
//!
//! # Invariants
//! Causal, and bit for bit the same however the stream is cut into calls. The arithmetic is that of
//! `scipy.signal.sosfilt` (direct form II transposed), in the same order of operations, so the output equals
//! scipy's to the last bit. A sample that is not finite would stay in the state for good: callers keep such
//! samples out.

use crate::butterworth::Section;

/// The memory of a cascade of `N` sections: two numbers per section. Save it with [`Cascade::state`] and put it back with
/// [`Cascade::restore`] to run again from the same point of the stream.
pub type State<const N: usize> = [[f64; 2]; N];

/// A filter of `N` second-order sections with its memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cascade<const N: usize> {
    sections: [Section; N],
    /// Memory of each section after it has seen ones forever (`sosfilt_zi`).
    settled: State<N>,
    state: State<N>,
}

impl<const N: usize> Cascade<N> {
    /// A filter at rest: it has seen zeros forever.
    pub fn new(sections: [Section; N]) -> Self {
        Self { sections, settled: settled(&sections), state: [[0.0; 2]; N] }
    }

    /// Forgets the past and takes the state of having seen `level` forever: `sosfilt_zi(sos) * level`. Use it with the
    /// first sample of a stream, and with the first one after a stretch that is missing.
    pub fn settle(&mut self, level: f64) {
        self.state = self.settled.map(|memory| memory.map(|value| value * level));
    }

    /// The present memory.
    pub fn state(&self) -> State<N> {
        self.state
    }

    /// Goes back to a saved memory.
    pub fn restore(&mut self, state: State<N>) {
        self.state = state;
    }

    /// Filters one sample.
    #[inline]
    pub fn step(&mut self, sample: f64) -> f64 {
        let mut value = sample;
        for (section, memory) in self.sections.iter().zip(&mut self.state) {
            let output = section.b[0] * value + memory[0];
            memory[0] = section.b[1] * value - section.a[0] * output + memory[1];
            memory[1] = section.b[2] * value - section.a[1] * output;
            value = output;
        }
        value
    }

    /// Filters the samples in place.
    pub fn process(&mut self, samples: &mut [f64]) {
        // A local copy keeps the memory in registers.
        let mut local = *self;
        for sample in samples {
            *sample = local.step(*sample);
        }
        self.state = local.state;
    }
}

/// `scipy.signal.sosfilt_zi`: the state in which a constant one gives a constant output, section after section.
fn settled<const N: usize>(sections: &[Section; N]) -> State<N> {
    let mut level = 1.0;
    sections.map(|Section { b, a }| {
        let gain = (b[0] + b[1] + b[2]) / (1.0 + a[0] + a[1]);
        let second = level * (b[2] - a[1] * gain);
        let first = level * (b[1] - a[0] * gain) + second;
        level *= gain;
        [first, second]
    })
}
