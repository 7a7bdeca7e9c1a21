//! `manpasik.measurement.window`: every window of optical pulse, and every later revision of it.
//!
//! A revision replaces what was said of the same session and start before; its id has the revision in
//! it. A window that is taken back without a revision in the same epoch is withdrawn by name.

use super::{
    WINDOWS,
    event::{Event, Offsets, gone_and_standing, iso},
};
use eventlog::Draft;
use model::{EventId, Number, PulseWindow};
use serde::Serialize;

const COMPUTED: &str = "manpasik.measurement.window.computed";
const WITHDRAWN: &str = "manpasik.measurement.window.withdrawn";

/// What is said of a window; the names are those of the table `windows`.
#[derive(Serialize)]
struct Computed {
    session_id: String,
    window_start: String,
    window_end: String,
    revision: u32,
    n_expected: u32,
    n_real: u32,
    n_imputed: u32,
    hr_bpm: Option<Number>,
    beats_bpm: Option<Number>,
    spectrum_bpm: Option<Number>,
    beats: u32,
    regularity: Option<Number>,
    snr_db: Option<Number>,
    skewness: Option<Number>,
    quality: Option<Number>,
    quality_version: u32,
    good: bool,
    offsets: [Offsets; 1],
}

/// What is said of a window that does not hold any more.
#[derive(Serialize)]
struct Withdrawn {
    withdraws: String,
    session_id: String,
    window_start: String,
    window_end: String,
    revision: u32,
}

/// The records for `windows`, which are consolidated and in order.
pub(super) fn drafts(windows: &[(PulseWindow, i64)], partitions: u32) -> Vec<Draft> {
    let same = |a: &PulseWindow, b: &PulseWindow| (a.session, a.start) == (b.session, b.start);
    let (gone, standing) = gone_and_standing(windows, same);
    let withdrawals = gone.into_iter().map(|window| withdrawn(window).draft(WINDOWS, partitions));
    let computed = standing.into_iter().map(|window| computed(window).draft(WINDOWS, partitions));
    withdrawals.chain(computed).collect()
}

fn id(kind: &str, window: &PulseWindow) -> EventId {
    let (session, start) = (window.session.to_string(), window.start.to_string());
    EventId::derive(&[kind, &session, &start, &window.revision.to_string()])
}

fn computed(window: &PulseWindow) -> Event<Computed> {
    event(
        COMPUTED,
        window,
        Computed {
            session_id: window.session.to_string(),
            window_start: iso(window.start),
            window_end: iso(window.end),
            revision: window.revision,
            n_expected: window.n_expected,
            n_real: window.n_real,
            n_imputed: window.n_imputed,
            hr_bpm: window.hr_bpm,
            beats_bpm: window.beats_bpm,
            spectrum_bpm: window.spectrum_bpm,
            beats: window.beats,
            regularity: window.regularity,
            snr_db: window.snr_db,
            skewness: window.skewness,
            quality: window.quality,
            quality_version: window.quality_version,
            good: window.good,
            offsets: [window.packets.into()],
        },
    )
}

fn withdrawn(window: &PulseWindow) -> Event<Withdrawn> {
    event(
        WITHDRAWN,
        window,
        Withdrawn {
            withdraws: id(COMPUTED, window).to_string(),
            session_id: window.session.to_string(),
            window_start: iso(window.start),
            window_end: iso(window.end),
            revision: window.revision,
        },
    )
}

fn event<P>(kind: &str, window: &PulseWindow, payload: P) -> Event<P> {
    Event {
        id: id(kind, window),
        kind: kind.to_owned(),
        at: window.end,
        user: window.user,
        subject: window.session.to_string(),
        correlation: window.session.to_string(),
        sequence: format!("{}.{:010}", super::event::sortable(window.start), window.revision),
        payload,
    }
}
