//! What the order must survive: shuffles, copies, gaps, wraps, restarts, ends, clocks that jump.

use super::{Options, Sequencer, Step, Tally};
use model::{Arrival, Environment, Input, Micros, Origin, Packet, Raw, Reason, SessionId, Signal, UserId};
use proptest::prelude::*;

const PERIOD_US: u32 = 8_000;
const SAMPLES: u16 = 5;
const PACKET_US: Micros = 40_000;
const START: Micros = 1_767_225_600_000_000;

/// Packet `number` of a device with an exact clock; its value is its number.
fn packet(number: u32) -> Packet {
    Packet {
        session: SessionId::derive(&["session"]),
        user: UserId::derive(&["user"]),
        origin: Origin { input: Input::Packets, partition: 0, offset: u64::from(number) },
        signal: Signal::Pulse,
        period_us: PERIOD_US,
        sequence: number,
        sequence_bits: 32,
        stamp_us: START + Micros::from(number) * PACKET_US,
        device: None,
        cartridge: None,
        arrival: Arrival::Samples {
            channels: 1,
            samples: SAMPLES,
            det: vec![number as f32; usize::from(SAMPLES)],
            reference: Vec::new(),
            environment: Environment::default(),
        },
        raw: Raw { value: vec![7; 3], ..Raw::default() },
    }
}

fn end(sequence: u32) -> Packet {
    Packet { arrival: Arrival::End, ..packet(sequence) }
}

fn stamped(number: u32, stamp_us: Micros) -> Packet {
    Packet { stamp_us, ..packet(number) }
}

fn run(packets: impl IntoIterator<Item = Packet>) -> (Vec<Step>, Tally) {
    let mut sequencer = Sequencer::new(&Options::specified(), PERIOD_US);
    let mut steps = Vec::new();
    for packet in packets {
        sequencer.take(packet, &mut |step| steps.push(step));
    }
    let tally = sequencer.tally();
    (steps, tally)
}

/// Steps in short: the packet's offset and the index and time (since the start) of its first sample.
fn brief(steps: &[Step]) -> Vec<(char, u64, i64, Micros)> {
    let of = |kind, placed: &super::clock::Placed| {
        (kind, placed.packet.origin.offset, placed.index, placed.at - START)
    };
    steps
        .iter()
        .map(|step| match step {
            Step::Next(placed, _) => of('n', placed),
            Step::Late(placed, _) => of('l', placed),
            Step::End(_) => ('e', 0, 0, 0),
            Step::TooLate(fault) => ('f', fault.origin.offset, 0, 0),
        })
        .collect()
}

#[test]
fn in_order_packets_pass_at_once_with_exact_times() {
    let (steps, tally) = run((0..20_000).map(packet));
    assert_eq!(steps.len(), 20_000);
    for (number, step) in (0_i64..).zip(brief(&steps)) {
        assert_eq!(step, ('n', number as u64, number * 5, number * PACKET_US));
    }
    assert_eq!(tally, Tally { packets: 20_000, ..Tally::default() });
}

#[test]
fn a_sequence_of_16_bits_wraps() {
    let wrapped = |number: u32| Packet { sequence: number & 0xffff, sequence_bits: 16, ..packet(number) };
    let (steps, tally) = run((0..200_000).map(wrapped));
    assert_eq!(steps.len(), 200_000);
    assert_eq!(tally, Tally { packets: 200_000, ..Tally::default() });
}

#[test]
fn a_gap_is_declared_after_the_horizon_and_heals_within_the_lateness() {
    let mut sequencer = Sequencer::new(&Options::specified(), PERIOD_US);
    let mut steps = Vec::new();
    for number in (0..10).chain(13..20) {
        sequencer.take(packet(number), &mut |step| steps.push(step));
    }
    // Packets 13 to 19 span 240 ms: still waiting.
    assert_eq!(steps.len(), 10);
    sequencer.take(packet(20), &mut |step| steps.push(step));
    assert_eq!(brief(&steps[10..12]), [('n', 13, 65, 520_000), ('n', 14, 70, 560_000)]);
    assert_eq!(sequencer.tally().lost, 3);
    steps.clear();
    // The middle one first, a copy of it, then its neighbours.
    for number in [11, 11, 12, 10, 10] {
        sequencer.take(packet(number), &mut |step| steps.push(step));
    }
    assert_eq!(brief(&steps), [('l', 11, 55, 440_000), ('l', 12, 60, 480_000), ('l', 10, 50, 400_000)]);
    let tally = sequencer.tally();
    assert_eq!((tally.late, tally.lost, tally.duplicates), (3, -3, 2));
}

#[test]
fn what_comes_after_the_lateness_is_a_fault_with_its_record() {
    let (steps, tally) = run((0..10).chain(11..150).map(packet).chain([packet(10), packet(10)]));
    let faults: Vec<_> = steps
        .iter()
        .filter_map(|step| if let Step::TooLate(fault) = step { Some(fault) } else { None })
        .collect();
    assert_eq!(faults.len(), 2);
    assert_eq!(faults[0].reason, Reason::TooLate);
    assert_eq!(faults[0].raw, packet(10).raw);
    assert_eq!((tally.too_late, tally.lost, tally.late), (2, 1, 0));
}

#[test]
fn thirty_two_packets_wait_and_no_more() {
    // Stamps that stand still never reach the horizon in time, so the number of packets decides.
    let still = |number| stamped(number, START);
    let (steps, tally) = run([still(0)].into_iter().chain((2..34).map(still)));
    assert_eq!((steps.len(), tally.lost), (1, 0));
    let (_, tally) = run([still(0)].into_iter().chain((2..35).map(still)));
    assert_eq!(tally.lost, 1);
}

#[test]
fn a_session_that_does_not_begin_with_zero_waits_one_horizon_for_its_first_packet() {
    let (steps, tally) = run([7, 6, 5, 8, 9, 10, 11, 12].map(packet));
    assert_eq!(brief(&steps)[..3], [('n', 5, 0, 200_000), ('n', 6, 5, 240_000), ('n', 7, 10, 280_000)]);
    assert_eq!((steps.len(), tally.lost, tally.duplicates), (8, 0, 0));
}

#[test]
fn an_end_takes_its_place_and_a_session_resumes_after_it() {
    let resumed = |number: u32| stamped(number, START + 60_000_000 + Micros::from(number) * PACKET_US);
    let (steps, tally) =
        run([packet(0), end(3), packet(2), packet(1), end(3), resumed(3), resumed(4), end(5)]);
    let kinds: String = brief(&steps).iter().map(|step| step.0).collect();
    assert_eq!(kinds, "nnnenne");
    // A minute has room for 7,500 samples.
    assert_eq!(brief(&steps)[4], ('n', 3, 15 + 7_500, 60_120_000));
    assert_eq!((tally.ended, tally.duplicates, tally.breaks, tally.lost), (2, 1, 1, 0));
}

#[test]
fn an_end_of_16_bits_finds_its_place_even_before_the_first_samples() {
    let short = |sequence: u32| Packet { sequence_bits: 16, ..end(sequence & 0xffff) };
    let (steps, tally) =
        run([short(70_002), packet(70_001), packet(70_000)].into_iter().chain((70_002..70_012).map(packet)));
    let kinds: String = brief(&steps).iter().map(|step| step.0).collect();
    assert_eq!((kinds.as_str(), tally.lost, tally.ended), ("nnennnnnnnnnn", 0, 1));
    // Alone, it says nothing about the numbers to come.
    let mut sequencer = Sequencer::new(&Options::specified(), PERIOD_US);
    sequencer.take(short(70_002), &mut |_| ());
    sequencer.time_out(&mut |_| ());
    (70_002..70_020).for_each(|number| sequencer.take(packet(number), &mut |_| ()));
    assert_eq!(sequencer.tally().lost, 0);
}

#[test]
fn silence_flushes_what_waits() {
    let mut sequencer = Sequencer::new(&Options::specified(), PERIOD_US);
    let mut steps = Vec::new();
    for number in [0, 2, 3] {
        sequencer.take(packet(number), &mut |step| steps.push(step));
    }
    assert_eq!(steps.len(), 1);
    sequencer.time_out(&mut |step| steps.push(step));
    sequencer.take(packet(1), &mut |step| steps.push(step));
    let kinds: String = brief(&steps).iter().map(|step| step.0).collect();
    assert_eq!(kinds, "nnnef");
    let tally = sequencer.tally();
    assert_eq!((tally.timed_out, tally.lost, tally.too_late), (1, 1, 1));
}

#[test]
fn a_restarted_device_begins_a_new_run() {
    let again = |number: u32| Packet {
        origin: Origin { offset: 1_000 + u64::from(number), ..packet(0).origin },
        ..stamped(number, START + 10_000_000 + Micros::from(number) * PACKET_US)
    };
    // Copies of the old run and a straggler of it come while the new one is under way.
    let old = (0..99).map(packet).chain((0..3).map(again)).chain([packet(98), packet(99)]);
    let (steps, tally) = run(old.chain((3..50).map(again)));
    let kinds: String = brief(&steps).iter().map(|step| step.0).collect();
    assert_eq!(kinds, "n".repeat(102) + "f" + &"n".repeat(47));
    // Ten seconds have room for 1,250 samples.
    assert_eq!(brief(&steps)[99], ('n', 1_000, 1_250, 10_000_000));
    assert_eq!((tally.duplicates, tally.too_late, tally.lost, tally.breaks), (1, 1, 0, 1));
}

#[test]
fn a_restart_is_not_a_wrap() {
    // 40,000 packets in, the next number 0 of 16 bits would lie 25,536 packets ahead: no time for those.
    let first = (0..40_000).map(|number| Packet { sequence_bits: 16, ..packet(number) });
    let again = (0..10).map(|number| Packet {
        sequence_bits: 16,
        ..stamped(number, START + 40_000 * PACKET_US + 5_000_000 + Micros::from(number) * PACKET_US)
    });
    let (steps, tally) = run(first.chain(again));
    assert_eq!(steps.len(), 40_010);
    assert_eq!((tally.lost, tally.breaks, tally.duplicates), (0, 1, 0));
}

#[test]
fn a_clock_jumping_back_neither_repeats_nor_reorders_time() {
    let back = |number: u32| stamped(number, START - 3_600_000_000 + Micros::from(number) * PACKET_US);
    // Copies from before the jump must not look like a restart.
    let packets = (0..100).map(packet).chain((100..103).map(back)).chain([packet(98), packet(99)]);
    let (steps, tally) = run(packets.chain((103..200).map(back)));
    let expected: Vec<_> =
        (0..200).map(|number| ('n', number as u64, number * 5, number * PACKET_US)).collect();
    assert_eq!(brief(&steps), expected);
    assert_eq!((tally.duplicates, tally.breaks, tally.too_late), (2, 1, 0));
}

#[test]
fn a_clock_jumping_ahead_moves_the_session_with_it() {
    let ahead = |number: u32| stamped(number, START + 3_600_000_000 + Micros::from(number) * PACKET_US);
    let (steps, tally) = run((0..100).map(packet).chain((100..200).map(ahead)));
    let steps = brief(&steps);
    assert_eq!(steps[99], ('n', 99, 495, 99 * PACKET_US));
    assert_eq!(steps[100], ('n', 100, 500 + 450_000, 3_600_000_000 + 100 * PACKET_US));
    assert_eq!((steps.len(), tally.breaks), (200, 1));
}

#[test]
fn a_gap_where_the_clock_is_set_keeps_its_room() {
    // The clock is set with packet 50, and 51 is lost until 70 has come.
    let ahead = |number: u32| stamped(number, START + 60_000_000 + Micros::from(number) * PACKET_US);
    let packets = (0..50).map(packet).chain([ahead(50)]).chain((52..70).map(ahead)).chain([ahead(51)]);
    let (steps, tally) = run(packets);
    let steps = brief(&steps);
    assert_eq!(steps[50], ('n', 50, 250, 2_000_000));
    assert_eq!(steps[51], ('n', 52, 260 + 7_500, 60_000_000 + 52 * PACKET_US));
    // Its place is before the jump, which is too far back by now.
    assert_eq!((steps.last(), tally.too_late), (Some(&('f', 51, 0, 0)), 1));
}

#[test]
fn one_wrong_stamp_moves_nothing() {
    for wrong in [-7_200_000_000, 5_000_000, 86_400_000_000] {
        let packets =
            (0..200).map(|number| if number == 77 { stamped(77, START + wrong) } else { packet(number) });
        let (steps, tally) = run(packets);
        let expected: Vec<_> =
            (0..200).map(|number| ('n', number as u64, number * 5, number * PACKET_US)).collect();
        assert_eq!(brief(&steps), expected);
        assert_eq!(tally.breaks, 0);
    }
}

#[test]
fn a_fast_clock_is_followed_and_its_jitter_is_not() {
    // 300 ppm fast, stamps up to 7 ms late in a fixed pattern: after a minute the line is within a quarter sample.
    let true_time = |number: u32| f64::from(number) * PACKET_US as f64 * (1.0 - 300e-6);
    let jitter = |number: u32| f64::from(number.wrapping_mul(2_654_435_761) >> 20) / 4_096.0 * 7_000.0;
    let packets =
        (0..10_000).map(|number| stamped(number, START + (true_time(number) + jitter(number)) as Micros));
    let (steps, tally) = run(packets);
    assert_eq!(tally.breaks, 0);
    for (number, step) in (0_u32..).zip(brief(&steps)).skip(1_500) {
        // The mean of the jitter is part of the line.
        let error = step.3 as f64 - true_time(number) - 3_500.0;
        assert!(error.abs() < 2_000.0, "packet {number} is {error} us off");
    }
}

#[test]
fn a_second_first_stamp_is_no_surprise_at_the_edges_of_time() {
    for stamp in [0, i64::MAX, i64::MIN, 1] {
        let (steps, _) = run((0..50).map(|number| stamped(number, stamp)).chain((50..100).map(packet)));
        let times: Vec<_> = steps
            .iter()
            .filter_map(|step| if let Step::Next(placed, _) = step { Some(placed.at) } else { None })
            .collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1] || pair[0] == i64::MAX), "stamp {stamp}");
    }
}

/// Packets shuffled by up to four places, the first 20 % of every hundred draws copied somewhere behind.
fn disturbed(count: u32) -> impl Strategy<Value = Vec<Packet>> {
    let draws = proptest::collection::vec((0_u32..5, 0_u32..100, 0_u32..400), count as usize);
    draws.prop_map(|draws| {
        let mut keyed = Vec::new();
        for (number, (shift, luck, delay)) in (0_u32..).zip(draws) {
            keyed.push((number + shift, packet(number)));
            if luck < 20 {
                keyed.push((number + shift + delay, packet(number)));
            }
        }
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, packet)| packet).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shuffles_within_the_horizon_and_copies_change_nothing(packets in disturbed(600)) {
        let came = packets.len() as i64;
        let (steps, tally) = run(packets);
        let (expected, _) = run((0..600).map(packet));
        prop_assert_eq!(steps, expected);
        prop_assert_eq!(tally, Tally { packets: came, duplicates: came - 600, ..Tally::default() });
    }

    #[test]
    fn any_stamps_and_numbers_keep_time_rising_and_lose_no_packet(
        packets in proptest::collection::vec((0_u32..200, -10_i64..10, prop::bool::weighted(0.05)), 1..300)
    ) {
        let packets: Vec<_> = packets
            .into_iter()
            .map(|(number, seconds, ends)| {
                let stamp_us = packet(number).stamp_us + seconds * 1_000_000;
                if ends { end(number) } else { stamped(number, stamp_us) }
            })
            .collect();
        let ends = packets.iter().filter(|packet| packet.arrival == Arrival::End).count() as i64;
        let came = packets.len() as i64;
        let mut sequencer = Sequencer::new(&Options::specified(), PERIOD_US);
        let mut steps = Vec::new();
        for packet in packets {
            sequencer.take(packet, &mut |step| steps.push(step));
        }
        sequencer.time_out(&mut |step| steps.push(step));
        let tally = sequencer.tally();
        let (mut out, mut last, mut next) = (0, Micros::MIN, 0);
        for step in &steps {
            out += i64::from(!matches!(step, Step::End(_)));
            if let Step::Next(placed, _) = step {
                prop_assert!(placed.at > last && placed.index >= next);
                (last, next) = (placed.at, placed.index + i64::from(SAMPLES));
            }
        }
        prop_assert_eq!(tally.packets, came);
        // Every packet of samples left as a step or was a copy; an end left as an end or said nothing new.
        let flushed = tally.timed_out;
        let ended = steps.iter().filter(|step| matches!(step, Step::End(_))).count() as i64 - flushed;
        prop_assert!(ended <= ends);
        prop_assert_eq!(out + ended + tally.duplicates, came);
    }
}
