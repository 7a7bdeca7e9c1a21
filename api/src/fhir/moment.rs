//! Moments as FHIR writes them.

use datafusion::arrow::{
    compute::kernels::cast_utils::string_to_timestamp_nanos, temporal_conversions::timestamp_us_to_datetime,
};
use model::Micros;

/// A moment in UTC, to the microsecond.
pub(super) fn instant(at: Micros) -> String {
    // Beyond the year 262,000 there are no dates; no record of the log can be dated there.
    let moment = timestamp_us_to_datetime(at).unwrap_or_default();
    moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// The moment of a text, to the microsecond; without a zone it is of UTC.
pub(super) fn micros(text: &str) -> Option<Micros> {
    string_to_timestamp_nanos(text).ok().map(|nanos| nanos.div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::{instant, micros};

    #[test]
    fn what_is_written_is_read_again_to_the_microsecond() {
        for at in [0, -1, 1_767_225_600_000_001, -8_520_336_000_000_000, 8_835_955_200_000_000] {
            assert_eq!(micros(&instant(at)), Some(at), "{}", instant(at));
        }
        assert_eq!(instant(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(micros("2026-01-01"), Some(1_767_225_600_000_000));
        assert_eq!(micros("soon"), None);
    }
}
