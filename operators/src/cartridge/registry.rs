//! The kinds of cartridges and what is assumed of one whose tag and calibration say nothing (signals.md §1.3, §1.5).
//!
//! # Invariants
//! Every kind has a profile: one that is not registered has that of its category, without a name and a unit.

use model::CartridgeKind;

/// How the response of a channel is told, and which sensors its channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensors {
    /// Electrodes: the response is a difference from the baseline.
    Electrodes,
    /// Gas sensors: the response is a change of resistance over resistance in clean air.
    Gas,
    /// Ion sensors: the response is a change of potential.
    Ions,
}

/// What is known of a kind of cartridge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// Category and type.
    pub kind: CartridgeKind,
    /// Name; empty if it is not registered.
    pub name: &'static str,
    /// Unit of the result; empty if no document names it.
    pub unit: &'static str,
    /// Channels; 1,792 are sent as two snapshots of 896.
    pub channels: u16,
    /// Length of a session, seconds.
    pub seconds: u16,
    /// Share of the reference that is taken off.
    pub alpha: f64,
    /// Days a factory calibration holds.
    pub validity_days: u16,
    /// What its channels are.
    pub sensors: Sensors,
    /// Temperature of the calibration, °C: our choice, no document names any.
    pub reference_celsius: f64,
    /// Relative humidity of the calibration, %: our choice, no document names any.
    pub reference_percent: f64,
}

/// Category, type, name, unit, channels, seconds.
type Row = (u8, u8, &'static str, &'static str, u16, u16);

/// The registry: 30 rows. Channels and seconds of food safety are those of the other cartridges with electrodes, because the
/// document leaves them out.
const ROWS: [Row; 30] = [
    (0x01, 0x01, "Glucose", "mg/dL", 88, 15),
    (0x01, 0x02, "LipidPanel", "mg/dL", 88, 15),
    (0x01, 0x03, "HbA1c", "%", 88, 15),
    (0x01, 0x04, "UricAcid", "mg/dL", 88, 15),
    (0x01, 0x05, "Creatinine", "mg/dL", 88, 15),
    (0x01, 0x06, "VitaminD", "ng/mL", 88, 15),
    (0x01, 0x07, "B12", "pg/mL", 88, 15),
    (0x01, 0x08, "Ferritin", "ng/mL", 88, 15),
    (0x01, 0x09, "TSH", "mIU/L", 88, 15),
    (0x01, 0x0a, "Cortisol", "µg/dL", 88, 15),
    (0x01, 0x0b, "Testosterone", "ng/dL", 88, 15),
    (0x01, 0x0c, "Estrogen", "pg/mL", 88, 15),
    (0x01, 0x0d, "CRP", "mg/L", 88, 15),
    (0x01, 0x0e, "Insulin", "µIU/mL", 88, 15),
    (0x02, 0x01, "Water", "", 88, 15),
    (0x02, 0x02, "IndoorAir", "", 88, 15),
    (0x02, 0x03, "Radon", "", 88, 15),
    (0x02, 0x04, "Radiation", "", 88, 15),
    (0x03, 0x01, "Pesticide", "", 88, 15),
    (0x03, 0x02, "Freshness", "", 88, 15),
    (0x03, 0x03, "Allergen", "", 88, 15),
    (0x03, 0x04, "DateDrug", "", 88, 15),
    (0x04, 0x01, "ENose", "", 8, 30),
    (0x04, 0x02, "ETongue", "", 8, 30),
    (0x04, 0x03, "EhdGas", "", 8, 30),
    (0x05, 0x01, "Enhanced448", "", 448, 60),
    (0x05, 0x02, "Full896", "", 896, 90),
    (0x05, 0x03, "Ultimate1792", "", 1_792, 180),
    (0x05, 0x04, "MultiBiomarker", "", 88, 45),
    (0xff, 0x01, "Custom", "", 896, 90),
];

/// The profile of `kind`; of none, that of a kind nobody knows.
///
/// # Examples
/// ```
/// use model::CartridgeKind;
/// use operators::cartridge::registry;
///
/// let glucose = registry::profile(Some(CartridgeKind { category: 1, kind: 1 }));
/// assert_eq!((glucose.name, glucose.unit, glucose.alpha), ("Glucose", "mg/dL", 0.95));
/// ```
pub fn profile(kind: Option<CartridgeKind>) -> Profile {
    let kind = kind.unwrap_or_default();
    let row = ROWS.iter().find(|row| (row.0, row.1) == (kind.category, kind.kind));
    let (_, _, name, unit, channels, seconds) = row.copied().unwrap_or((0, 0, "", "", 0, 0));
    let (alpha, validity_days) = assumed(kind.category);
    let sensors = match (kind.category, kind.kind) {
        (0x04, 0x01 | 0x03) => Sensors::Gas,
        (0x04, 0x02) => Sensors::Ions,
        _ => Sensors::Electrodes,
    };
    Profile {
        kind,
        name,
        unit,
        channels,
        seconds,
        alpha,
        validity_days,
        sensors,
        reference_celsius: 25.0,
        reference_percent: 50.0,
    }
}

/// Share of the reference and days of validity by category (SQL seed of the original); categories it leaves out have those of
/// the first.
const fn assumed(category: u8) -> (f64, u16) {
    match category {
        0x04 => (0.92, 60),
        0x05 => (0.97, 120),
        0xff => (0.95, 30),
        _ => (0.95, 90),
    }
}

#[cfg(test)]
mod tests {
    use super::{ROWS, Sensors, profile};
    use model::CartridgeKind;

    fn of(category: u8, kind: u8) -> super::Profile {
        profile(Some(CartridgeKind { category, kind }))
    }

    #[test]
    fn rows_are_unique_and_found() {
        for (index, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..index].iter().all(|other| (other.0, other.1) != (row.0, row.1)), "{row:?}");
            let found = of(row.0, row.1);
            assert_eq!((found.name, found.unit, found.channels, found.seconds), (row.2, row.3, row.4, row.5));
        }
    }

    #[test]
    fn what_is_not_said_is_assumed_by_category() {
        assert_eq!((of(1, 3).unit, of(1, 0x0e).unit, of(1, 0x0e).seconds), ("%", "µIU/mL", 15));
        assert_eq!((of(4, 1).alpha, of(4, 1).validity_days, of(4, 1).channels), (0.92, 60, 8));
        assert_eq!((of(5, 2).alpha, of(5, 2).validity_days, of(5, 2).seconds), (0.97, 120, 90));
        assert_eq!((of(255, 1).alpha, of(255, 1).validity_days), (0.95, 30));
        assert_eq!(
            [of(4, 1), of(4, 2), of(4, 3)].map(|row| row.sensors),
            [Sensors::Gas, Sensors::Ions, Sensors::Gas]
        );
        for unknown in [of(5, 99), of(0xf0, 1), profile(None)] {
            assert_eq!((unknown.name, unknown.unit, unknown.channels), ("", "", 0));
            assert_eq!(unknown.sensors, Sensors::Electrodes);
        }
        assert_eq!((of(5, 99).alpha, profile(None).alpha), (0.97, 0.95));
    }
}
