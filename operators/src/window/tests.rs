//! Windows and alarms against a recomputation from scratch.
//!
//! - `oracle`: events shuffled within the lateness give the windows and alarms of the sorted events,
//!   because a result may depend only on which events arrived.
//! - `any_input`: whatever arrives, every event is in all its windows or refused for the right reason,
//!   because an event must not disappear and nothing may panic.
//! - `dataflow`: any batches, epochs and workers give the same, because none of them is part of the input.

use super::*;
use proptest::prelude::*;
use std::sync::mpsc::Receiver;
use std::{collections::BTreeMap, time::Duration};
use timely::dataflow::operators::{Capture, Input, Probe, capture};

/// A window in numbers that were computed twice: key, end, count, bits of the mean, smallest, largest.
type Fact = (Key, Micros, u32, u64, f32, f32);
type Summary = (Mean, Extremes);

fn fact(window: Window<Summary>) -> Fact {
    let Window { key, end, value } = window;
    let (mean, extremes) = value;
    (key, end, mean.count(), mean.mean().to_bits(), extremes.min(), extremes.max())
}

fn shape(panes: u64, slide: u64, lateness: u64) -> Shape {
    let [length, slide, lateness] = [panes * slide, slide, lateness].map(Duration::from_micros);
    Options { length, slide, lateness, keys: 4 }.shape().unwrap()
}

/// Every window of `events` from scratch. Values are small whole numbers, so `f64` sums them exactly.
fn naive(shape: Shape, events: &[Event<f32>]) -> Vec<Fact> {
    let mut windows: BTreeMap<(Key, Micros), Vec<f32>> = BTreeMap::new();
    for event in events.iter().filter(|event| !event.is_end()) {
        let first = event.at.div_euclid(shape.slide) + 1;
        for pane in first..first + shape.panes as i64 {
            windows.entry((event.key, pane * shape.slide)).or_default().push(event.value);
        }
    }
    let facts = windows.into_iter().map(|((key, end), values)| {
        let mean = values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64;
        let extreme = |better: fn(f32, f32) -> f32| values.iter().copied().reduce(better).unwrap();
        (key, end, values.len() as u32, mean.to_bits(), extreme(f32::min), extreme(f32::max))
    });
    facts.collect()
}

/// Every crossing of the windows from scratch: the alarm stands if the last value outside the two limits
/// was harmful.
fn naive_crossings(windows: &[Fact], raise: f64, clear: f64) -> Vec<(Key, Micros, bool)> {
    let stands = |until: usize| {
        let of_key = windows[..until].iter().rev().filter(|fact| fact.0 == windows[until - 1].0);
        let last = of_key.map(|fact| f64::from_bits(fact.3)).find(|mean| *mean >= raise || *mean < clear);
        last.is_some_and(|mean| mean >= raise)
    };
    let crossed = (0..windows.len()).filter_map(|index| {
        let follows = index > 0 && windows[index - 1].0 == windows[index].0;
        let (before, after) = (follows && stands(index), stands(index + 1));
        (before != after).then_some((windows[index].0, windows[index].1, after))
    });
    crossed.collect()
}

fn sorted(windows: &[Window<Summary>]) -> Vec<Fact> {
    let mut facts: Vec<_> = windows.iter().copied().map(fact).collect();
    // Stable, and by key only: the order of a key's windows is part of the result.
    facts.sort_by_key(|fact| fact.0);
    facts
}

/// Events of four keys with their delays, in the order they arrive, all keys ended.
fn shuffled(lateness: u64) -> impl Strategy<Value = Vec<Event<f32>>> {
    let event = (0..4_u32, -3_000..3_000_i64, -50..50_i16, 0..=lateness as i64);
    prop::collection::vec(event, 1..150).prop_map(|mut drawn| {
        drawn.sort_by_key(|(_, at, _, delay)| at + delay);
        let events = drawn.into_iter().map(|(key, at, value, _)| Event { key, at, value: f32::from(value) });
        events.chain((0..4).map(Event::end)).collect()
    })
}

fn shuffled_with_shape() -> impl Strategy<Value = (Shape, Vec<Event<f32>>)> {
    (1..12_u64, 1..400_u64, prop_oneof![Just(0), 0..900_u64])
        .prop_flat_map(|(panes, slide, lateness)| (Just(shape(panes, slide, lateness)), shuffled(lateness)))
}

proptest! {
    #[test]
    fn oracle((shape, events) in shuffled_with_shape()) {
        let (mut slider, mut windows) = (Slider::<Summary>::new(shape), Vec::new());
        for event in &events {
            prop_assert_eq!(slider.push(*event, &mut |window| windows.push(window)), Ok(()));
        }
        let expected = naive(shape, &events);
        prop_assert_eq!(sorted(&windows), &expected[..]);

        let mut alarms = Hysteresis::new(Limits::new(Direction::Above, 5.0, -5.0).unwrap());
        windows.sort_by_key(|window| window.key);
        let crossings = windows.iter().filter_map(|w| alarms.push(w.key, w.end, w.value.0.mean()));
        let crossings: Vec<_> = crossings.map(|c| (c.key, c.at, c.raised)).collect();
        prop_assert_eq!(crossings, naive_crossings(&expected, 5.0, -5.0));
    }

    #[test]
    fn any_input(
        (panes, slide, lateness) in (1..9_u64, 1..300_u64, 0..900_u64),
        mut events in prop::collection::vec((0..5_u32, any_time(), any_value()), 1..150),
    ) {
        let shape = shape(panes, slide, lateness);
        let (mut slider, mut windows) = (Slider::<Summary>::new(shape), Vec::new());
        let (mut accepted, mut newest) = (Vec::new(), BTreeMap::<Key, Micros>::new());
        events.extend((0..4).map(|key| (key, Micros::MAX, f32::NAN)));
        for (key, at, value) in events {
            let event = Event { key, at, value };
            let time = newest.get(&key).map_or(Micros::MIN, |newest| newest.saturating_sub(shape.lateness));
            let expected = match () {
                () if event.is_end() && key < 4 => Ok(()),
                () if event.is_end() => Err(Reason::Key),
                () if value.is_nan() => Err(Reason::Value),
                () if key >= 4 => Err(Reason::Key),
                () if newest.get(&key) == Some(&Micros::MAX) => Err(Reason::Late),
                () if !(-FARTHEST..=FARTHEST).contains(&at) => Err(Reason::Time),
                () if at.div_euclid(shape.slide) < time.div_euclid(shape.slide) => Err(Reason::Late),
                () => Ok(()),
            };
            prop_assert_eq!(slider.push(event, &mut |window| windows.push(window)), expected);
            if expected.is_ok() {
                accepted.push(event);
                newest.entry(key).and_modify(|newest| *newest = at.max(*newest)).or_insert(at);
            }
        }
        prop_assert_eq!(sorted(&windows), naive(shape, &accepted));
    }
}

fn any_time() -> impl Strategy<Value = Micros> {
    let near = |middle: i64| (-2_000..2_000_i64).prop_map(move |offset| middle + offset);
    prop_oneof![
        20 => near(0),
        2 => near(1_000_000_000),
        1 => near(FARTHEST),
        1 => near(-FARTHEST),
        1 => prop_oneof![Just(Micros::MAX), Just(Micros::MAX - 1), Just(Micros::MIN)],
    ]
}

fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![20 => (-50..50_i16).prop_map(f32::from), 1 => Just(f32::NAN)]
}

/// What was captured, as it came: timely's `Extract` would sort it.
fn in_order<D>(captured: &Receiver<capture::Event<u64, Vec<D>>>) -> Vec<D> {
    let batches = captured.try_iter().filter_map(|event| match event {
        capture::Event::Messages(_epoch, batch) => Some(batch),
        capture::Event::Progress(_) => None,
    });
    batches.flatten().collect()
}

/// Windows and crossings of `events` through the operators: epochs of the given sizes, on `workers` workers.
fn run(
    workers: usize,
    shape: Shape,
    limits: Limits,
    events: &[Event<f32>],
    sizes: &[usize],
) -> (Vec<Fact>, Vec<Crossing>) {
    let (events, sizes) = (events.to_vec(), sizes.to_vec());
    let config = if workers == 1 { timely::Config::thread() } else { timely::Config::process(workers) };
    let guards = timely::execute(config, move |worker| {
        let (mut input, windows, crossings, probe) = worker.dataflow(|scope| {
            let (input, stream) = scope.new_input::<Vec<Event<f32>>>();
            let (windows, refused) = stream.slide::<Summary>(shape);
            let crossings = windows.clone().cross(limits, |(mean, _)| mean.mean());
            let (probe, _) = refused.probe();
            (input, windows.capture(), crossings.capture(), probe)
        });
        // One worker reads: the order within a key is that of its source.
        if worker.index() == 0 {
            let (mut rest, mut sizes) = (&events[..], sizes.iter().copied().cycle());
            while !rest.is_empty() {
                let (batch, tail) = rest.split_at(sizes.next().unwrap().clamp(1, rest.len()));
                input.send_batch(&mut batch.to_vec());
                input.advance_to(input.time() + 1);
                rest = tail;
                worker.step();
            }
        }
        drop(input);
        worker.step_while(|| !probe.done());
        (windows, crossings)
    });
    let (mut windows, mut crossings) = (Vec::new(), Vec::new());
    for outputs in guards.unwrap().join() {
        let (some_windows, some_crossings) = outputs.unwrap();
        windows.extend(in_order(&some_windows));
        crossings.extend(in_order(&some_crossings));
    }
    crossings.sort_by_key(|crossing| crossing.key);
    (sorted(&windows), crossings)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn dataflow(
        (shape, events) in shuffled_with_shape(),
        sizes in prop::collection::vec(1..40_usize, 1..6),
        workers in 1..4_usize,
    ) {
        let limits = Limits::new(Direction::Above, 5.0, -5.0).unwrap();
        let (windows, crossings) = run(workers, shape, limits, &events, &sizes);
        let expected = naive(shape, &events);
        prop_assert_eq!(&windows, &expected);
        let crossings: Vec<_> = crossings.iter().map(|c| (c.key, c.at, c.raised)).collect();
        prop_assert_eq!(crossings, naive_crossings(&expected, 5.0, -5.0));
    }
}

#[test]
fn a_stop_of_the_input_closes_nothing_and_late_events_are_handed_out() {
    let events = [(0, 10), (0, 30), (0, 9), (1, 12)].map(|(key, at)| Event { key, at, value: 1.0 });
    let refused = timely::execute_directly(move |worker| {
        let (mut input, windows, refused) = worker.dataflow(|scope| {
            let (input, stream) = scope.new_input::<Vec<_>>();
            let (windows, refused) = stream.slide::<Summary>(shape(1, 10, 0));
            (input, windows.capture(), refused.capture())
        });
        input.send_batch(&mut events.to_vec());
        drop(input);
        while worker.step() {}
        assert_eq!(
            in_order(&windows).iter().map(|window| (window.key, window.end)).collect::<Vec<_>>(),
            [(0, 20)]
        );
        in_order(&refused)
    });
    assert_eq!(refused, [Refused { event: events[2], reason: Reason::Late }]);
}

#[test]
fn memory_of_an_ended_key_is_used_again() {
    let mut slider = Slider::<Summary>::new(shape(3, 10, 0));
    let mut windows = Vec::new();
    for key in [0, 1, 2, 3] {
        slider.push(Event { key, at: 5, value: 1.0 }, &mut |window| windows.push(window)).unwrap();
        slider.push(Event::end(key), &mut |window| windows.push(window)).unwrap();
    }
    assert_eq!(slider.slots_in_memory(), 1);
    assert_eq!(windows.len(), 12);
}

#[test]
fn the_ends_of_the_calendar_are_refused_even_by_an_open_pane() {
    let mut slider = Slider::<Mean>::new(shape(2, 10, 100));
    for (key, end, beyond) in [(0, FARTHEST, FARTHEST + 1), (1, -FARTHEST, -FARTHEST - 1)] {
        let mut push = |at| slider.push(Event { key, at, value: 1.0 }, &mut |_window| {});
        assert_eq!((push(end), push(beyond)), (Ok(()), Err(Reason::Time)));
    }
}

/// A sum that rounds, so that the grouping of its merges shows in the last bits.
#[derive(Clone, Copy, Debug)]
struct Rounding(f64);

impl Aggregate for Rounding {
    type Value = f64;
    const EMPTY: Self = Self(0.0);
    fn of(value: f64) -> Option<Self> {
        Some(Self(value))
    }
    fn merge(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    fn is_empty(&self) -> bool {
        self.0 == 0.0
    }
}

#[test]
fn when_a_key_began_does_not_show_even_where_merging_rounds() {
    let windows_from = |first: i64| {
        let (mut slider, mut sums) = (Slider::<Rounding>::new(shape(7, 10, 25)), BTreeMap::new());
        for pane in first..100 {
            let event = Event { key: 0, at: pane * 10, value: 1.0 / (1.0 + pane as f64) };
            slider.push(event, &mut |window| _ = sums.insert(window.end, window.value.0.to_bits())).unwrap();
        }
        sums
    };
    let whole = windows_from(0);
    for first in 1..15 {
        let part = windows_from(first);
        let shared = part.iter().filter(|(end, _)| **end >= (first + 7) * 10);
        assert!(shared.clone().count() > 70);
        shared.for_each(|(end, sum)| assert_eq!(whole[end], *sum, "window that ends at {end}"));
    }
}
