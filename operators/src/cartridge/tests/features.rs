//! Windows against a second computation from the whole recording, and against themselves: late, shuffled, copied, cut,
//! after sessions that go on.

use super::*;
use crate::cartridge::{chain::Left, features};
use model::feature::FEATURES;
use proptest::prelude::*;

/// A window every second.
fn options() -> Options {
    Options { features: features::Options { hop_s: 1 }, ..Options::specified() }
}

/// As what came late leaves them.
fn apart_from_revision(windows: Vec<FeatureWindow>) -> Vec<FeatureWindow> {
    windows.into_iter().map(|window| FeatureWindow { revision: 0, ..window }).collect()
}

/// The windows of the first `count` packets in order, with an end behind them.
fn straight(device: &Device, count: i64) -> Vec<FeatureWindow> {
    let mut bench = Bench::with(&options(), 20_000);
    bench.take([device.packets(0..count), vec![device.end(count)]].concat());
    bench.windows()
}

#[test]
fn windows_are_those_of_the_whole_recording() {
    let device = Device::new(8, rise);
    let found = straight(&device, oracle::SAMPLES as i64);
    assert_eq!(found.len(), 36, "45 s hold windows of 10 s that begin from 0 to 35 s");
    let band = dsp::features::Band { low_hz: 0.1, high_hz: 10.0 };
    let mut planned = dsp::features::Features::new(50.0, 500, band).unwrap();
    let signals: Vec<Vec<f64>> = (0..8).map(|channel| oracle::corrected(&oracle::clean(channel))).collect();
    for (number, window) in found.iter().enumerate() {
        let start = START + number as i64 * SECOND;
        assert_eq!((window.start, window.end, window.revision), (start, start + 10 * SECOND, 0));
        assert_eq!((window.n_expected, window.n_real, window.n_imputed), (500, 500, 0));
        let rows = number * 50..number * 50 + 500;
        let (mut snrs_db, mut drifts) = (Vec::new(), Vec::new());
        for (channel, signal) in signals.iter().enumerate() {
            let level = oracle::middle(&signal[rows.clone()]) - oracle::middle(&signal[..100]);
            let steps: Vec<f64> = signal[rows.clone()].windows(2).map(|pair| pair[1] - pair[0]).collect();
            let centre = oracle::middle(&steps);
            let distances: Vec<f64> = steps.iter().map(|step| (step - centre).abs()).collect();
            let noise = 1.4826 * oracle::middle(&distances) / 2.0_f64.sqrt();
            snrs_db.push(20.0 * (level.abs() / noise).log10());
            let mean = |from: usize| signal[from..from + 250].iter().sum::<f64>() / 250.0;
            drifts.push(2.0 * (mean(rows.start + 250) - mean(rows.start)).abs() / level.abs());
            let reading = planned.read(&signal[rows.clone()], dsp::features::Set::Scales);
            let value = |name: &str| {
                let place = FEATURES.iter().position(|(other, _)| *other == name).unwrap();
                f64::from(window.feature(place).unwrap()[channel])
            };
            for (name, expected) in [
                ("mean", reading.spread.mean),
                ("kurtosis", reading.spread.kurtosis),
                ("line_length", reading.motion.line_length),
                ("peak_hz", reading.power.peak_hz),
                ("roll_off_95_hz", reading.power.roll_off_95_hz),
                ("energy_a5", reading.energies.unwrap()[0]),
                ("energy_d1", reading.energies.unwrap()[5]),
            ] {
                let difference = (value(name) - expected).abs();
                assert!(difference < 1e-4 * (1.0 + expected.abs()), "{number} {channel} {name}: {expected}");
            }
        }
        let (snr_db, drift) = (oracle::middle(&snrs_db), oracle::middle(&drifts));
        close(window.snr_db, snr_db, 1e-3);
        close(window.drift, drift, 1e-4 * (1.0 + drift));
        let marks = ((snr_db - 5.0) / 15.0).clamp(0.0, 1.0);
        close(window.quality, marks.sqrt(), 1e-3);
        let steady = (1.0 - drift / 0.03).clamp(0.0, 1.0);
        // A drift of almost 3 % has a steep fifth root.
        if !(0.029..0.031).contains(&drift) {
            close(Some(window.confidence), (marks * steady).powf(0.2), 1e-2);
        }
    }
    assert!(found[0].confidence == number(0.0), "the rise is no plateau");
    assert!(found[30].confidence > number(0.5));
}

#[test]
fn windows_come_every_ten_seconds_or_never_as_configured() {
    let device = Device::new(8, rise);
    let starts = |hop_s: u32| {
        let options = Options { features: features::Options { hop_s }, ..Options::specified() };
        let mut bench = Bench::with(&options, 20_000);
        bench.take([device.packets(0..1_600), vec![device.end(1_600)]].concat());
        bench.windows().iter().map(|window| (window.start - START) / SECOND).collect::<Vec<_>>()
    };
    assert_eq!(Options::specified().features.hop_s, 10);
    assert_eq!(starts(10), [0, 10, 20]);
    assert_eq!(starts(7), [0, 7, 14, 21]);
    assert_eq!(starts(0), Vec::<i64>::new());
}

#[test]
fn a_window_leaves_once_its_rows_are_final_and_the_rest_with_the_end() {
    let device = Device::new(8, rise);
    let mut bench = Bench::with(&options(), 20_000);
    bench.take(device.packets(0..600));
    assert_eq!(bench.windows().len(), 0, "no window is final yet");
    bench.take(device.packets(600..1_000));
    let final_ones = bench.windows().len();
    assert!((4..6).contains(&final_ones), "{final_ones} windows end before 15 s");
    bench.take(vec![device.end(1_000)]);
    assert_eq!((bench.windows().len(), bench.changes.features.len()), (11, 11), "nothing is taken back");
}

#[test]
fn too_little_that_is_real_leaves_no_values_and_nothing_at_all_no_window() {
    let device = Device::new(8, rise);
    let mut bench = Bench::with(&options(), 20_000);
    // Of the 10 s that end 5 s after the hole begins, half is real.
    bench.take([device.packets((0..800).chain(2_300..3_100)), vec![device.end(3_100)]].concat());
    let windows = bench.windows();
    let gone =
        |window: &&FeatureWindow| window.start >= START + 16 * SECOND && window.end <= START + 46 * SECOND;
    assert_eq!(windows.iter().filter(gone).count(), 0);
    for window in &windows {
        let enough = window.n_real >= 400;
        assert_eq!((window.values.is_some(), window.quality.is_some()), (enough, enough));
        assert!(enough || window.confidence == number(0.0));
    }
    assert!(windows.iter().any(|window| window.n_real < 400));
    assert!(windows.iter().any(|window| window.n_real >= 400 && window.start >= START + 40 * SECOND));
}

#[test]
fn doubts_that_a_window_shows_or_the_session_began_with_take_its_confidence() {
    let gate = |change: fn(&mut Device), trusted: bool| {
        let mut device = Device::new(8, step);
        change(&mut device);
        let windows = straight(&device, 1_500);
        assert!(windows.iter().skip(2).all(|window| (window.confidence > number(0.0)) == trusted));
    };
    gate(|_| (), true);
    gate(|device| device.environment.self_test = 1, true);
    gate(|device| device.environment.battery_percent = 14, false);
    gate(|device| device.environment.temperature_c = 46.0, false);
    gate(|device| device.cartridge.calibration.as_mut().unwrap().valid_until = START, false);
    gate(
        |device| {
            device.wave = |channel, sample| if channel == 3 { (2e30, 0.0) } else { step(channel, sample) }
        },
        false,
    );
}

#[test]
fn a_late_packet_revises_the_windows_of_the_rest_and_no_others() {
    let device = Device::new(8, rise);
    let mut bench = Bench::with(&options(), 20_000);
    let sent = (0..1_000).filter(|number| !(900..910).contains(number));
    bench.take([device.packets(sent), vec![device.end(1_000)]].concat());
    let before = bench.windows();
    bench.take(device.packets(900..905));
    bench.take(device.packets(905..910));
    let after = bench.windows();
    let revisions: Vec<u32> = after.iter().map(|window| window.revision).collect();
    assert!(
        revisions[..4].iter().all(|revision| *revision == 0) && revisions[6..] == [10; 5],
        "{revisions:?}"
    );
    assert_eq!(before[..4], after[..4]);
    assert_eq!(apart_from_revision(after), straight(&device, 1_000));
}

#[test]
fn windows_of_a_session_that_goes_on_are_those_of_one_that_never_stopped() {
    let device = Device::new(8, rise);
    let mut bench = Bench::with(&options(), 20_000);
    bench.take([device.packets(0..700), vec![device.end(700)]].concat());
    let before = bench.windows();
    assert_eq!(before.len(), 5);
    bench.take(device.packets(700..1_500));
    let starts: Vec<Micros> = bench.windows().iter().map(|window| window.start).collect();
    assert!(starts.len() > 10 && starts.is_sorted_by(|one, other| one < other), "each stands once");
    bench.take(vec![device.end(1_500)]);
    let after = bench.windows();
    let whole = straight(&device, 1_500);
    assert_eq!(after.len(), whole.len());
    for (after, whole) in after.iter().zip(&whole) {
        // Where the session stopped, at 14 s, outliers are judged by the rows of one side: the signal begins anew.
        let seamless = after.end < START + 14 * SECOND || after.start > START + 14 * SECOND;
        let same = FeatureWindow { revision: 0, ..after.clone() } == *whole;
        let seconds = (after.start - START) / SECOND;
        assert!(same || !seamless, "the window from {seconds} s");
        assert_eq!((after.start, after.n_real), (whole.start, 500));
        assert_eq!(after.revision, 1, "the window from {seconds} s");
    }
}

#[test]
fn what_left_of_a_former_session_is_read_as_it_was() {
    let (measured, print) = Device::new(8, rise).measured(750);
    assert!(print.is_some());
    let former = Some((measured.clone(), print.clone()));
    for (written, read) in [(former, Left::Result(measured, print)), (None, Left::Nothing)] {
        let bytes = postcard::to_stdvec(&(written, 9_u32)).unwrap();
        assert_eq!(postcard::from_bytes::<(Left, u32)>(&bytes).unwrap(), (read, 9));
    }
}

#[test]
fn how_many_samples_a_packet_holds_does_not_matter_to_windows() {
    // The room grows colder all the time.
    let in_parts_of = |count: i64| {
        let packet = |place: i64| {
            let mut device = Device::new(8, step);
            device.cartridge.calibration.as_mut().unwrap().per_celsius = number(0.0);
            device.environment.temperature_c = 15.0 - (place * count / 20) as f32 / 10.0;
            device.packet(place, count)
        };
        let mut bench = Bench::with(&options(), 20_000);
        bench.take((0..2_000 / count).map(packet).collect());
        bench.windows()
    };
    let windows = in_parts_of(1);
    let doubted = |window: &FeatureWindow| window.confidence > number(0.0) && window.confidence < number(1.0);
    assert!(windows.len() > 20 && windows.iter().skip(5).all(doubted));
    assert!(in_parts_of(20) == windows);
}

/// What happens to a session: packets in order, an end, more packets, an end, and packets that come late in between.
fn troubled(device: &Device, hole: i64, late: [i64; 3]) -> Vec<Packet> {
    let [first, second, third] = late;
    let missing = |number: &i64| (hole..hole + 20).contains(number);
    let mut packets = device.packets((0..800).filter(|number| !missing(number)));
    packets.push(device.end(800));
    packets.extend(device.packets(hole..hole + first));
    packets.extend(device.packets(800..800 + second));
    packets.extend(device.packets(hole + first..hole + first + third));
    packets.extend(device.packets(800 + second..1_000));
    packets.push(device.end(1_000));
    packets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn windows_rest_on_which_packets_came(
        moves in prop::collection::vec((0..800_i64, 1..235_i64, any::<bool>()), 0..60),
        cut in 1..900_usize,
    ) {
        let device = Device::new(8, rise);
        let mut packets = order::disordered(&device, 800, &moves);
        packets.push(device.end(800));
        let later = packets.split_off(cut.min(packets.len() - 1));
        let mut bench = Bench::with(&options(), 20_000);
        bench.take(packets);
        bench.take(later);
        prop_assert_eq!(apart_from_revision(bench.windows()), straight(&device, 800));
    }

    #[test]
    fn windows_and_their_revisions_do_not_depend_on_epochs_or_on_travels(
        hole in 620..760_i64,
        late in [0..11_i64, 0..40_i64, 0..10_i64],
        cuts in prop::collection::btree_set(prop_oneof![1..980_usize, 778..820_usize], 0..8),
    ) {
        let device = Device::new(8, rise);
        let packets = troubled(&device, hole, late);
        let mut whole = Bench::with(&options(), 20_000);
        whole.take(packets.clone());
        let (mut bench, mut from) = (Bench::with(&options(), 20_000), 0);
        for cut in cuts.into_iter().chain([packets.len()]) {
            bench.take(packets[from..cut].to_vec());
            from = cut;
            let bytes = postcard::to_stdvec(&bench.chain).unwrap();
            bench.chain = postcard::from_bytes(&bytes).unwrap();
            bench.plan = Plan::new(&options(), 20_000).unwrap();
        }
        prop_assert_eq!(bench.windows(), whole.windows());
        prop_assert_eq!(bench.stands(), whole.stands());
    }
}
