//! Windows and alarms as operators of the dataflow.
//!
//! # Frontier
//! A window leaves in the epoch of the event that closed it and an alarm in that of its window, so no
//! capability is ever held back. Nothing waits for the frontier, and the end of the input closes nothing: a
//! stop of the process is no end of a key.
//!
//! # Invariants
//! Events of one key keep the order in which its source gave them. The containers are therefore taken one
//! by one as they come: timely's `for_each_time` sorts what is staged with an unstable sort.

use super::{Aggregate, Crossing, Event, Hysteresis, Limits, Refused, Shape, Slider, Window};
use crate::Stream;
use serde::{Deserialize, Serialize};
use timely::{
    dataflow::{
        channels::pact::{Exchange, Pipeline},
        operators::generic::{OutputBuilder, builder_rc::OperatorBuilder, operator::Operator},
    },
    progress::operate::FrontierInterest,
};

/// Extension trait for cutting sliding windows out of events.
pub trait Slide<'scope, V> {
    /// Windows of each key as they close, and the events that are in none.
    ///
    /// # Examples
    /// The packets a device sent per second, supervised:
    /// ```
    /// use operators::window::{Cross, Direction, Event, Limits, Mean, Options, Slide};
    /// use std::time::Duration;
    /// use timely::dataflow::operators::{Capture, ToStream, capture::Extract};
    ///
    /// let options = Options {
    ///     length: Duration::from_secs(2),
    ///     slide: Duration::from_secs(1),
    ///     lateness: Duration::from_millis(250),
    ///     keys: 1_000,
    /// };
    /// let (shape, low) = (options.shape()?, Limits::new(Direction::Below, 30.0, 45.0)?);
    /// let crossings = timely::example(move |scope| {
    ///     let rates = [50.0, 50.0, 8.0, 50.0, 50.0];
    ///     let event = |(second, value)| Event { key: 7, at: second * 1_000_000, value };
    ///     let events = (0_i64..).zip(rates).map(event).chain([Event::end(7)]);
    ///     let (windows, _refused) = events.to_stream(scope).slide::<Mean>(shape);
    ///     windows.cross(low, Mean::mean).capture()
    /// });
    /// let crossings: Vec<_> = crossings.extract().into_iter().flat_map(|(_epoch, batch)| batch).collect();
    /// let seen: Vec<_> = crossings.iter().map(|c| (c.key, c.at, c.raised, c.value.get())).collect();
    /// assert_eq!(seen, [(7, 3_000_000, true, 29.0), (7, 5_000_000, false, 50.0)]);
    /// # Ok::<(), operators::window::Error>(())
    /// ```
    fn slide<A>(self, shape: Shape) -> (Stream<'scope, Window<A>>, Stream<'scope, Refused<V>>)
    where
        A: Aggregate<Value = V> + 'static;
}

impl<'scope, V> Slide<'scope, V> for Stream<'scope, Event<V>>
where
    V: Copy + Send + Serialize + for<'de> Deserialize<'de> + 'static,
{
    fn slide<A>(self, shape: Shape) -> (Stream<'scope, Window<A>>, Stream<'scope, Refused<V>>)
    where
        A: Aggregate<Value = V> + 'static,
    {
        let mut builder = OperatorBuilder::new("Slide".to_owned(), self.scope());
        let mut input = builder.new_input(self, Exchange::new(|event: &Event<V>| u64::from(event.key)));
        builder.set_notify_for(0, FrontierInterest::Never);
        let (windows, windows_out) = builder.new_output();
        let (refused, refused_out) = builder.new_output();
        let (mut windows, mut refused) = (OutputBuilder::from(windows), OutputBuilder::from(refused));
        builder.build(move |_capabilities| {
            let mut slider = Slider::<A>::new(shape);
            let (mut closed, mut typical) = (Vec::new(), 0);
            move |_frontiers| {
                let (mut windows, mut refused) = (windows.activate(), refused.activate());
                input.for_each(|capability, events| {
                    let mut refused = refused.session(&capability);
                    closed.reserve(typical);
                    for event in events.drain(..) {
                        if let Err(reason) = slider.push(event, &mut |window| closed.push(window)) {
                            refused.give(Refused { event, reason });
                        }
                    }
                    // One container of windows per container of events, as large as the last: cheaper than
                    // one by one.
                    typical = closed.len();
                    windows.session(&capability).give_container(&mut closed);
                });
            }
        });
        (windows_out, refused_out)
    }
}

/// Extension trait for raising and clearing alarms on the values of windows.
pub trait Cross<'scope, A> {
    /// The moments a key's value crosses its limits; `value` says which number of a window counts. See
    /// [`Slide::slide`] for an example.
    fn cross(self, limits: Limits, value: impl Fn(&A) -> f64 + 'static) -> Stream<'scope, Crossing>;
}

impl<'scope, A: Copy + 'static> Cross<'scope, A> for Stream<'scope, Window<A>> {
    fn cross(self, limits: Limits, value: impl Fn(&A) -> f64 + 'static) -> Stream<'scope, Crossing> {
        self.unary(Pipeline, "Cross", move |_capability, _info| {
            let mut alarms = Hysteresis::new(limits);
            move |input, output| {
                input.for_each(|capability, windows| {
                    let crossed = windows
                        .drain(..)
                        .filter_map(|window| alarms.push(window.key, window.end, value(&window.value)));
                    output.session(&capability).give_iterator(crossed);
                });
            }
        })
    }
}
