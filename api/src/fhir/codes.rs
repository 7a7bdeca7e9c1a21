//! Codes, as data: LOINC, IEEE 11073-10101 (MDC), UCUM and the code systems of HL7.
//!
//! LOINC of the markers and of the vital signs, and UCUM: risk.md §2.4, those rows only that were checked there. MDC: those
//! that HL7's Personal Health Devices guide uses, and of respiration the one that national profiles of FHIR have for it. What
//! is not here has no code.

use super::resource::Coding;

/// LOINC.
pub(super) const LOINC: &str = "http://loinc.org";
/// IEEE 11073-10101.
pub(super) const MDC: &str = "urn:iso:std:iso:11073:10101";
/// Unified Code for Units of Measure.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";
const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";

const fn loinc(code: &'static str, display: &'static str) -> Coding {
    Coding { system: LOINC, code, display }
}

const fn mdc(code: &'static str, display: &'static str) -> Coding {
    Coding { system: MDC, code, display }
}

/// Measured in a laboratory's way.
pub(super) const LABORATORY: Coding = Coding { system: CATEGORY, code: "laboratory", display: "Laboratory" };
/// A vital sign.
pub(super) const VITAL_SIGNS: Coding =
    Coding { system: CATEGORY, code: "vital-signs", display: "Vital Signs" };
/// Seen by looking at a person.
pub(super) const EXAM: Coding = Coding { system: CATEGORY, code: "exam", display: "Exam" };
/// What is given to a person.
pub(super) const THERAPY: Coding = Coding { system: CATEGORY, code: "therapy", display: "Therapy" };
/// What a machine draws of a person.
pub(super) const PROCEDURE: Coding = Coding { system: CATEGORY, code: "procedure", display: "Procedure" };

/// There is a value that nobody knows.
pub(super) const UNKNOWN: Coding = Coding { system: ABSENT, code: "unknown", display: "Unknown" };

/// Which side of its limits a value is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Below a lower limit.
    Below,
    /// Above an upper limit.
    Above,
    /// Outside, and nothing says on which side.
    Outside,
}

/// What a value outside its limits is called.
pub(super) const fn interpretation(side: Side, is_critical: bool) -> Coding {
    let (code, display) = match (side, is_critical) {
        (Side::Below, false) => ("L", "Low"),
        (Side::Below, true) => ("LL", "Critical low"),
        (Side::Above, false) => ("H", "High"),
        (Side::Above, true) => ("HH", "Critical high"),
        (Side::Outside, false) => ("A", "Abnormal"),
        (Side::Outside, true) => ("AA", "Critical abnormal"),
    };
    Coding { system: INTERPRETATION, code, display }
}

/// What a value inside its limits is called.
pub(super) const NORMAL: Coding = Coding { system: INTERPRETATION, code: "N", display: "Normal" };

/// What a kind of cartridge measures.
#[derive(Debug)]
pub(super) struct Assay {
    /// Category and type of the cartridge.
    pub(super) kind: (i32, i32),
    /// Unit as the cartridge's result has it.
    pub(super) unit: &'static str,
    /// The same in UCUM.
    pub(super) ucum: &'static str,
    /// Codes, LOINC first; none where the cartridge does not say what its one value is of.
    pub(super) codes: &'static [Coding],
}

const fn assay(kind: i32, unit: &'static str, ucum: &'static str, codes: &'static [Coding]) -> Assay {
    Assay { kind: (1, kind), unit, ucum, codes }
}

/// The health biomarkers. Of the codes of glucose that of blood, and of capillary blood where MDC has no other: a reader in
/// the hand is given a drop from a finger. The panel of lipids has one value and does not say of which.
pub(super) const ASSAYS: [Assay; 14] = [
    assay(
        0x01,
        "mg/dL",
        "mg/dL",
        &[
            loinc("2339-0", "Glucose [Mass/volume] in Blood"),
            mdc("160184", "MDC_CONC_GLU_CAPILLARY_WHOLEBLOOD"),
        ],
    ),
    assay(0x02, "mg/dL", "mg/dL", &[]),
    assay(0x03, "%", "%", &[loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")]),
    assay(0x04, "mg/dL", "mg/dL", &[loinc("3084-1", "Urate [Mass/volume] in Serum or Plasma")]),
    assay(0x05, "mg/dL", "mg/dL", &[loinc("2160-0", "Creatinine [Mass/volume] in Serum or Plasma")]),
    assay(
        0x06,
        "ng/mL",
        "ng/mL",
        &[loinc("1989-3", "25-hydroxyvitamin D3 [Mass/volume] in Serum or Plasma")],
    ),
    assay(
        0x07,
        "pg/mL",
        "pg/mL",
        &[loinc("2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma")],
    ),
    assay(0x08, "ng/mL", "ng/mL", &[loinc("2276-4", "Ferritin [Mass/volume] in Serum or Plasma")]),
    assay(0x09, "mIU/L", "m[IU]/L", &[loinc("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma")]),
    assay(0x0a, "µg/dL", "ug/dL", &[loinc("2143-6", "Cortisol [Mass/volume] in Serum or Plasma")]),
    assay(0x0b, "ng/dL", "ng/dL", &[loinc("2986-8", "Testosterone [Mass/volume] in Serum or Plasma")]),
    assay(0x0c, "pg/mL", "pg/mL", &[loinc("2243-4", "Estradiol (E2) [Mass/volume] in Serum or Plasma")]),
    assay(0x0d, "mg/L", "mg/L", &[loinc("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma")]),
    assay(0x0e, "µIU/mL", "u[IU]/mL", &[loinc("20448-7", "Insulin [Units/volume] in Serum or Plasma")]),
];

/// A vital sign that is a quantity.
#[derive(Debug)]
pub(super) struct Sign {
    /// Column of `vitals`, and what the id of its Observation ends with.
    pub(super) column: &'static str,
    /// What people call it.
    pub(super) name: &'static str,
    /// Unit as people read it.
    pub(super) unit: &'static str,
    /// The same in UCUM.
    pub(super) ucum: &'static str,
    /// Codes, LOINC first.
    pub(super) codes: &'static [Coding],
    /// The profile of FHIR R4 that its Observation keeps to.
    pub(super) profile: &'static str,
}

const HEART_RATE: Coding = loinc("8867-4", "Heart rate");
const HEART_RATE_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/heartrate";

/// Heart rate, from an electrocardiogram.
pub(super) const HR: Sign = Sign {
    column: "hr",
    name: "Heart rate (electrocardiogram)",
    unit: "/min",
    ucum: "/min",
    codes: &[HEART_RATE, mdc("147842", "MDC_ECG_HEART_RATE")],
    profile: HEART_RATE_PROFILE,
};
/// Pulse rate, from an optical signal.
pub(super) const PULSE: Sign = Sign {
    column: "pulse",
    name: "Pulse rate (optical)",
    unit: "/min",
    ucum: "/min",
    codes: &[HEART_RATE, mdc("149530", "MDC_PULS_OXIM_PULS_RATE")],
    profile: HEART_RATE_PROFILE,
};
/// Systolic blood pressure: a component, without a profile of its own.
pub(super) const SYSTOLIC: Sign = Sign {
    column: "systolic",
    name: "Systolic blood pressure",
    unit: "mmHg",
    ucum: "mm[Hg]",
    codes: &[loinc("8480-6", "Systolic blood pressure"), mdc("150021", "MDC_PRESS_BLD_NONINV_SYS")],
    profile: "",
};
/// Diastolic blood pressure, likewise.
pub(super) const DIASTOLIC: Sign = Sign {
    column: "diastolic",
    name: "Diastolic blood pressure",
    unit: "mmHg",
    ucum: "mm[Hg]",
    codes: &[loinc("8462-4", "Diastolic blood pressure"), mdc("150022", "MDC_PRESS_BLD_NONINV_DIA")],
    profile: "",
};

/// The signs that are Observations by themselves.
pub(super) const SIGNS: [Sign; 5] = [
    HR,
    PULSE,
    Sign {
        column: "resp",
        name: "Respiratory rate",
        unit: "/min",
        ucum: "/min",
        codes: &[loinc("9279-1", "Respiratory rate"), mdc("151562", "MDC_RESP_RATE")],
        profile: "http://hl7.org/fhir/StructureDefinition/resprate",
    },
    Sign {
        column: "spo2",
        name: "Oxygen saturation",
        unit: "%",
        ucum: "%",
        codes: &[
            loinc("2708-6", "Oxygen saturation in Arterial blood"),
            loinc("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry"),
            mdc("150456", "MDC_PULS_OXIM_SAT_O2"),
        ],
        profile: "http://hl7.org/fhir/StructureDefinition/oxygensat",
    },
    Sign {
        column: "temperature",
        name: "Body temperature",
        unit: "°C",
        ucum: "Cel",
        codes: &[loinc("8310-5", "Body temperature"), mdc("150364", "MDC_TEMP_BODY")],
        profile: "http://hl7.org/fhir/StructureDefinition/bodytemp",
    },
];

/// Blood pressure: what its two components are under.
pub(super) const BLOOD_PRESSURE: [Coding; 2] = [
    loinc("85354-9", "Blood pressure panel with all children optional"),
    mdc("150020", "MDC_PRESS_BLD_NONINV"),
];
/// The profile of FHIR R4 for it.
pub(super) const BLOOD_PRESSURE_PROFILE: &str = "http://hl7.org/fhir/StructureDefinition/bp";
