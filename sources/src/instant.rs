//! Instants as they come from outside: microseconds in a range a table can be dated by.

use model::Micros;

/// First instant after the accepted range: 2200-01-01T00:00:00Z.
///
/// The range begins at 1970-01-01. De-identified recordings carry shifted dates, so the bound is a
/// guard against absurd clocks, not against wrong ones.
pub(crate) const END: Micros = 7_258_118_400_000_000;

/// `micros` since 1970-01-01 UTC if it lies in the accepted range.
pub(crate) fn from_micros(micros: u64) -> Option<Micros> {
    Micros::try_from(micros).ok().filter(|micros| *micros < END)
}

/// `millis` since 1970-01-01 UTC as microseconds if it lies in the accepted range.
pub(crate) fn from_millis(millis: u64) -> Option<Micros> {
    millis.checked_mul(1_000).and_then(from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_ends_where_it_says() {
        let end: chrono::DateTime<chrono::Utc> = "2200-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(end.timestamp_micros(), END);
        assert_eq!(from_micros(END as u64 - 1), Some(END - 1));
        assert_eq!(from_micros(END as u64), None);
        assert_eq!(from_micros(u64::MAX), None);
        assert_eq!(from_millis(u64::MAX), None);
        assert_eq!(from_millis(1), Some(1_000));
    }
}
