//! What rules ask about: each parameter with its name and its one unit.
//!
//! # Invariants
//! A parameter has one unit, in UCUM; a rule or a value in another does not get in.

use model::Number;
use serde::{Deserialize, Serialize};

/// A quantity that a rule can have limits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Parameter {
    /// Respiration rate, 1/min.
    Respiration,
    /// Peripheral oxygen saturation, %.
    Saturation,
    /// Whether oxygen is given: 0 air, 1 oxygen.
    Oxygen,
    /// Systolic blood pressure, mmHg.
    Systolic,
    /// Diastolic blood pressure, mmHg.
    Diastolic,
    /// Pulse rate that a monitor shows, 1/min.
    Pulse,
    /// Pulse rate estimated from an optical signal, 1/min: never in place of [`Self::Pulse`].
    OpticalPulse,
    /// Consciousness on the ACVPU scale: 0 alert, 1 new confusion, 2 answers to voice, 3 to pain, 4 unresponsive.
    Consciousness,
    /// Body temperature, °C.
    Temperature,
    /// White blood cells, 10⁹/L.
    Leukocytes,
    /// Glucose at any time of day, mg/dL.
    Glucose,
    /// Glucose after a fast, mg/dL.
    FastingGlucose,
    /// Glucose two hours after 75 g by mouth, mg/dL.
    TwoHourGlucose,
    /// Glycated haemoglobin (A1C), %.
    GlycatedHaemoglobin,
    /// Share of continuous readings below 54 mg/dL, %.
    TimeBelow54,
    /// Share of continuous readings below 70 mg/dL, those below 54 included, %.
    TimeBelow70,
    /// Share of continuous readings from 70 to 180 mg/dL, %.
    TimeInRange,
    /// Share of continuous readings above 180 mg/dL, those above 250 included, %.
    TimeAbove180,
    /// Share of continuous readings above 250 mg/dL, %.
    TimeAbove250,
    /// Coefficient of variation of continuous readings, %.
    GlucoseVariation,
    /// Glucose management indicator, % of glycated haemoglobin.
    GlucoseManagement,
    /// Glycaemia risk index, 0 to 100.
    GlycaemiaRisk,
    /// Low blood glucose index.
    LowGlucoseIndex,
    /// High blood glucose index.
    HighGlucoseIndex,
    /// Creatinine, mg/dL.
    Creatinine,
    /// Estimated glomerular filtration rate, mL/min/1.73 m²: calculated from creatinine, age and sex, never given.
    FiltrationRate,
    /// Urate (uric acid), mg/dL.
    Urate,
    /// C-reactive protein, mg/L.
    ReactiveProtein,
    /// Lactate, mmol/L.
    Lactate,
    /// Total cholesterol, mg/dL.
    Cholesterol,
    /// High-density lipoprotein cholesterol, mg/dL.
    HighDensity,
    /// Low-density lipoprotein cholesterol, mg/dL.
    LowDensity,
    /// Triglycerides, mg/dL.
    Triglycerides,
    /// 25-hydroxyvitamin D, ng/mL.
    VitaminD,
    /// Vitamin B12, pg/mL.
    VitaminB12,
    /// Ferritin, ng/mL.
    Ferritin,
    /// Thyroid-stimulating hormone, mIU/L.
    Thyrotropin,
    /// Cortisol in the morning, µg/dL.
    Cortisol,
    /// Total testosterone, ng/dL.
    Testosterone,
}

use Parameter as P;

/// What per cent can at most be, of a whole.
const WHOLE: f64 = 100.0;

impl Parameter {
    /// Every parameter, with its name in rule sets and in evidence, and its UCUM unit; in the order of the enumeration.
    pub const ALL: [(Self, &'static str, &'static str); 39] = [
        (P::Respiration, "resp", "/min"),
        (P::Saturation, "spo2", "%"),
        (P::Oxygen, "oxygen", "1"),
        (P::Systolic, "systolic", "mm[Hg]"),
        (P::Diastolic, "diastolic", "mm[Hg]"),
        (P::Pulse, "pulse", "/min"),
        (P::OpticalPulse, "pulse_ppg", "/min"),
        (P::Consciousness, "consciousness", "{ACVPU}"),
        (P::Temperature, "temperature", "Cel"),
        (P::Leukocytes, "leukocytes", "10*9/L"),
        (P::Glucose, "glucose", "mg/dL"),
        (P::FastingGlucose, "glucose_fasting", "mg/dL"),
        (P::TwoHourGlucose, "glucose_two_hours", "mg/dL"),
        (P::GlycatedHaemoglobin, "hba1c", "%"),
        (P::TimeBelow54, "cgm_below_54", "%"),
        (P::TimeBelow70, "cgm_below_70", "%"),
        (P::TimeInRange, "cgm_in_range", "%"),
        (P::TimeAbove180, "cgm_above_180", "%"),
        (P::TimeAbove250, "cgm_above_250", "%"),
        (P::GlucoseVariation, "cgm_variation", "%"),
        (P::GlucoseManagement, "cgm_gmi", "%"),
        (P::GlycaemiaRisk, "cgm_gri", "1"),
        (P::LowGlucoseIndex, "cgm_lbgi", "1"),
        (P::HighGlucoseIndex, "cgm_hbgi", "1"),
        (P::Creatinine, "creatinine", "mg/dL"),
        (P::FiltrationRate, "egfr", "mL/min/{1.73_m2}"),
        (P::Urate, "urate", "mg/dL"),
        (P::ReactiveProtein, "crp", "mg/L"),
        (P::Lactate, "lactate", "mmol/L"),
        (P::Cholesterol, "cholesterol", "mg/dL"),
        (P::HighDensity, "hdl", "mg/dL"),
        (P::LowDensity, "ldl", "mg/dL"),
        (P::Triglycerides, "triglycerides", "mg/dL"),
        (P::VitaminD, "vitamin_d", "ng/mL"),
        (P::VitaminB12, "b12", "pg/mL"),
        (P::Ferritin, "ferritin", "ng/mL"),
        (P::Thyrotropin, "tsh", "m[IU]/L"),
        (P::Cortisol, "cortisol", "ug/dL"),
        (P::Testosterone, "testosterone", "ng/dL"),
    ];

    /// Those that vital signs bring, which change from minute to minute.
    pub const VITAL: [Self; 8] = [
        P::Respiration,
        P::Saturation,
        P::Oxygen,
        P::Systolic,
        P::Diastolic,
        P::Pulse,
        P::Consciousness,
        P::Temperature,
    ];

    /// Name in rule sets and in evidence.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// UCUM unit.
    pub const fn unit(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// The parameter of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(parameter, ..)| *parameter)
    }

    /// What a value of this parameter is of: what is taken after a fast or a load is a glucose at any time of day, too.
    pub fn slots(self) -> impl Iterator<Item = Self> {
        let whenever = matches!(self, P::FastingGlucose | P::TwoHourGlucose);
        std::iter::once(self).chain(whenever.then_some(P::Glucose))
    }

    /// Whether a value can be one of this parameter at all: nothing is less than none, and no share more than the whole.
    pub fn is_possible(self, value: Number) -> bool {
        let is_share = matches!(
            self,
            P::Saturation
                | P::GlycatedHaemoglobin
                | P::TimeBelow54
                | P::TimeBelow70
                | P::TimeInRange
                | P::TimeAbove180
                | P::TimeAbove250
                | P::GlycaemiaRisk
        );
        let most = if is_share {
            WHOLE
        } else if self == P::Oxygen {
            1.0
        } else if self == P::Consciousness {
            4.0
        } else {
            f64::MAX
        };
        (0.0..=most).contains(&value.get())
    }
}

#[cfg(test)]
mod tests {
    use super::Parameter;
    use model::Number;

    #[test]
    fn the_table_stands_in_the_order_of_the_enumeration_and_no_name_stands_twice() {
        for (place, (parameter, name, unit)) in Parameter::ALL.into_iter().enumerate() {
            assert_eq!(parameter as usize, place, "{name}");
            assert_eq!((parameter.name(), parameter.unit()), (name, unit));
            assert_eq!(Parameter::named(name), Some(parameter));
        }
        assert_eq!(Parameter::named("respiration"), None);
    }

    #[test]
    fn nothing_is_less_than_none_and_no_share_more_than_the_whole() {
        let possible = |parameter: Parameter, value| parameter.is_possible(Number::finite(value).unwrap());
        assert!(possible(Parameter::Glucose, 0.0) && !possible(Parameter::Glucose, -0.1));
        assert!(possible(Parameter::Saturation, 100.0) && !possible(Parameter::Saturation, 100.1));
        assert!(possible(Parameter::Oxygen, 1.0) && !possible(Parameter::Oxygen, 2.0));
        assert!(possible(Parameter::Consciousness, 4.0) && !possible(Parameter::Consciousness, 5.0));
        assert!(possible(Parameter::GlucoseVariation, 150.0));
    }
}
