//! What a folder of recordings sends: drafts, packets, events, faults, bytes, a digest, and how fast.
//!
//! `cargo run --release -p sources --example replay -- FOLDER`
//!
//! Two folders with the same digest send the same bytes in the same order.

use eventlog::{Draft, Record};
use model::Input;
use sources::{event, packet, replay::Recordings};
use std::{io::Write, path::Path, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder of recordings")?;
    let began = Instant::now();
    let recordings = Recordings::open(Path::new(&folder))?;
    let opened = began.elapsed();
    let began = Instant::now();
    let drafts: Vec<_> = recordings.traffic(6, false).collect();
    let encoded = began.elapsed();
    let (mut digest, mut bytes) = (0, 0);
    for draft in &drafts {
        let headers = draft.headers.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_slice()]);
        let parts = [draft.topic.as_bytes(), draft.key.as_deref().unwrap_or_default(), &draft.value];
        for part in parts.into_iter().chain(headers) {
            digest = crc32c::crc32c_append(digest, part);
            bytes += part.len();
        }
        digest = crc32c::crc32c_append(digest, &draft.timestamp_ms.to_le_bytes());
    }
    let (packet_records, event_records): (Vec<_>, Vec<_>) =
        drafts.into_iter().map(written).partition(|record| record.topic.as_ref() == Input::Packets.topic());
    let (count, began) = (packet_records.len(), Instant::now());
    let packets: Vec<_> = packet_records.into_iter().map(packet::decode).collect();
    let per_packet = began.elapsed() / u32::try_from(count)?;
    let (count, began) = (event_records.len(), Instant::now());
    let input_of = |record: &Record| {
        if record.topic.as_ref() == Input::Vitals.topic() { Input::Vitals } else { Input::Sessions }
    };
    let events: Vec<_> =
        event_records.into_iter().map(|record| event::decode(input_of(&record), record)).collect();
    let per_event = began.elapsed() / u32::try_from(count)?;
    let faults = packets.iter().filter(|packet| packet.is_err()).count()
        + events.iter().filter(|event| event.is_err()).count();
    writeln!(
        std::io::stdout(),
        "recordings {} · packets {} · events {} · faults {faults} · bytes {bytes} · digest {digest:08x}\n\
         opened in {opened:?} · encoded in {encoded:?} · decoded a packet in {per_packet:?}, an event in {per_event:?}",
        recordings.len(),
        packets.len(),
        events.len(),
    )?;
    Ok(())
}

/// The record a log would keep of `draft`.
fn written(draft: Draft) -> Record {
    let Draft { topic, partition, timestamp_ms, key, value, headers } = draft;
    Record { topic, partition, offset: 0, timestamp_ms, key, value, headers }
}
