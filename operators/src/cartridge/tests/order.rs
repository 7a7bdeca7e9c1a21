//! Late, shuffled and copied packets, sessions that go on, states that travel, and any numbers at all.

use super::*;
use proptest::prelude::*;

/// The device that most tests use.
fn device() -> Device {
    Device::new(8, rise)
}

/// What a packet that came late must not change.
fn apart_from_revision(
    (measured, print): (Measurement, Option<Fingerprint>),
) -> (Measurement, Option<Fingerprint>) {
    let print = print.map(|print| Fingerprint { revision: 0, ..print });
    (Measurement { revision: 0, ..measured }, print)
}

#[test]
fn a_late_packet_gives_the_next_revision() {
    let device = device();
    let mut bench = Bench::new(20_000);
    let sent = (0..750).filter(|number| !(680..700).contains(number));
    bench.take([device.packets(sent), vec![device.end(750)]].concat());
    let before = bench.stands();
    assert_eq!((before.0.revision, before.0.n_real), (0, 730));
    bench.take(device.packets(690..700));
    let halfway = bench.stands();
    assert_eq!((halfway.0.revision, halfway.0.n_real, halfway.0.n_imputed), (10, 740, 10));
    bench.take(device.packets(680..690));
    let after = bench.stands();
    assert_eq!((after.0.revision, after.0.n_real), (20, 750));
    assert_eq!(after.1.as_ref().unwrap().revision, 20);
    assert_eq!(apart_from_revision(after), device.measured(750));
    bench.take(device.packets(100..110));
    assert_eq!(bench.changes.measurements.len(), 5, "copies send nothing");
}

#[test]
fn the_first_packet_says_what_the_cartridge_is_even_if_it_speaks_late() {
    let device = device();
    let said = device.packet(0, 1).cartridge;
    let mut packets = device.packets(0..750);
    (packets[0].cartridge, packets[3].cartridge) = (None, said);
    let third = packets.remove(3);
    packets.insert(200, third);
    packets.push(device.end(750));
    let mut bench = Bench::new(20_000);
    bench.take(packets);
    assert_eq!(apart_from_revision(bench.stands()), device.measured(750));
}

#[test]
fn a_session_that_goes_on_replaces_its_measurement_until_it_rests() {
    let device = device();
    let mut bench = Bench::new(20_000);
    bench.take([device.packets(0..400), vec![device.end(400)]].concat());
    bench.take([device.packets(400..750), vec![device.end(750)]].concat());
    let stands = bench.stands();
    assert_eq!((stands.0.revision, stands.0.n_real), (1, 750));
    bench.sequencer.time_out(&mut |_| ());
    let Bench { plan, chain, changes, .. } = &mut bench;
    chain.as_mut().unwrap().finish(plan, changes);
    assert_eq!(changes.measurements.len(), 3, "nothing is new");
    chain.as_mut().unwrap().rest();
    assert!(chain.as_ref().unwrap().bytes() < 1_024);
    bench.take([device.packets(800..1_200), vec![device.end(1_200)]].concat());
    let (measurements, _) = bench.standing();
    assert_eq!(measurements.len(), 2);
    assert_eq!(measurements[1].started_at, START + 16 * SECOND);
    assert_eq!((measurements[1].n_real, measurements[1].revision), (400, 0));
}

#[test]
fn packets_of_another_shape_count_as_lost() {
    let device = device();
    let other = Device { channels: 7, ..device.clone() };
    let mut packets = device.packets(0..750);
    packets[300] = other.packet(300, 1);
    packets.push(device.end(750));
    let mut bench = Bench::new(20_000);
    bench.take(packets);
    let (measured, _) = bench.stands();
    assert_eq!((measured.n_real, measured.n_imputed), (749, 1));
    assert_eq!(measured.warnings, ["packets_differ"]);
}

#[test]
fn how_many_samples_a_packet_holds_does_not_matter() {
    let device = device();
    let mut bench = Bench::new(20_000);
    bench.take((0..150).map(|number| device.packet(number, 5)).chain([device.end(150)]).collect());
    let (fives, fives_print) = bench.stands();
    let (ones, ones_print) = device.measured(750);
    assert_eq!(Measurement { packets: ones.packets, ..fives }, ones);
    assert_eq!(fives_print, ones_print);
}

#[test]
fn twice_the_signal_is_twice_the_value() {
    let doubled = |channel, sample| {
        let (det, reference) = rise(channel, sample);
        (2.0 * det, 2.0 * reference)
    };
    let value = |wave: Wave| {
        let mut device = Device::new(8, wave);
        device.cartridge.calibration.as_mut().unwrap().offsets = vec![];
        device.measured(750).0.value.unwrap().get()
    };
    assert!((value(doubled) / value(rise) - 2.0).abs() < 1e-8);
}

/// Packets with some held back: each by so many places, some of them twice.
pub(super) fn disordered(device: &Device, count: i64, moves: &[(i64, i64, bool)]) -> Vec<Packet> {
    let mut places: Vec<(i64, i64)> = (0..count).map(|number| (number, number)).collect();
    for (number, delay, twice) in moves {
        let number = number % count;
        if *twice {
            places.push((number + delay, number));
        } else {
            places[number as usize].0 = number + delay;
        }
    }
    places.sort_unstable();
    // The first packet stays first: a session begins with the first packet that does not come late.
    let first = places.iter().position(|place| place.1 == 0).unwrap();
    let place = places.remove(first);
    places.insert(0, place);
    places.into_iter().map(|(_, number)| device.packet(number, 1)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_counts_is_which_packets_came(
        moves in prop::collection::vec((0..800_i64, 1..235_i64, any::<bool>()), 0..60),
        burst in (1..500_i64, 1..40_i64, 20..200_i64),
        cut in 1..900_usize,
    ) {
        let device = device();
        let mut moves = moves;
        moves.extend((burst.0..burst.0 + burst.1).map(|number| (number, burst.2, false)));
        let mut packets = disordered(&device, 800, &moves);
        let mut bench = Bench::new(20_000);
        packets.push(device.end(800));
        let later = packets.split_off(cut.min(packets.len() - 1));
        bench.take(packets);
        bench.take(later);
        let mut whole = Bench::new(20_000);
        whole.take([device.packets(0..800), vec![device.end(800)]].concat());
        prop_assert_eq!(apart_from_revision(bench.stands()), whole.stands());
    }

    #[test]
    fn a_state_that_travels_goes_on_as_if_it_had_not(cut in 1..700_i64, hole in 1..600_i64) {
        let device = device();
        let sent: Vec<i64> = (0..750).filter(|number| !(hole..hole + 15).contains(number)).collect();
        let (before, after): (Vec<i64>, Vec<i64>) = sent.into_iter().partition(|number| *number < cut);
        let mut bench = Bench::new(20_000);
        bench.take(device.packets(before));
        let bytes = postcard::to_stdvec(&bench.chain).unwrap();
        let chain: Option<Chain> = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&chain, &bench.chain);
        // Another plan, too: nothing of the session may hide in the old one.
        let mut other = Bench { chain, plan: Plan::new(&Options::specified(), 20_000).unwrap(), ..Bench::new(20_000) };
        other.sequencer = bench.sequencer.clone();
        for bench in [&mut bench, &mut other] {
            bench.take([device.packets(after.clone()), vec![device.end(750)]].concat());
        }
        prop_assert_eq!(bench.stands(), other.stands());
        prop_assert_eq!(bench.chain, other.chain);
    }

    #[test]
    fn any_finite_numbers_give_finite_numbers(
        values in prop::collection::vec(
            prop_oneof![any::<f32>().prop_filter("finite", |value| value.is_finite()), Just(f32::MAX), Just(-f32::MAX), Just(0.0)],
            16..200,
        ),
        length in 1..700_i64,
        gain in any::<f32>().prop_filter("finite", |gain| gain.is_finite() && *gain != 0.0),
        celsius in any::<f32>().prop_filter("finite", |celsius| celsius.is_finite()),
    ) {
        let mut device = device();
        device.environment.temperature_c = celsius;
        device.cartridge.calibration.as_mut().unwrap().gains = vec![number(f64::from(gain)); 8];
        let mut packets = device.packets(0..length);
        for (number, packet) in packets.iter_mut().enumerate() {
            let Arrival::Samples { det, reference, .. } = &mut packet.arrival else { unreachable!() };
            for (place, value) in det.iter_mut().chain(reference).enumerate() {
                *value = values[(number * 16 + place) % values.len()];
            }
        }
        packets.push(device.end(length));
        let mut bench = Bench::new(20_000);
        bench.take(packets);
        // Numbers and vectors of the model are finite by their types; what is left is that there are some, and no panic.
        let (measured, print) = bench.stands();
        prop_assert!(measured.value.is_some());
        prop_assert!(print.is_none_or(|print| print.vector.values().iter().all(|value| value.is_finite())));
        prop_assert_eq!(bench.windows().len(), usize::from(length >= 500));
        prop_assert!(bench.windows().iter().all(|window| window.values.is_some()));
    }
}
