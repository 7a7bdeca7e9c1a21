//! Where a value stands between limits: ranges, and the sorted array that finds the one a value is in.
//!
//! # Invariants
//! A scale's starts rise strictly from minus infinity, so that every value has one place.

use model::Number;
use std::fmt;

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The limit.
    pub value: Number,
    /// Whether the limit itself is inside.
    pub included: bool,
}

/// A range of values, open where it has no edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Lower end.
    pub low: Option<Edge>,
    /// Upper end.
    pub high: Option<Edge>,
}

impl Limits {
    /// The least value inside.
    pub(super) fn first(&self) -> f64 {
        let first = |edge: Edge| if edge.included { edge.value.get() } else { edge.value.get().next_up() };
        self.low.map_or(f64::NEG_INFINITY, first)
    }

    /// The greatest value inside.
    pub(super) fn last(&self) -> f64 {
        let last = |edge: Edge| if edge.included { edge.value.get() } else { edge.value.get().next_down() };
        self.high.map_or(f64::INFINITY, last)
    }

    /// Whether the two have a value in common.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.first() <= other.last() && other.first() <= self.last()
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Edge { value, included }) = self.low {
            write!(f, "{} {}", if included { "≥" } else { ">" }, value.get())?;
        }
        if self.low.is_some() && self.high.is_some() {
            f.write_str(" and ")?;
        }
        if let Some(Edge { value, included }) = self.high {
            write!(f, "{} {}", if included { "≤" } else { "<" }, value.get())?;
        }
        Ok(())
    }
}

/// A row for every value: piecewise constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    /// Where each piece starts.
    starts: Box<[f64]>,
    /// The row of each piece.
    rows: Box<[Option<usize>]>,
}

impl Scale {
    /// The scale over `rows`, each with its place and its range; of two that claim a value the later one has it.
    pub(super) fn over(rows: &[(usize, &Limits)]) -> Self {
        let mut starts = vec![f64::NEG_INFINITY];
        for (_, limits) in rows {
            starts.push(limits.first());
            starts.push(limits.last().next_up());
        }
        starts.retain(|start| *start < f64::INFINITY);
        starts.sort_by(f64::total_cmp);
        starts.dedup();
        let row = |start: &f64| {
            let claims = |limits: &Limits| limits.first() <= *start && *start <= limits.last();
            rows.iter().rfind(|(_, limits)| claims(limits)).map(|(place, _)| *place)
        };
        Self { rows: starts.iter().map(row).collect(), starts: starts.into() }
    }

    /// The row that claims `value`.
    pub(super) fn find(&self, value: f64) -> Option<usize> {
        let piece = self.starts.partition_point(|start| *start <= value);
        self.rows[piece.checked_sub(1)?]
    }
}

#[cfg(test)]
mod tests {
    use super::{Edge, Limits, Scale};
    use model::Number;

    fn edge(value: f64, included: bool) -> Edge {
        Edge { value: Number::finite(value).unwrap(), included }
    }

    #[test]
    fn a_limit_belongs_where_it_says() {
        let rows = [
            Limits { low: None, high: Some(edge(54.0, false)) },
            Limits { low: Some(edge(70.0, true)), high: Some(edge(180.0, true)) },
            Limits { low: Some(edge(180.0, false)), high: None },
            Limits { low: Some(edge(250.0, false)), high: None },
        ];
        let ranges: Vec<_> = rows.iter().enumerate().collect();
        let scale = Scale::over(&ranges);
        for (value, row) in [
            (-1e300, Some(0)),
            (53.999, Some(0)),
            (54.0, None),
            (69.999, None),
            (70.0, Some(1)),
            (180.0, Some(1)),
            (180.001, Some(2)),
            (250.0, Some(2)),
            (250.001, Some(3)),
            (f64::MAX, Some(3)),
        ] {
            assert_eq!(scale.find(value), row, "{value}");
        }
        assert_eq!(Scale::over(&[]).find(1.0), None);
    }

    #[test]
    fn ranges_are_told_as_people_write_them() {
        let limits = Limits { low: Some(edge(5.7, true)), high: Some(edge(6.5, false)) };
        assert_eq!(limits.to_string(), "≥ 5.7 and < 6.5");
        assert_eq!(Limits { low: Some(edge(180.0, false)), high: None }.to_string(), "> 180");
        assert_eq!(Limits { low: None, high: Some(edge(46.0, true)) }.to_string(), "≤ 46");
    }

    #[test]
    fn ranges_overlap_where_they_share_a_value() {
        let low = Limits { low: None, high: Some(edge(180.0, true)) };
        assert!(low.overlaps(&Limits { low: Some(edge(180.0, true)), high: None }));
        assert!(!low.overlaps(&Limits { low: Some(edge(180.0, false)), high: None }));
    }
}
