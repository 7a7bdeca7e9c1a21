//! `manpasik.measurement.session.started` and `.ended`: what the packets of every session show, and every later revision.
//!
//! The payload begins with the keys that events of the same types have on the input, where other services say what they
//! mean to happen. A session that goes on after its end takes it back by name: `resumed`, on the topic of ends.

use super::{
    SESSIONS_ENDED, SESSIONS_STARTED,
    event::{Event, Offsets, gone_and_standing, iso},
};
use eventlog::Draft;
use model::{EventId, Micros, SessionBeginning, SessionEnd, SessionId};
use serde::Serialize;

/// Not `ended.withdrawn`: a type of the platform has four parts at most.
const RESUMED: &str = "manpasik.measurement.session.resumed";

/// What is said of a beginning.
#[derive(Serialize)]
struct Beginning {
    session_id: String,
    user_id: String,
    device_id: Option<String>,
    started_at: String,
    revision: u32,
    signal: &'static str,
    first_sequence_no: i64,
    /// As text, e.g. `"0x01"`.
    cartridge_type: Option<String>,
    cartridge_category: Option<u8>,
    /// How long the cartridge measures.
    measuring_s: Option<u16>,
    offsets: [Offsets; 1],
}

/// What is said of an end.
#[derive(Serialize)]
struct End {
    session_id: String,
    user_id: String,
    device_id: Option<String>,
    status: &'static str,
    started_at: Option<String>,
    ended_at: String,
    duration_ms: Option<i64>,
    revision: u32,
    packets: u64,
    progress_percent: Option<u8>,
    resumed: u32,
    offsets: [Offsets; 1],
}

/// What is said of an end that does not hold any more.
#[derive(Serialize)]
struct Resumed {
    withdraws: String,
    session_id: String,
    revision: u32,
}

/// The records for `beginnings`, which are consolidated and in order.
///
/// None is ever taken back: a session whose packets were used has begun.
pub(super) fn started(beginnings: &[(SessionBeginning, i64)], partitions: u32) -> Vec<Draft> {
    let same = |a: &SessionBeginning, b: &SessionBeginning| a.session == b.session;
    let (_gone, standing) = gone_and_standing(beginnings, same);
    standing.into_iter().map(|one| beginning(one).draft(SESSIONS_STARTED, partitions)).collect()
}

/// The records for `ends`, which are consolidated and in order.
pub(super) fn ended(ends: &[(SessionEnd, i64)], partitions: u32) -> Vec<Draft> {
    let same = |a: &SessionEnd, b: &SessionEnd| a.session == b.session;
    let (gone, standing) = gone_and_standing(ends, same);
    let resumed = gone.into_iter().map(|one| resumed(one).draft(SESSIONS_ENDED, partitions));
    resumed.chain(standing.into_iter().map(|one| end(one).draft(SESSIONS_ENDED, partitions))).collect()
}

/// With its time: a session that comes again after it was forgotten has the same name.
fn id(kind: &str, session: SessionId, at: Micros, revision: u32) -> EventId {
    EventId::derive(&[kind, &session.to_string(), &at.to_string(), &revision.to_string()])
}

fn beginning(one: &SessionBeginning) -> Event<Beginning> {
    Event {
        id: id(SESSIONS_STARTED, one.session, one.at, one.revision),
        kind: SESSIONS_STARTED.to_owned(),
        at: one.at,
        user: one.user,
        subject: one.session.to_string(),
        correlation: one.session.to_string(),
        sequence: format!("{:010}", one.revision),
        payload: Beginning {
            session_id: one.session.to_string(),
            user_id: one.user.to_string(),
            device_id: one.device.as_deref().map(str::to_owned),
            started_at: iso(one.at),
            revision: one.revision,
            signal: one.signal.name(),
            first_sequence_no: one.sequence,
            cartridge_type: one.cartridge.map(|cartridge| format!("0x{:02x}", cartridge.kind)),
            cartridge_category: one.cartridge.map(|cartridge| cartridge.category),
            measuring_s: one.seconds,
            offsets: [one.packets.into()],
        },
    }
}

fn end(one: &SessionEnd) -> Event<End> {
    event(
        SESSIONS_ENDED,
        one,
        End {
            session_id: one.session.to_string(),
            user_id: one.user.to_string(),
            device_id: one.device.as_deref().map(str::to_owned),
            status: one.status.name(),
            started_at: one.from.map(iso),
            ended_at: iso(one.at),
            duration_ms: one.from.map(|from| one.at.saturating_sub(from) / 1_000),
            revision: one.revision,
            packets: one.packets,
            progress_percent: one.progress_percent,
            resumed: one.resumed,
            offsets: [one.span.into()],
        },
    )
}

fn resumed(one: &SessionEnd) -> Event<Resumed> {
    event(
        RESUMED,
        one,
        Resumed {
            withdraws: id(SESSIONS_ENDED, one.session, one.at, one.revision).to_string(),
            session_id: one.session.to_string(),
            revision: one.revision,
        },
    )
}

fn event<P>(kind: &str, one: &SessionEnd, payload: P) -> Event<P> {
    Event {
        id: id(kind, one.session, one.at, one.revision),
        kind: kind.to_owned(),
        at: one.at,
        user: one.user,
        subject: one.session.to_string(),
        correlation: one.session.to_string(),
        sequence: format!("{:010}", one.revision),
        payload,
    }
}
