//! What a session is calculated with: calibration, else tag, else profile.
//!
//! The calibration's offsets, gains and coefficients are used even after it expired, as the newest one there is; its share
//! of the reference only while it holds (signals.md §1.3, §4.3).

use super::{course::AMBIENT, registry::Profile};
use dsp::differential::{Ambient, Coefficients, Differential};
use model::{Calibration, CalibrationStatus, Cartridge, Micros, Number, Tag};
use serde::{Deserialize, Serialize};

/// What a session's first packets said of its cartridge; plain data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// With the index of the row it came with: the first one counts.
    tag: Option<(i64, Tag)>,
    calibration: Option<(i64, Calibration)>,
}

impl Identity {
    /// Takes what the packet whose first row is `index` says, unless an earlier row said it.
    pub(super) fn hear(&mut self, index: i64, said: &Cartridge) {
        if let Some(tag) = &said.tag
            && self.tag.as_ref().is_none_or(|(first, _)| index < *first)
        {
            self.tag = Some((index, tag.clone()));
        }
        if let Some(calibration) = &said.calibration
            && self.calibration.as_ref().is_none_or(|(first, _)| index < *first)
        {
            self.calibration = Some((index, calibration.clone()));
        }
    }

    pub(super) fn tag(&self) -> Option<&Tag> {
        self.tag.as_ref().map(|(_, tag)| tag)
    }

    pub(super) fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref().map(|(_, calibration)| calibration)
    }

    /// How long the calibration holds at `now`.
    pub(super) fn status(&self, now: Micros) -> CalibrationStatus {
        let calibration = self.calibration();
        calibration.map_or(CalibrationStatus::Needed, |calibration| {
            CalibrationStatus::of(calibration.valid_until, now)
        })
    }
}

/// The numbers of a correction; plain data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Correction {
    pub(super) alpha: f64,
    per_celsius: f64,
    per_percent: f64,
    reference_celsius: f64,
    reference_percent: f64,
    /// One per channel.
    offsets: Vec<f64>,
    gains: Vec<f64>,
}

impl Correction {
    /// Looks up what to calculate with for `channels` channels of a session that began at `now`.
    pub(super) fn of(identity: &Identity, profile: &Profile, now: Micros, channels: usize) -> Self {
        let (tag, calibration) = (identity.tag(), identity.calibration());
        let holds = !matches!(identity.status(now), CalibrationStatus::Expired);
        let calibrated = calibration.filter(|_| holds).and_then(|calibration| calibration.alpha);
        let alpha = calibrated.or(tag.map(|tag| tag.alpha)).map_or(profile.alpha, Number::get);
        let coefficient = |calibrated: fn(&Calibration) -> Number, tagged: fn(&Tag) -> Number| {
            calibration.map(calibrated).or(tag.map(tagged)).map_or(0.0, Number::get)
        };
        let list = |list: Option<&Vec<Number>>, default: f64| match list {
            Some(list) if list.len() == channels => list.iter().map(|number| number.get()).collect(),
            _ => vec![default; channels],
        };
        Self {
            alpha,
            per_celsius: coefficient(|calibration| calibration.per_celsius, |tag| tag.per_celsius),
            per_percent: coefficient(|calibration| calibration.per_percent, |tag| tag.per_percent),
            reference_celsius: profile.reference_celsius,
            reference_percent: profile.reference_percent,
            offsets: list(calibration.map(|calibration| &calibration.offsets), 0.0),
            gains: list(calibration.map(|calibration| &calibration.gains), 1.0),
        }
    }

    /// The correction, planned.
    pub(super) fn differential(&self) -> Differential {
        let coefficients = Coefficients {
            alpha: self.alpha,
            per_celsius: self.per_celsius,
            reference_celsius: self.reference_celsius,
            per_percent: self.per_percent,
            reference_percent: self.reference_percent,
        };
        let checked = "what decodes packets refuses numbers that a correction would";
        let mut differential = Differential::new(coefficients, self.gains.len()).expect(checked);
        differential.calibrate(&self.offsets, &self.gains).expect(checked);
        differential
    }
}

/// The surroundings as a row holds them: °C and percent.
pub(super) fn ambient([celsius, humidity_percent, _pressure]: [f32; AMBIENT]) -> Ambient {
    Ambient { celsius: f64::from(celsius), humidity_percent: f64::from(humidity_percent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cartridge::registry;
    use model::{CalibrationSource, CartridgeKind};

    fn number(value: f64) -> Number {
        Number::finite(value).unwrap()
    }

    fn tag() -> Tag {
        Tag {
            uid: *b"uid-uid-",
            kind: Some(CartridgeKind { category: 4, kind: 1 }),
            legacy: 0,
            lot: "L".into(),
            expires_at: 0,
            uses_left: 1,
            uses: 1,
            channels: 2,
            seconds: 30,
            authentic: true,
            needs_calibration: false,
            alpha: number(0.5),
            per_celsius: number(0.25),
            per_percent: number(0.125),
        }
    }

    fn calibration(alpha: Option<f64>, valid_until: Micros) -> Calibration {
        Calibration {
            id: "c".into(),
            source: CalibrationSource::Factory,
            alpha: alpha.map(number),
            offsets: vec![number(1.0), number(2.0)],
            gains: vec![],
            per_celsius: number(0.0),
            per_percent: number(0.0),
            score: number(1.0),
            calibrated_at: 0,
            valid_until,
            reference_means: vec![],
            reference_deviations: vec![],
        }
    }

    fn identity(tag: Option<Tag>, calibration: Option<Calibration>) -> Identity {
        let mut identity = Identity::default();
        identity.hear(3, &Cartridge { tag, calibration });
        identity
    }

    #[test]
    fn the_share_of_the_reference_is_looked_up_in_order() {
        let (week, now) = (CalibrationStatus::SOON, 100 * CalibrationStatus::SOON);
        let alpha = |tag: Option<Tag>, calibration: Option<Calibration>| {
            let identity = identity(tag, calibration);
            let profile = registry::profile(identity.tag().and_then(|tag| tag.kind));
            (Correction::of(&identity, &profile, now, 2).alpha, identity.status(now))
        };
        let (late, soon) = (now + week, now + week - 1);
        assert_eq!(alpha(Some(tag()), Some(calibration(Some(0.7), late))), (0.7, CalibrationStatus::Valid));
        assert_eq!(
            alpha(Some(tag()), Some(calibration(Some(0.7), soon))),
            (0.7, CalibrationStatus::Expiring)
        );
        assert_eq!(alpha(Some(tag()), Some(calibration(Some(0.7), now))), (0.5, CalibrationStatus::Expired));
        assert_eq!(alpha(Some(tag()), Some(calibration(None, late))), (0.5, CalibrationStatus::Valid));
        assert_eq!(alpha(Some(tag()), None), (0.5, CalibrationStatus::Needed));
        assert_eq!(alpha(None, None), (0.95, CalibrationStatus::Needed));
        assert_eq!(alpha(None, Some(calibration(None, now))), (0.95, CalibrationStatus::Expired));
    }

    #[test]
    fn offsets_and_coefficients_stay_with_the_newest_calibration() {
        let of = |identity: &Identity| Correction::of(identity, &registry::profile(None), 9, 2);
        let expired = of(&identity(Some(tag()), Some(calibration(None, 1))));
        assert_eq!((expired.per_celsius, expired.offsets.as_slice()), (0.0, &[1.0, 2.0][..]));
        assert_eq!(expired.gains, [1.0, 1.0]);
        let tagged = of(&identity(Some(tag()), None));
        assert_eq!((tagged.per_celsius, tagged.per_percent), (0.25, 0.125));
        assert_eq!(tagged.offsets, [0.0, 0.0]);
    }

    #[test]
    fn the_first_row_that_speaks_is_believed_whenever_it_comes() {
        let other = Tag { lot: "M".into(), ..tag() };
        let said = |tag: Tag| Cartridge { tag: Some(tag), calibration: None };
        let (mut forwards, mut backwards) = (Identity::default(), Identity::default());
        forwards.hear(0, &said(tag()));
        forwards.hear(5, &said(other.clone()));
        backwards.hear(5, &said(other));
        backwards.hear(0, &said(tag()));
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.tag().unwrap().lot, "L");
    }
}
