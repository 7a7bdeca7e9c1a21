//! Facts for tests: each follows from a number.

mod told;
mod worn;

pub(crate) use told::{goal, notification, summary};
pub(crate) use worn::{episode, laboratory, reading, worn};

use crate::{Binding, Digest, InputRange};
use model::{
    About, AlertChange, Analysis, Beat, Breathing, CalibrationRecord, CalibrationSource, CalibrationStatus,
    CartridgeKind, CartridgeState, CartridgeSupply, CartridgeUid, ChangeKind, Claimed, Coaching,
    DeviceCalibration, EndStatus, EventId, Evidence, Fault, FeatureWindow, Finding, Fingerprint,
    HealthRecord, Input, Judged, Level, Measurement, Message, Micros, Number, Origin, PulseWindow, Raw,
    Reason, RecordStatus, Rhythm, Risk, RiskDetected, Rule, Session, SessionBeginning, SessionEnd, SessionId,
    SessionStream, SetRule, Signal, Span, Text, Trend, UserId, Vector, Vitals,
};

/// 2023-11-14 22:13:20 UTC.
pub(crate) const START: Micros = 1_700_000_000_000_000;
const HOUR: Micros = 3_600_000_000;

pub(crate) fn user(n: u32) -> UserId {
    UserId::derive(&["user", &(n % 3).to_string()])
}

pub(crate) fn session(n: u32, ended: bool) -> Session {
    Session {
        session: SessionId::derive(&[&n.to_string()]),
        user: Some(user(n)),
        device: Some(format!("device-{n}")),
        started_at: Some(START),
        ended_at: ended.then_some(START + HOUR),
        status: ended.then(|| "completed".to_owned()),
        stream: n.is_multiple_of(2).then(|| stream(n, ended)),
    }
}

/// An hour of packets, or the first of them.
fn stream(n: u32, ended: bool) -> SessionStream {
    SessionStream {
        from: Some(START),
        until: START + if ended { HOUR } else { HOUR / 3_600 },
        packets: if ended { 3_600 } else { 1 },
        last_sequence: if ended { 3_599 } else { 0 },
        progress_percent: n.is_multiple_of(4).then_some(if ended { 100 } else { 0 }),
        resumed: 0,
        span: SPAN,
    }
}

pub(crate) fn beginning(n: u32, revision: u32) -> SessionBeginning {
    SessionBeginning {
        session: SessionId::derive(&[&n.to_string()]),
        at: START,
        revision,
        user: user(n),
        device: n.is_multiple_of(2).then(|| "reader-1".into()),
        signal: Signal::Channels,
        sequence: 7,
        cartridge: (revision > 0).then_some(CartridgeKind { category: 1, kind: 1 }),
        seconds: (revision > 0).then_some(15),
        packets: SPAN,
    }
}

pub(crate) fn end(n: u32, revision: u32) -> SessionEnd {
    let SessionStream { from, packets, progress_percent, resumed, span, .. } = stream(n, true);
    SessionEnd {
        session: SessionId::derive(&[&n.to_string()]),
        at: START + HOUR,
        revision,
        user: user(n),
        device: None,
        status: if revision > 0 { EndStatus::Completed } else { EndStatus::Timeout },
        from,
        packets,
        progress_percent,
        resumed,
        span,
    }
}

pub(crate) fn vitals(n: u32) -> Vitals {
    Vitals {
        user: user(n),
        // Over four days, and not in the order of the numbers.
        at: START + i64::from(n * 7 % 11) * 5 * HOUR,
        event: EventId::derive(&["vitals", &n.to_string()]),
        hr: Number::finite(60.1 + f64::from(n)),
        pulse: None,
        resp: None,
        spo2: Number::finite(97.0),
        systolic: Number::finite(120.0),
        diastolic: None,
        temperature: Number::finite(36.6),
        consciousness: Some(model::Consciousness::Alert),
        oxygen: Some(false),
        origin: Origin { input: Input::Vitals, partition: 0, offset: u64::from(n) },
    }
}

pub(crate) fn window(n: u32, revision: u32) -> PulseWindow {
    let start = START + i64::from(n) * 5_000_000;
    PulseWindow {
        session: SessionId::derive(&["window"]),
        start,
        end: start + 30_000_000,
        revision,
        user: user(0),
        n_expected: 3_750,
        n_real: 3_700 + revision,
        n_imputed: 0,
        hr_bpm: Number::finite(72.25),
        beats_bpm: Number::finite(72.0),
        spectrum_bpm: None,
        beats: 36,
        regularity: Number::finite(1.0),
        snr_db: None,
        skewness: None,
        quality: Number::finite(0.9),
        quality_version: 1,
        good: true,
        packets: Span { input: Input::Packets, partition: 1, first: 10, last: 20 },
    }
}

pub(crate) fn change(n: u32, kind: ChangeKind, first_offset: u64) -> AlertChange {
    let observed_at = START + i64::from(n);
    AlertChange {
        alert: EventId::derive(&["alert", &n.to_string()]),
        at: observed_at,
        kind,
        level: Level::High,
        user: user(n),
        session: None,
        rule: Rule::News2LowerBound,
        onset: observed_at,
        evidence: Evidence {
            score: 5,
            findings: vec![Finding {
                parameter: "resp".into(),
                value: Number::from(25),
                unit: "/min".into(),
                observed_at,
                score: 3,
            }],
            window_start: START,
            window_end: observed_at,
            spans: vec![Span { input: Input::Vitals, partition: 2, first: first_offset, last: first_offset }],
        },
    }
}

/// A rule of a rule set, with what it claims.
pub(crate) fn rule_of_set() -> Rule {
    Rule::Set(Box::new(SetRule {
        id: "glucose".into(),
        set: "glucose".into(),
        version: "1.0".into(),
        claim: Some(model::Claim {
            class: "hypoglycaemia level 2".into(),
            value: Number::from(50),
            unit: "mg/dL".into(),
            at_least: false,
            low: None,
            high: Some(Number::from(54)),
            limits: "< 54".into(),
            source: "a standard".into(),
            confidence: Number::from(1),
            needs_retest: true,
        }),
    }))
}

pub(crate) fn alert(n: u32, kind: ChangeKind) -> model::Alert {
    model::Alert { raised_at: START + i64::from(n), last: change(n, kind, 0), raised_by: None }
}

/// Of a risk that members of a family hear of, if there are any.
pub(crate) fn detected(n: u32, members: u32) -> RiskDetected {
    let change = change(n, ChangeKind::Raised, 0);
    let family = (0..members).map(|member| UserId::derive(&["member", &member.to_string()]));
    RiskDetected {
        leading: change.evidence.findings.first().cloned(),
        reference: Some((Some(Number::from(12)), Some(Number::from(20)))),
        recipients: std::iter::once(change.user).chain(family).collect(),
        change,
    }
}

/// Without a claim if the rule is silent, with no rule asked for some.
pub(crate) fn analysis(n: u32, revision: u32) -> Analysis {
    let Measurement { session, completed_at, user, value, unit, confidence, packets, .. } =
        measurement(n, revision);
    let Rule::Set(rule) = rule_of_set() else { unreachable!("it is one") };
    let silent = SetRule { claim: None, ..(*rule).clone() };
    let judged = vec![
        Judged { rule: *rule, level: Some(Risk::High), silence: None },
        Judged { rule: silent, level: None, silence: Some("age_unknown".into()) },
    ];
    let is_understood = n.is_multiple_of(2);
    Analysis {
        at: completed_at,
        session,
        user,
        revision,
        biomarker: is_understood.then(|| "glucose".into()),
        value,
        unit,
        confidence,
        judged: if is_understood { judged } else { Vec::new() },
        unasked: (!is_understood).then(|| "not_understood".into()),
        packets,
    }
}

pub(crate) fn record(n: u32, revision: u32) -> HealthRecord {
    let Measurement { session, started_at, user, device, cartridge, lot, uncertainty, warnings, .. } =
        measurement(n, revision);
    let Analysis { at, biomarker, value, unit, confidence, judged, packets, .. } = analysis(n, revision);
    let claims = judged.into_iter().filter_map(|Judged { rule, level, .. }| {
        Some(Claimed { rule: rule.id, level: level?, claim: rule.claim? })
    });
    HealthRecord {
        at,
        session,
        user,
        device,
        started_at,
        revision,
        status: RecordStatus::of(revision, false),
        cartridge,
        cartridge_name: "Glucose".into(),
        lot,
        biomarker,
        value,
        uncertainty,
        unit,
        confidence,
        calibration_status: CalibrationStatus::Valid,
        warnings,
        level: Some(Risk::High),
        needs_retest: false,
        claims: claims.collect(),
        packets,
    }
}

pub(crate) fn coaching(n: u32, revision: u32) -> Coaching {
    let Analysis { at, session, user, biomarker, packets, .. } = analysis(n, revision);
    let text = |en: &str, ko: &str| Text { en: en.into(), ko: ko.into() };
    let message = Message {
        about: About::Class { rule: "glucose".into(), class: "low".into(), level: Risk::High },
        trend: Some(Trend::Worse),
        text: text("Glucose is low. Worse than before.", "혈당이 낮습니다. 더 나빠졌습니다."),
    };
    Coaching {
        at,
        session,
        user,
        revision,
        biomarker,
        level: Some(Risk::High),
        needs_retest: false,
        messages: vec![message],
        not_a_diagnosis: text("Not a diagnosis.", "진단이 아닙니다."),
        version: "1.0".into(),
        packets,
    }
}

pub(crate) fn fault(n: u32) -> Fault {
    Fault {
        origin: Origin { input: Input::Packets, partition: 4, offset: u64::from(n) },
        reason: Reason::BadChecksum,
        detail: "checksum does not match: send the packet again".into(),
        raw: Raw {
            recorded_at: START,
            key: Some(vec![0, n as u8]),
            value: vec![0xff, 0, n as u8],
            headers: vec![("trace".into(), vec![1, 2]), ("trace".into(), vec![3])],
        },
    }
}

/// Epoch `epoch` over offsets `lo..hi` of one partition.
pub(crate) fn binding(epoch: u64, lo: u64, hi: u64) -> Binding {
    let range =
        InputRange { input: Input::Packets, partition: 3, lo, hi, end: hi + 2, watermark: Some(START) };
    Binding {
        epoch,
        incarnation: 0,
        now_us: START,
        watermark: Some(START),
        inputs: vec![range],
        n_in: hi.saturating_sub(lo),
        digest_in: Digest::of(b"in"),
        outputs: Vec::new(),
        intent: None,
        repairs: Vec::new(),
        code_version: "0.1.0".into(),
    }
}

pub(crate) fn breathing(n: u32, revision: u32) -> Breathing {
    let start = START + i64::from(n) * 15_000_000;
    Breathing {
        session: SessionId::derive(&["breathing"]),
        start,
        end: start + 60_000_000,
        revision,
        user: user(0),
        n_expected: 7_500,
        n_real: 7_500,
        n_imputed: 0,
        rate_per_min: Number::finite(16.5),
        breaths_per_min: Number::finite(16.5),
        spectrum_per_min: None,
        breaths: 16,
        quality: Number::finite(0.8),
        quality_version: 1,
        good: true,
        packets: SPAN,
    }
}

pub(crate) fn beat(n: u32) -> Beat {
    let at = START + i64::from(n) * 800_000;
    Beat { session: SessionId::derive(&["ecg"]), at, user: user(1), overdue: n.is_multiple_of(7) }
}

pub(crate) fn rhythm(n: u32) -> Rhythm {
    let start = START + i64::from(n) * 60_000_000;
    Rhythm {
        session: SessionId::derive(&["ecg"]),
        start,
        end: start + 300_000_000,
        revision: 0,
        user: user(1),
        n_expected: 108_000,
        n_real: 107_000,
        beats: 371,
        intervals: 362,
        hr_bpm: Number::finite(74.2),
        sdnn_ms: Number::finite(25.4),
        rmssd_ms: Number::finite(26.0),
        pnn50_percent: Number::finite(3.6),
        low_ms2: Number::finite(20.0),
        high_ms2: None,
        packets: SPAN,
    }
}

pub(crate) fn measurement(n: u32, revision: u32) -> Measurement {
    let start = START + i64::from(n) * 60_000_000;
    let digest = |step: u32| Digest::of(&[step as u8, n as u8, revision as u8]).to_string();
    Measurement {
        session: SessionId::derive(&["cartridge", &n.to_string()]),
        started_at: start,
        completed_at: start + 15_000_000,
        revision,
        user: user(n),
        device: Some("reader-1".into()),
        cartridge: n.is_multiple_of(2).then_some(CartridgeKind { category: 1, kind: 1 }),
        lot: Some("LOT00001".into()),
        calibration: None,
        calibration_status: CalibrationStatus::Needed,
        alpha: Number::finite(0.95).expect("finite"),
        alpha_applied: true,
        channels: 88,
        n_expected: 750,
        n_real: 750 - revision,
        n_imputed: revision,
        outliers: 3,
        value: Number::finite(92.5),
        uncertainty: Number::finite(1.5),
        unit: "mg/dL".into(),
        snr_db: None,
        drift: Number::finite(0.01),
        alpha_seen: None,
        confidence: Number::finite(0.9).expect("finite"),
        confidence_version: 1,
        temperature_c: Number::finite(24.5),
        humidity_percent: Number::finite(40.0),
        pressure_kpa: None,
        fingerprint: n.is_multiple_of(2).then(|| (896, format!("sha256:{}", digest(9)))),
        warnings: vec!["calibration_needed".into(), "reference_strange".into()],
        transform_log: [0, 1, 2].map(digest),
        packets: SPAN,
    }
}

/// Of 88, 448 or 896 values, by the number.
pub(crate) fn fingerprint(n: u32, revision: u32) -> Fingerprint {
    let length = [88, 448, 896][n as usize % 3];
    let mut values = vec![0.0; length];
    values[(n + revision) as usize % length] = 1.0;
    Fingerprint {
        session: SessionId::derive(&["cartridge", &n.to_string()]),
        measured_at: START + i64::from(n) * 60_000_000,
        revision,
        user: user(n),
        cartridge: CartridgeKind { category: 1, kind: 1 },
        layout: format!("v1-{length}"),
        normaliser: "identity-v1".into(),
        calibration: None,
        calibrated_until: n.is_multiple_of(2).then_some(START),
        mask: vec![0; length.div_ceil(8)],
        vector: Vector::finite(values).expect("finite"),
        hash: format!("sha256:{}", Digest::of(&n.to_le_bytes())),
    }
}

/// Without values where too little was real.
pub(crate) fn features(n: u32, revision: u32) -> FeatureWindow {
    let start = START + i64::from(n) * 10_000_000;
    let values = (0..26 * 8).map(|value| (value + n) as f32).collect();
    FeatureWindow {
        session: SessionId::derive(&["cartridge", "features"]),
        start,
        end: start + 10_000_000,
        revision,
        user: user(n),
        device: Some("reader-1".into()),
        cartridge: n.is_multiple_of(2).then_some(CartridgeKind { category: 1, kind: 1 }),
        channels: 8,
        n_expected: 500,
        n_real: if n.is_multiple_of(3) { 399 } else { 500 },
        n_imputed: 0,
        snr_db: None,
        drift: Number::finite(0.01),
        quality: Number::finite(0.9),
        quality_version: 1,
        confidence: Number::finite(0.8).expect("finite"),
        confidence_version: 1,
        values: Vector::finite(values).filter(|_| !n.is_multiple_of(3)),
    }
}

/// Without a record if one is needed.
pub(crate) fn calibration(n: u32, status: CalibrationStatus) -> DeviceCalibration {
    let since = START + i64::from(n) * HOUR;
    let record = CalibrationRecord {
        calibrated_at: since,
        event: EventId::derive(&["calibration", &n.to_string()]),
        id: format!("c-{n}"),
        source: CalibrationSource::ALL[n as usize % 3],
        alpha: Number::finite(0.95).filter(|_| n.is_multiple_of(3)),
        score: None,
        reference_values: (0..n % 4).map(Number::from).collect(),
        coefficients_hash: Some(format!("sha256:{}", Digest::of(&n.to_le_bytes()))),
        valid_until: since + 90 * 24 * HOUR,
        origin: Origin { input: Input::Cartridges, partition: 1, offset: u64::from(n) },
    };
    DeviceCalibration {
        device: format!("device-{n}"),
        cartridge: CartridgeKind { category: 1, kind: 1 },
        status,
        since,
        record: Some(record).filter(|_| status != CalibrationStatus::Needed),
    }
}

pub(crate) fn cartridge(n: u32, uses_left: u16) -> CartridgeSupply {
    CartridgeSupply {
        uid: CartridgeUid::new(u64::from(n).to_be_bytes()),
        kind: n.is_multiple_of(2).then_some(CartridgeKind { category: 1, kind: 1 }),
        lot: n.is_multiple_of(2).then(|| "LOT00001".into()),
        expires_at: n.is_multiple_of(2).then_some(START + 900 * HOUR),
        uses_left,
        state: if uses_left == 0 { CartridgeState::Depleted } else { CartridgeState::Ok },
        heard_at: START + i64::from(n) * HOUR,
        event: EventId::derive(&["cartridge", &n.to_string(), &uses_left.to_string()]),
        origin: Origin { input: Input::Cartridges, partition: 1, offset: u64::from(n) },
    }
}

const SPAN: Span = Span { input: Input::Packets, partition: 2, first: 30, last: 40 };
