//! Results of laboratories, by LOINC code and UCUM unit.
//!
//! Codes: risk.md §2.4 for the markers; lactate 2524-7, 32693-4 and 2518-9, leukocytes 6690-2 and 26464-8, glucose after a fast
//! 1558-6 and two hours after 75 g 1518-0 as LOINC 2.7x names them. This material contains content from LOINC
//! (<https://loinc.org>), copyright Regenstrief Institute, available at no cost under <https://loinc.org/license>.
//!
//! # Invariants
//! - No value is converted: a code that rules know is read in its own units alone, which are equal number for number.

use crate::{EventId, Micros, Number, Origin, ResultId, UserId};
use serde::{Deserialize, Serialize};

/// Something that rules know a laboratory to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Analyte {
    /// Name in rule sets.
    pub name: &'static str,
    /// Its LOINC codes.
    pub codes: &'static [&'static str],
    /// Its UCUM units: the one of rule sets first, then others with the same numbers.
    pub units: &'static [&'static str],
    /// What no result exceeds, in these units. This product's own bound, generous: more is a wrong unit.
    pub most: u32,
}

const fn analyte(
    name: &'static str,
    codes: &'static [&'static str],
    units: &'static [&'static str],
    most: u32,
) -> Analyte {
    Analyte { name, codes, units, most }
}

/// Every one. Cortisol is not among them: rules ask for that of the morning, and its code does not say when.
pub const ANALYTES: [Analyte; 18] = [
    analyte("leukocytes", &["6690-2", "26464-8"], &["10*9/L", "10*3/uL"], 1_000),
    analyte("lactate", &["2524-7", "32693-4", "2518-9"], &["mmol/L"], 50),
    analyte("glucose", &["2345-7", "2339-0", "41653-7"], &["mg/dL"], 2_000),
    analyte("glucose_fasting", &["1558-6"], &["mg/dL"], 2_000),
    analyte("glucose_two_hours", &["1518-0"], &["mg/dL"], 2_000),
    analyte("hba1c", &["4548-4"], &["%"], 30),
    analyte("creatinine", &["2160-0"], &["mg/dL"], 50),
    analyte("urate", &["3084-1"], &["mg/dL"], 50),
    analyte("crp", &["1988-5", "30522-7"], &["mg/L"], 1_000),
    analyte("cholesterol", &["2093-3"], &["mg/dL"], 2_000),
    analyte("hdl", &["2085-9"], &["mg/dL"], 500),
    analyte("ldl", &["13457-7", "18262-6"], &["mg/dL"], 2_000),
    analyte("triglycerides", &["2571-8"], &["mg/dL"], 20_000),
    analyte("vitamin_d", &["1989-3", "62292-8"], &["ng/mL", "ug/L"], 1_000),
    analyte("b12", &["2132-9"], &["pg/mL", "ng/L"], 100_000),
    analyte("ferritin", &["2276-4"], &["ng/mL", "ug/L"], 200_000),
    analyte("tsh", &["3016-3"], &["m[IU]/L", "u[IU]/mL"], 1_000),
    analyte("testosterone", &["2986-8"], &["ng/dL"], 5_000),
];

/// What a LOINC code is of, if rules know it.
pub fn analyte_of(code: &str) -> Option<&'static Analyte> {
    ANALYTES.iter().find(|analyte| analyte.codes.contains(&code))
}

/// Whether a text has the form of a LOINC code, with the check digit that belongs to it (mod 10: every second digit from the
/// right counts twice; LOINC Users' Guide, appendix).
///
/// # Examples
/// ```
/// use model::laboratory::is_loinc;
/// assert!(is_loinc("2524-7") && is_loinc("26464-8"));
/// assert!(!is_loinc("2524-8") && !is_loinc("25247") && !is_loinc("") && !is_loinc("-0"));
/// ```
pub fn is_loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else { return false };
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=7).contains(&number.len()) || check.len() != 1 || !is_number(number) || !is_number(check) {
        return false;
    }
    let digits = number.bytes().rev().map(|byte| u32::from(byte - b'0')).enumerate();
    let doubled =
        |(place, digit): (usize, u32)| if place % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit };
    let sum: u32 = digits.map(doubled).sum();
    u32::from(check.as_bytes()[0] - b'0') == (10 - sum % 10) % 10
}

/// What a laboratory found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaboratoryValue {
    /// LOINC code.
    pub code: String,
    /// Value.
    pub value: Number,
    /// UCUM unit.
    pub unit: String,
}

/// A result was given, corrected or taken back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaboratoryEvent {
    // First, so that what is said of a result is ordered by time.
    /// When it was said; it counts from then on.
    pub at: Micros,
    // Second: of two of one moment the later on the log corrects.
    /// Where it stood on the log.
    pub origin: Origin,
    /// Identity of the event.
    pub event: EventId,
    /// Of whom.
    pub user: UserId,
    /// Which result.
    pub result: ResultId,
    /// What it is from then on; none if it was taken back.
    pub value: Option<LaboratoryValue>,
}

/// A result as it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LaboratoryResult {
    /// When anything was first said of it.
    pub released: Micros,
    /// When it was said as it stands.
    pub at: Micros,
    /// Of whom.
    pub user: UserId,
    /// Which result.
    pub result: ResultId,
    /// The event that said it last.
    pub event: EventId,
    /// What it is.
    pub value: LaboratoryValue,
    /// How many words on it came before.
    pub revision: u32,
    /// Where that stood on the log.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::{ANALYTES, analyte_of, is_loinc};

    #[test]
    fn every_code_is_sound_and_stands_once() {
        for analyte in &ANALYTES {
            for code in analyte.codes {
                assert!(is_loinc(code), "{code}");
                assert_eq!(analyte_of(code), Some(analyte));
            }
        }
        assert_eq!(analyte_of("2951-2"), None);
    }
}
