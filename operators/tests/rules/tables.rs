//! What the sources say, written from them by hand: levels and classes of values on both sides of every limit.

use operators::risk::{parameter::Parameter as P, set::Risk};

/// Points by value.
pub(super) type Points = &'static [(f64, u32)];

/// What other parameters are meanwhile.
type Others = &'static [(P, f64)];

/// Level and class expected of values; no level where nothing is to be said.
pub(super) type Table = &'static [(f64, Option<Risk>, &'static str)];

const L: Option<Risk> = Some(Risk::Low);
const M: Option<Risk> = Some(Risk::Moderate);
const H: Option<Risk> = Some(Risk::High);
const C: Option<Risk> = Some(Risk::Critical);

/// Rule, parameter, what its other parameters are meanwhile, and the table.
pub(super) const LEVELS: [(&str, P, Others, Table); 23] = [
    (
        "glucose",
        P::Glucose,
        &[],
        &[
            (46.0, C, "critical low"),
            (46.1, H, "hypoglycaemia level 2"),
            (53.9, H, "hypoglycaemia level 2"),
            (54.0, M, "hypoglycaemia level 1"),
            (69.9, M, "hypoglycaemia level 1"),
            (70.0, L, "in range"),
            (180.0, L, "in range"),
            (180.1, M, "hyperglycaemia level 1"),
            (250.0, M, "hyperglycaemia level 1"),
            (250.1, H, "hyperglycaemia level 2"),
            (483.9, H, "hyperglycaemia level 2"),
            (484.0, C, "critical high"),
        ],
    ),
    (
        "glucose.fasting",
        P::FastingGlucose,
        &[],
        &[
            (69.9, None, ""),
            (70.0, L, "normal"),
            (99.9, L, "normal"),
            (100.0, M, "range of prediabetes"),
            (125.9, M, "range of prediabetes"),
            (126.0, M, "range of diabetes: confirm"),
        ],
    ),
    (
        "glucose.two_hours",
        P::TwoHourGlucose,
        &[],
        &[
            (69.9, None, ""),
            (70.0, L, "normal"),
            (139.9, L, "normal"),
            (140.0, M, "range of prediabetes"),
            (199.9, M, "range of prediabetes"),
            (200.0, M, "range of diabetes: confirm"),
        ],
    ),
    (
        "hba1c",
        P::GlycatedHaemoglobin,
        &[],
        &[
            (5.69, L, "normal"),
            (5.7, M, "range of prediabetes"),
            (6.49, M, "range of prediabetes"),
            (6.5, M, "range of diabetes: confirm"),
        ],
    ),
    ("cgm", P::TimeBelow54, &CGM, &[(0.9, L, "target met"), (1.0, H, "too much time below 54 mg/dL")]),
    ("cgm", P::TimeBelow70, &CGM, &[(3.9, L, "target met"), (4.0, M, "too much time below 70 mg/dL")]),
    (
        "cgm",
        P::TimeInRange,
        &CGM,
        &[(70.0, M, "too little time from 70 to 180 mg/dL"), (70.1, L, "target met")],
    ),
    ("cgm", P::TimeAbove180, &CGM, &[(24.9, L, "target met"), (25.0, M, "too much time above 180 mg/dL")]),
    ("cgm", P::TimeAbove250, &CGM, &[(4.9, L, "target met"), (5.0, M, "too much time above 250 mg/dL")]),
    ("cgm", P::GlucoseVariation, &CGM, &[(36.0, L, "target met"), (36.1, M, "unstable")]),
    (
        "cgm",
        P::GlycaemiaRisk,
        &CGM,
        &[
            (20.0, L, "zone A"),
            (20.1, L, "zone B"),
            (40.0, L, "zone B"),
            (40.1, L, "zone C"),
            (60.0, L, "zone C"),
            (60.1, H, "zone D"),
            (80.0, H, "zone D"),
            (80.1, C, "zone E"),
        ],
    ),
    (
        "blood_pressure.kr",
        P::Systolic,
        &[(P::Diastolic, 60.0)],
        &[
            (119.0, L, "normal"),
            (120.0, L, "elevated"),
            (129.0, L, "elevated"),
            (130.0, M, "prehypertension"),
            (139.0, M, "prehypertension"),
            (140.0, M, "hypertension from grade 1"),
            (180.0, M, "hypertension from grade 1"),
            (181.0, C, "severe"),
        ],
    ),
    (
        "blood_pressure.kr",
        P::Diastolic,
        &[(P::Systolic, 100.0)],
        &[
            (79.0, L, "normal"),
            (80.0, M, "prehypertension"),
            (89.0, M, "prehypertension"),
            (90.0, M, "hypertension from grade 1"),
            (120.0, M, "hypertension from grade 1"),
            (121.0, C, "severe"),
        ],
    ),
    (
        "blood_pressure.us",
        P::Systolic,
        &[(P::Diastolic, 60.0)],
        &[
            (119.0, L, "normal"),
            (120.0, L, "elevated"),
            (129.0, L, "elevated"),
            (130.0, M, "hypertension stage 1"),
            (139.0, M, "hypertension stage 1"),
            (140.0, M, "hypertension stage 2"),
            (180.0, M, "hypertension stage 2"),
            (181.0, C, "severe"),
        ],
    ),
    (
        "blood_pressure.us",
        P::Diastolic,
        &[(P::Systolic, 100.0)],
        &[
            (79.0, L, "normal"),
            (80.0, M, "hypertension stage 1"),
            (89.0, M, "hypertension stage 1"),
            (90.0, M, "hypertension stage 2"),
            (120.0, M, "hypertension stage 2"),
            (121.0, C, "severe"),
        ],
    ),
    (
        "blood_pressure.eu",
        P::Systolic,
        &[(P::Diastolic, 60.0)],
        &[
            (119.0, L, "non-elevated"),
            (120.0, L, "elevated"),
            (139.0, L, "elevated"),
            (140.0, M, "hypertension"),
            (159.0, M, "hypertension"),
            (160.0, H, "hypertension grade 2"),
            (179.0, H, "hypertension grade 2"),
            (180.0, C, "hypertension grade 3"),
        ],
    ),
    (
        "blood_pressure.eu",
        P::Diastolic,
        &[(P::Systolic, 100.0)],
        &[
            (69.0, L, "non-elevated"),
            (70.0, L, "elevated"),
            (89.0, L, "elevated"),
            (90.0, M, "hypertension"),
            (99.0, M, "hypertension"),
            (100.0, H, "hypertension grade 2"),
            (109.0, H, "hypertension grade 2"),
            (110.0, C, "hypertension grade 3"),
        ],
    ),
    ("creatinine", P::Creatinine, &[], &[(7.39, None, ""), (7.4, C, "critical high")]),
    (
        "crp",
        P::ReactiveProtein,
        &[],
        &[
            (0.9, L, "lower cardiovascular risk"),
            (1.0, L, "average cardiovascular risk"),
            (2.9, L, "average cardiovascular risk"),
            (3.0, M, "higher cardiovascular risk"),
            (9.9, M, "higher cardiovascular risk"),
            (10.0, H, "repeat, look for infection"),
        ],
    ),
    (
        "lactate",
        P::Lactate,
        &[],
        &[(1.9, L, "not raised"), (2.0, M, "raised"), (3.9, M, "raised"), (4.0, H, "high risk")],
    ),
    ("urate", P::Urate, &[], &[(6.8, None, ""), (12.9, None, ""), (13.0, C, "critical high")]),
    (
        "vitamin_d",
        P::VitaminD,
        &[],
        &[
            (11.9, M, "deficient"),
            (12.0, M, "inadequate"),
            (19.9, M, "inadequate"),
            (20.0, L, "adequate"),
            (50.0, L, "adequate"),
            (50.1, M, "high"),
        ],
    ),
    (
        "testosterone",
        P::Testosterone,
        &[],
        &[
            (263.9, M, "below the harmonised lower limit"),
            (264.0, M, "low"),
            (299.9, M, "low"),
            (300.0, None, ""),
        ],
    ),
];

/// What meets every target, for the parameters a row of the table does not name.
pub(super) const CGM: [(P, f64); 7] = [
    (P::TimeBelow54, 0.0),
    (P::TimeBelow70, 0.0),
    (P::TimeInRange, 100.0),
    (P::TimeAbove180, 0.0),
    (P::TimeAbove250, 0.0),
    (P::GlucoseVariation, 10.0),
    (P::GlycaemiaRisk, 0.0),
];

/// The pulse of an optical signal, which takes no other facts.
pub(super) const PULSE: Table =
    &[(40.0, M, "40 or less"), (41.0, None, ""), (130.0, None, ""), (131.0, M, "131 or more")];
/// Filtration rates, which are calculated and cannot be given.
pub(super) const RATE: Table = &[
    (90.0, L, "G1"),
    (89.95, L, "G2"),
    (60.0, L, "G2"),
    (59.95, M, "G3a"),
    (45.0, M, "G3a"),
    (44.95, M, "G3b"),
    (30.0, M, "G3b"),
    (29.95, H, "G4"),
    (15.0, H, "G4"),
    (14.95, C, "G5"),
];

/// Points of the criteria of the systemic inflammatory response.
pub(super) const CRITERIA: [(P, Points); 4] = [
    (P::Temperature, &[(35.9, 1), (36.0, 0), (38.0, 0), (38.1, 1)]),
    (P::Pulse, &[(90.0, 0), (90.1, 1)]),
    (P::Respiration, &[(20.0, 0), (20.1, 1)]),
    (P::Leukocytes, &[(3.9, 1), (4.0, 0), (12.0, 0), (12.1, 1)]),
];
