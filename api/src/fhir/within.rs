//! When something was, as FHIR asks for it: a day or an instant after `ge`, `gt`, `le`, `lt`, `eq` or nothing.

use super::moment::micros;
use model::{
    Micros,
    time::{DAY, SECOND},
};

/// 1700-01-01 and 2250-01-01: the years that a timestamp in nanoseconds can be of.
pub(super) const FIRST: Micros = -8_520_336_000_000_000;
/// See [`FIRST`].
pub(super) const LAST: Micros = 8_835_955_200_000_000;

/// A span of time, open where nobody said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Within {
    /// Not before this.
    pub(super) from: Option<Micros>,
    /// Before this.
    pub(super) until: Option<Micros>,
}

impl Within {
    /// How a condition is written.
    pub(super) const FORM: &str = "give a day or an instant, as in ge2026-01-01 or lt2026-01-01T09:30:00Z";

    /// Takes one more condition; `None` if it is not understood.
    pub(super) fn narrow(&mut self, value: &str) -> Option<()> {
        let is_prefix = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_alphabetic());
        let parts = value.split_at_checked(2).filter(|(prefix, _)| is_prefix(prefix));
        let (prefix, moment) = parts.unwrap_or(("eq", value));
        let (start, end) = span(moment)?;
        let (from, until) = match prefix {
            "eq" => (Some(start), Some(end)),
            "ge" => (Some(start), None),
            "gt" => (Some(end), None),
            "lt" => (None, Some(start)),
            "le" => (None, Some(end)),
            _ => return None,
        };
        self.from = self.from.max(from);
        self.until = [self.until, until].into_iter().flatten().min();
        Some(())
    }
}

/// From when, and until before when, a day or an instant is: of an instant without a fraction, a second.
fn span(text: &str) -> Option<(Micros, Micros)> {
    let start = micros(text).filter(|start| (FIRST..LAST).contains(start))?;
    let is_day = text.len() == "2026-01-01".len();
    let length = match (is_day, text.contains('.')) {
        (true, _) => DAY,
        (false, true) => 1,
        (false, false) => SECOND,
    };
    Some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::Within;
    use crate::fhir::moment::instant;

    fn bounds(dates: &[&str]) -> (Option<String>, Option<String>) {
        let mut within = Within::default();
        for date in dates {
            within.narrow(date).expect("it is understood");
        }
        (within.from.map(instant), within.until.map(instant))
    }

    #[test]
    fn conditions_are_spans_and_narrow_each_other() {
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(
            bounds(&["2026-01-02"]),
            (at("2026-01-02T00:00:00.000000Z"), at("2026-01-03T00:00:00.000000Z"))
        );
        assert_eq!(bounds(&["gt2026-01-02"]), (at("2026-01-03T00:00:00.000000Z"), None));
        assert_eq!(bounds(&["le2026-01-02"]), (None, at("2026-01-03T00:00:00.000000Z")));
        assert_eq!(
            bounds(&["ge2026-01-02T10:00:00+09:00", "lt2026-01-02", "ge2025-01-01"]),
            (at("2026-01-02T01:00:00.000000Z"), at("2026-01-02T00:00:00.000000Z"))
        );
        assert_eq!(bounds(&["le2026-01-02T10:00:00Z"]).1, at("2026-01-02T10:00:01.000000Z"));
        assert_eq!(bounds(&["le2026-01-02T10:00:00.5Z"]).1, at("2026-01-02T10:00:00.500001Z"));
        assert_eq!(
            ["ap2026-01-01", "ge", "", "yesterday", "gé2026-01-01", "ge9999-01-01"]
                .map(|text| { Within::default().narrow(text) }),
            [None; 6]
        );
    }
}
