//! Mains that are folded onto the signal: refused with the periods that are legal, or told beside the result.

use crate::run::{START, packet};
use model::{Arrival, Measurement, Micros, Packet, Reason, Signal, Tick};
use operators::{
    signals::{Options, sessions::Sessions},
    state::States,
};

/// Ten seconds of eight channels, sampled every `period_us`, and an end.
fn session(period_us: u32) -> Vec<Packet> {
    let samples = 10_000_000 / period_us;
    let one = |number: u32| {
        let stamp_us = START + Micros::from(number * period_us);
        let whole = packet(Signal::Channels, number.into(), stamp_us, period_us, &[1.0; 8]);
        let Arrival::Samples { det, reference, environment, .. } = whole.arrival.clone() else {
            unreachable!("a packet of samples")
        };
        Packet { arrival: Arrival::Samples { channels: 8, samples: 1, det, reference, environment }, ..whole }
    };
    let end = Packet { arrival: Arrival::End, ..one(samples) };
    (0..samples).map(one).chain([end]).collect()
}

/// Measurements, and the details of what was refused for its values.
fn read(period_us: u32, averaged: bool) -> (Vec<Measurement>, Vec<String>) {
    let mut options = Options::specified();
    options.cartridge.mains_averaged = averaged;
    let mut sessions = Sessions::new(&options, &States::default());
    let tick = Tick { now: START, watermark: START };
    let outcome = sessions.turn(tick, session(period_us).into_iter());
    let refused = outcome.faults.iter().map(|fault| {
        assert_eq!(fault.reason, Reason::OutOfRange);
        fault.detail.clone()
    });
    (outcome.measurements.into_iter().map(|(row, _)| row).collect(), refused.collect())
}

#[test]
fn sixty_hertz_sampled_at_twenty_are_refused_with_the_periods_that_are_legal() {
    let (measurements, refused) = read(50_000, false);
    assert_eq!((measurements.len(), refused.len()), (0, 200));
    let expected =
        "mains of 60 Hz fold onto 0 Hz at a rate of 20 Hz; choose a packet period of 10 to 32 or 34 to 49 ms";
    assert!(refused.iter().all(|detail| detail == expected), "{}", refused[0]);
    // A period the message names is taken; so is one whose devices average the mains away, with a warning.
    for (period_us, averaged, warned) in
        [(20_000, false, false), (47_000, false, false), (50_000, true, true)]
    {
        let (measurements, refused) = read(period_us, averaged);
        assert_eq!((measurements.len(), refused.len()), (1, 0), "{period_us}");
        let warnings = &measurements[0].warnings;
        assert_eq!(warnings.iter().any(|code| code == "mains_alias"), warned, "{period_us} {warnings:?}");
    }
}
