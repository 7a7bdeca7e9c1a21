//! One signal of a recording: the session it is replayed as, its samples, and the events people marked in it.

use super::{ANCHOR, clock::Clock};
use model::{Micros, SessionId, Signal};

/// One signal of a recording, in memory; replayed as a session of its own by a device of its own.
#[derive(Clone, Debug)]
pub struct Track {
    signal: Signal,
    session: SessionId,
    device: String,
    pub(super) clock: Clock,
    /// In the units of the file, an electrocardiogram in mV; NaN where the file has no number.
    pub(super) samples: Vec<f32>,
    /// In order; none if nobody was asked to mark.
    marks: Option<Vec<Mark>>,
}

/// An event that a person marked in a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The sample it was marked at, from 0.
    pub sample: usize,
    /// A beat of sinus origin, as the variability of the heart rate asks for; any breath.
    pub is_normal: bool,
}

impl Track {
    /// `signal` of recording `name`; `marks` are in order.
    pub(super) fn new(
        name: &str,
        signal: Signal,
        clock: Clock,
        samples: Vec<f32>,
        marks: Option<Vec<Mark>>,
    ) -> Self {
        let (session, device) = match word(signal) {
            None => (SessionId::derive(&["replay", name]), format!("replay-{name}")),
            Some(word) => (SessionId::derive(&["replay", name, word]), format!("replay-{name}-{word}")),
        };
        Self { signal, session, device, clock, samples, marks }
    }

    /// The same of recording `name`, without a sample.
    pub(super) fn without_samples(&self, name: &str) -> Self {
        Self::new(name, self.signal, self.clock, Vec::new(), None)
    }

    /// What is recorded.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The session it is replayed as.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The device it is replayed as.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Time from the first sample to the end of the last, microseconds.
    pub fn length_us(&self) -> Micros {
        self.clock.stamp_us(self.samples.len())
    }

    /// Samples per second.
    pub fn rate_hz(&self) -> f64 {
        self.clock.rate_hz()
    }

    /// What people marked, in order; none as for [`Self::events`].
    pub fn marks(&self) -> Option<&[Mark]> {
        self.marks.as_deref()
    }

    /// Event times of what people marked, in order: breaths of a respiration, beats of an electrocardiogram.
    ///
    /// None if the recording has no marks, which is not the same as marks of nothing.
    pub fn events(&self) -> Option<Vec<Micros>> {
        let at = |mark: &Mark| ANCHOR + self.clock.stamp_us(mark.sample);
        self.marks.as_ref().map(|marks| marks.iter().map(at).collect())
    }
}

/// How ids tell `signal` from others of the same recording; those of the pulse came first and carry the name alone.
pub(super) fn word(signal: Signal) -> Option<&'static str> {
    match signal {
        Signal::Pulse => None,
        Signal::Respiration => Some("respiration"),
        Signal::Ecg => Some("ecg"),
        Signal::Channels => Some("channels"),
    }
}
