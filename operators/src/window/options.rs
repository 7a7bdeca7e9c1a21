//! Length, slide and lateness of windows, checked once, and what they come to in panes.

use super::FARTHEST;
use model::Micros;
use std::time::Duration;

/// What windows to cut; becomes a [`Shape`] by [`Options::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much time a window covers: a multiple of `slide`.
    pub length: Duration,
    /// Time from one window to the next; windows end at its multiples, counted from 1970-01-01 UTC.
    pub slide: Duration,
    /// How far behind its key's newest event an event may always come: a window leaves when an event of
    /// its key arrives that is this far past its end. Results wait this long.
    pub lateness: Duration,
    /// Keys are below this; others are refused, so that a broken border cannot exhaust memory.
    pub keys: u32,
}

/// Windows that cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The slide is zero, or a span is not a whole number of microseconds.
    #[error("span of {span:?} is not a whole positive number of microseconds; choose one that is")]
    Resolution {
        /// The span.
        span: Duration,
    },
    /// The length is zero or not a multiple of the slide.
    #[error(
        "window of {length:?} is not a multiple of its slide of {slide:?}; choose a slide that divides it"
    )]
    Multiple {
        /// The length.
        length: Duration,
        /// The slide.
        slide: Duration,
    },
    /// Length and lateness make more panes than a key may have.
    #[error("{panes} panes per key are more than {}; choose a longer slide", Shape::MOST_PANES)]
    Panes {
        /// Panes of a window and of the lateness.
        panes: u128,
    },
    /// Length and lateness reach beyond the times there are.
    #[error(
        "windows of {length:?} with {lateness:?} of lateness reach beyond the calendar; choose shorter ones"
    )]
    Reach {
        /// The length.
        length: Duration,
        /// The lateness.
        lateness: Duration,
    },
    /// An alarm's limits are not numbers, or it would clear where it does not yet raise.
    #[error(
        "alarm raised at {raise} and cleared at {clear} would flicker; clear it where it rises or before"
    )]
    Limits {
        /// Where it raises.
        raise: f64,
        /// Where it clears.
        clear: f64,
    },
}

/// Windows as panes: [`Options`] that can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Length of a pane, microseconds.
    pub(super) slide: Micros,
    /// How far an event may be behind, microseconds.
    pub(super) lateness: Micros,
    /// Panes of a window.
    pub(super) panes: usize,
    /// Panes that can be open at once.
    pub(super) open: usize,
    /// Keys are below this.
    pub(super) keys: u32,
}

impl Shape {
    /// Panes a key may have: a day in tenths of a second; 32 MB of [`super::Mean`].
    pub const MOST_PANES: u32 = 1_000_000;

    /// How much time a window covers, microseconds.
    pub fn length(&self) -> Micros {
        self.slide * self.panes as i64
    }
}

impl Options {
    /// Checks the options.
    pub fn shape(self) -> Result<Shape, Error> {
        let (length, slide) = (micros(self.length)?, micros(self.slide)?);
        let lateness = micros(self.lateness)?;
        if slide == 0 {
            return Err(Error::Resolution { span: self.slide });
        }
        if length == 0 || length % slide != 0 {
            return Err(Error::Multiple { length: self.length, slide: self.slide });
        }
        let (panes, open) = (length / slide, lateness.div_ceil(slide) + 1);
        if panes + open > u128::from(Shape::MOST_PANES) {
            return Err(Error::Panes { panes: panes + open });
        }
        if slide * (panes + open) > FARTHEST as u128 {
            return Err(Error::Reach { length: self.length, lateness: self.lateness });
        }
        // Nothing is cut off: all four are below `FARTHEST` or `MOST_PANES` now.
        Ok(Shape {
            slide: slide as i64,
            lateness: lateness as i64,
            panes: panes as usize,
            open: open as usize,
            keys: self.keys,
        })
    }
}

fn micros(span: Duration) -> Result<u128, Error> {
    let whole = span.subsec_nanos().is_multiple_of(1_000);
    if whole { Ok(span.as_micros()) } else { Err(Error::Resolution { span }) }
}

#[cfg(test)]
mod tests {
    use super::{Error, Options, Shape};
    use std::time::Duration;

    fn options(length: u64, slide: u64, lateness: u64) -> Options {
        let [length, slide, lateness] = [length, slide, lateness].map(Duration::from_micros);
        Options { length, slide, lateness, keys: 1 }
    }

    #[test]
    fn only_what_can_be_cut_is_a_shape() {
        let shape = options(2_000_000, 20_000, 250_000).shape().unwrap();
        assert_eq!((shape.length(), shape.panes, shape.open), (2_000_000, 100, 14));
        assert_eq!(options(5, 5, 0).shape().unwrap().open, 1);

        assert!(matches!(options(2_000_000, 300_000, 0).shape(), Err(Error::Multiple { .. })));
        assert!(matches!(options(0, 300_000, 0).shape(), Err(Error::Multiple { .. })));
        assert!(matches!(options(5, 0, 0).shape(), Err(Error::Resolution { .. })));
        let fine = Options { lateness: Duration::from_nanos(1), ..options(5, 5, 0) };
        assert!(matches!(fine.shape(), Err(Error::Resolution { .. })));
        let (most, too_many) = (u64::from(Shape::MOST_PANES) - 1, u64::from(Shape::MOST_PANES));
        assert!(options(most, 1, 0).shape().is_ok());
        assert_eq!(options(too_many, 1, 0).shape(), Err(Error::Panes { panes: u128::from(too_many) + 1 }));
        assert!(matches!(options(u64::MAX, u64::MAX, 0).shape(), Err(Error::Reach { .. })));
        assert!(matches!(options(5, 5, u64::MAX).shape(), Err(Error::Panes { .. })));
    }
}
