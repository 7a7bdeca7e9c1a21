//! Any bytes as an event: as the envelope, as a payload behind headers, and as a header.
//!
//! `cargo +nightly fuzz run event --fuzz-dir sources/fuzz --sanitizer none`
#![no_main]

use eventlog::{Header, Record};
use libfuzzer_sys::fuzz_target;
use model::{DomainEvent, EventId, Input, Origin, UserId, Vitals};
use sources::event::{decode, encode};

fuzz_target!(|data: &[u8]| {
    let vitals = DomainEvent::Vitals(Vitals {
        user: UserId::derive(&["user"]),
        at: 1_767_225_600_000_000,
        event: EventId::derive(&["event"]),
        hr: Some(60.into()),
        pulse: None,
        resp: None,
        spo2: None,
        systolic: None,
        diastolic: None,
        temperature: None,
        consciousness: None,
        oxygen: None,
        origin: Origin { input: Input::Vitals, partition: 0, offset: 0 },
    });
    let mirrored = encode(&vitals, "fuzz");
    for input in Input::ALL {
        check(input, data.to_vec(), vec![]);
        check(input, data.to_vec(), mirrored.headers.clone());
    }
    for at in 0..mirrored.headers.len() {
        let mut headers = mirrored.headers.clone();
        headers[at].1 = data.to_vec();
        check(Input::Vitals, mirrored.value.clone(), headers);
    }
});

fn check(input: Input, value: Vec<u8>, headers: Vec<Header>) {
    let topic = input.topic().into();
    let record =
        Record { topic, partition: 0, offset: 0, timestamp_ms: 0, key: None, value: value.clone(), headers };
    match decode(input, record) {
        Ok(event) => assert!(event.at() >= 0),
        Err(fault) => assert_eq!(fault.raw.value, value),
    }
}
