//! The glomerular filtration rate estimated from creatinine, without race: CKD-EPI 2021.
//!
//! Source: Inker et al., "New creatinine- and cystatin C-based equations to estimate GFR without race", N Engl J Med
//! 385, 2021; kidney.org (risk.md §2.4). For adults.

use model::Sex;

/// `142 · min(c/κ, 1)^α · max(c/κ, 1)^-1.200 · 0.9938^age`, for women times 1.012.
const SCALE: f64 = 142.0;
const ABOVE: f64 = -1.2;
const PER_YEAR: f64 = 0.9938;
const FEMALE: f64 = 1.012;

/// Estimated filtration rate, mL/min/1.73 m², of a creatinine in mg/dL at an age in whole years.
///
/// Not finite where there is no creatinine.
///
/// # Examples
/// ```
/// use model::Sex;
/// use operators::risk::kidney::filtration_rate;
///
/// assert!((filtration_rate(1.0, 50, Sex::Male) - 91.6915).abs() < 5e-5);
/// ```
pub fn filtration_rate(creatinine: f64, age: i32, sex: Sex) -> f64 {
    let (kappa, below, factor) = match sex {
        Sex::Female => (0.7, -0.241, FEMALE),
        Sex::Male => (0.9, -0.302, 1.0),
    };
    let ratio = creatinine / kappa;
    SCALE * ratio.min(1.0).powf(below) * ratio.max(1.0).powf(ABOVE) * PER_YEAR.powi(age) * factor
}

#[cfg(test)]
mod tests {
    use super::filtration_rate;
    use model::Sex::{self, Female, Male};

    /// Values of risk.md §4.12, four decimals.
    #[test]
    fn published_values_are_met() {
        let golden: [(f64, i32, Sex, f64); 4] = [
            (1.0, 50, Male, 91.6915),
            (1.0, 50, Female, 68.6335),
            (0.6, 30, Female, 123.7579),
            (2.3, 70, Male, 29.8013),
        ];
        for (creatinine, age, sex, rate) in golden {
            let found = filtration_rate(creatinine, age, sex);
            assert!((found - rate).abs() <= 5e-5, "{creatinine} {age} {sex:?}: {found}");
        }
    }

    #[test]
    fn it_falls_with_creatinine_and_with_age() {
        for sex in [Female, Male] {
            let rates: Vec<_> =
                (1..200).map(|tenth| filtration_rate(f64::from(tenth) / 10.0, 60, sex)).collect();
            assert!(rates.is_sorted_by(|one, next| one > next));
            assert!(filtration_rate(1.0, 61, sex) < filtration_rate(1.0, 60, sex));
        }
    }
}
