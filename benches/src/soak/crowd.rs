//! People with devices who measure for less than a minute each and are followed by others, for ever.
//!
//! # Invariants
//! - Every session's packets are whole and in order; every third session just stops instead of saying that it ends.
//! - Whoever is ill is well again before the session ends: no alert stands for good.

use crate::devices::{self, Device, PACKET_US, START};
use eventlog::Draft;
use model::{Micros, time::SECOND};

/// Event time of one step, and a device's packets in it.
const STEP_US: Micros = 5 * PACKET_US;
const PACKETS: u32 = 5;
/// A device's packets in a second.
const PER_SECOND: u32 = 25;
/// Whoever is ill is so for this long, seconds.
const ILL: Micros = 8;

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) records: u64,
    pub(crate) packets: u64,
    pub(crate) vitals: u64,
    pub(crate) sessions: u64,
}

/// Everybody, one place after the other.
pub(crate) struct Crowd {
    places: Vec<Place>,
    now: Micros,
    partitions: u32,
    pub(crate) sent: Sent,
}

/// A device and who uses it now.
struct Place {
    number: u32,
    /// How many used it before.
    session: u32,
    device: Device,
    next: u32,
    packets: u32,
}

impl Place {
    fn new(number: u32, session: u32, now: Micros, partitions: u32) -> Self {
        let bpm = 60.0 + f64::from((number * 7 + session) % 40);
        let device = Device::new(&format!("{number}-{session}"), bpm, now, partitions);
        let seconds = 20 + (number * 7 + session * 13) % 35;
        Self { number, session, device, next: 0, packets: seconds * PER_SECOND }
    }

    fn is_ill(&self, now: Micros) -> bool {
        (self.number + self.session).is_multiple_of(8) && now - self.device.from < ILL * SECOND
    }
}

impl Crowd {
    pub(crate) fn new(devices: u32, partitions: u32) -> Self {
        let places = (0..devices).map(|number| Place::new(number, 0, START, partitions)).collect();
        Self { places, now: START, partitions, sent: Sent::default() }
    }

    /// Everything of the next fifth of a second.
    pub(crate) fn step(&mut self, into: &mut Vec<Draft>) {
        let (now, partitions, before) = (self.now, self.partitions, into.len());
        let sent = &mut self.sent;
        for place in &mut self.places {
            if place.next == 0 {
                sent.sessions += 1;
                into.push(place.device.started());
            }
            into.extend((place.next..place.next + PACKETS).map(|number| place.device.packet(number)));
            sent.packets += u64::from(PACKETS);
            place.next += PACKETS;
            // Once a second.
            if place.next % PER_SECOND == PACKETS {
                let number = u64::from(place.next / PER_SECOND);
                let ill = place.is_ill(now);
                into.push(devices::vitals(place.device.user, number, now, ill, partitions));
                sent.vitals += 1;
            }
            if place.next >= place.packets {
                if place.session % 3 != 2 {
                    into.push(place.device.end(place.next));
                    sent.packets += 1;
                }
                into.push(place.device.ended(place.device.at(place.next)));
                *place = Place::new(place.number, place.session + 1, now + STEP_US, partitions);
            }
        }
        self.now += STEP_US;
        sent.records += (into.len() - before) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Crowd;
    use model::Input;

    #[test]
    fn sessions_follow_each_other_and_everything_is_counted() {
        let (mut crowd, mut drafts) = (Crowd::new(3, 6), Vec::new());
        // Two minutes: sessions are shorter than one.
        (0..600).for_each(|_| crowd.step(&mut drafts));
        let of = |input: Input| drafts.iter().filter(|draft| *draft.topic == *input.topic()).count() as u64;
        let sent = crowd.sent;
        assert_eq!((sent.records, sent.packets), (drafts.len() as u64, of(Input::Packets)));
        assert_eq!(sent.vitals, of(Input::Vitals));
        assert_eq!(sent.vitals, 3 * 120, "one a second of each");
        assert!(sent.sessions >= 3 * 3, "{sent:?}");
        let in_order = drafts.windows(2).filter(|pair| pair[0].timestamp_ms > pair[1].timestamp_ms + 200);
        assert_eq!(in_order.count(), 0, "records are dated in the order in which they are written");
    }
}
