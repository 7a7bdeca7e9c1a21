//! The signal of a session as a waveform: `valueSampledData`, as its device sent it.
//!
//! # Invariants
//! - Value i is `factor · data_i + origin`; factor is 1 and origin 0, so no digit is lost.
//! - A sample that did not come is `E`, never a number.
//!
//! # Bound
//! A minute.

use super::{
    answer,
    codes::PROCEDURE,
    moment::instant,
    resource::{Concept, Identifier, Observation, Quantity, Reference, SampledData, Value},
    rows::Rows,
    within::Within,
};
use crate::{error::Error, service::Service};
use axum::response::Response;
use datafusion::arrow::array::RecordBatch;
use model::{
    Input, Micros, SessionId, Signal, Span,
    time::SECOND,
    waveform::{Unread, Wanted, Waveform},
};
use std::{fmt::Write, sync::Arc, time::Duration};

/// The longest that is told at once.
const LONGEST: Micros = 60 * SECOND;
/// When it is worth asking again while another signal is read.
const RETRY: Duration = Duration::from_millis(500);

/// Reads the parameters; or says what is wrong with them.
pub(super) fn asked(
    session: &str,
    parameters: &[(String, String)],
) -> Result<(SessionId, Micros, Micros), String> {
    let session = session.parse().map_err(|_| "give the id of a session: Observation/SESSION/$waveform")?;
    let mut within = Within::default();
    for (name, value) in parameters {
        if name != "date" {
            return Err(format!("{name} is not known; known is date, from when and until when"));
        }
        within.narrow(value).ok_or_else(|| format!("date is not understood: {}", Within::FORM))?;
    }
    let span = within.from.zip(within.until).filter(|(from, until)| (1..=LONGEST).contains(&(until - from)));
    let (from, until) =
        span.ok_or("give at most a minute: date=ge2026-01-01T09:30:00Z&date=lt2026-01-01T09:31:00Z")?;
    Ok((session, from, until))
}

/// Who was measured, with what, and between which records the samples stand.
#[derive(Debug)]
struct Place {
    user: String,
    device: Option<String>,
    records: Span,
}

/// The statement that finds a place: the windows over both ends narrow the records of the session.
fn statement(session: SessionId, from: Micros, until: Micros) -> String {
    let [from, until] = [from, until].map(|at| format!("TIMESTAMP '{}'", instant(at)));
    let of = |table| {
        format!(
            "SELECT window_start, window_end, first_offset, last_offset FROM {table} WHERE session_id = '{session}'"
        )
    };
    let windows = ["windows", "breathings", "rhythms"].map(of).join(" UNION ALL ");
    format!(
        "WITH w AS ({windows}) SELECT user_id, device_id, partition, \
         coalesce((SELECT min(first_offset) FROM w WHERE window_start <= {from} AND window_end > {from}), first_offset) AS first, \
         coalesce((SELECT max(last_offset) FROM w WHERE window_start < {until} AND window_end >= {until}), last_offset) AS last \
         FROM sessions WHERE session_id = '{session}' AND partition IS NOT NULL AND user_id IS NOT NULL LIMIT 1"
    )
}

/// Answers with the signal of `session` from `from` until `until`.
pub(super) async fn answered(
    service: &Arc<Service>,
    (session, from, until): (SessionId, Micros, Micros),
) -> Response {
    let statement = statement(session, from, until);
    let (batches, shown) = match answer::all(service, statement, Vec::new()).await {
        Ok(found) => found,
        Err(error) => return answer::refusal(&error),
    };
    let Some(place) = batches.into_iter().find_map(place) else {
        return answer::unread(Unread::Nothing);
    };
    let Some(waveforms) = service.waveforms.get().map(Arc::clone) else {
        return answer::unread(Unread::Failed);
    };
    // Reading waits for the log: one at a time, on the one thread that may wait.
    let Ok(turn) = Arc::clone(&service.reading).try_acquire_owned() else {
        return answer::refusal(&Error::Busy { retry: RETRY });
    };
    let wanted = Wanted { session, records: place.records, from, until };
    let reading = tokio::task::spawn_blocking(move || {
        let read = waveforms.read(&wanted);
        drop(turn);
        read
    });
    match reading.await {
        Ok(Ok(wave)) => answer::resource(&observation(session, &place, &wave), shown),
        Ok(Err(why)) => answer::unread(why),
        Err(_) => answer::unread(Unread::Failed),
    }
}

fn place(batch: RecordBatch) -> Option<Place> {
    let rows = Rows::new(batch);
    let row = rows.iter().next()?;
    let partition = u32::try_from(row.whole("partition")?).ok()?;
    let offset = |name| u64::try_from(row.long(name)?).ok();
    let (first, last) = (offset("first")?, offset("last")?);
    let device = row.text("device_id").map(str::to_owned);
    let records = Span { input: Input::Packets, partition, first, last };
    Some(Place { user: row.must("user_id").to_owned(), device, records })
}

fn observation(session: SessionId, place: &Place, wave: &Waveform) -> Observation {
    let name = match wave.signal {
        Signal::Pulse => "Optical pulse signal",
        Signal::Ecg => "Electrocardiogram",
        Signal::Respiration => "Respiration signal",
        Signal::Channels => "Signal of a cartridge",
    };
    let length = Micros::from(wave.period_us).saturating_mul(wave.samples.len() as Micros);
    // It has neither id nor version: it is made of packets, which never change, for whoever asks.
    let mut observation =
        Observation::new(String::new(), PROCEDURE, Concept::new(&[], name), &place.user, wave.start)
            .unversioned()
            .until(wave.start.saturating_add(length));
    observation.identifier = vec![Identifier::uuid("session", &session.to_string())];
    observation.device =
        place.device.as_deref().map(|device| Reference::named("Device", Identifier::named(device), None));
    observation.value = Some(Value::Sampled(SampledData {
        origin: Quantity::uncoded(0.0, Some("as the device sends it")),
        period: f64::from(wave.period_us) / 1e3,
        factor: 1.0,
        dimensions: 1,
        data: data(&wave.samples),
    }));
    observation
}

fn data(samples: &[Option<f32>]) -> String {
    let mut text = String::with_capacity(samples.len() * 8);
    for (number, sample) in samples.iter().enumerate() {
        let gap = if number > 0 { " " } else { "" };
        let written = match sample {
            // A finite number is written without an exponent, with every digit it takes.
            Some(sample) => write!(text, "{gap}{sample}"),
            None => write!(text, "{gap}E"),
        };
        written.expect("a text takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Place, asked, observation};
    use crate::fhir::tests::form::conforms;
    use model::{Input, SessionId, Signal, Span, UserId, waveform::Waveform};
    use serde_json::json;

    #[test]
    fn every_sample_is_told_as_it_was_sent_and_what_is_missing_as_an_error() {
        let (session, user) = (SessionId::derive(&["s"]), UserId::derive(&["u"]).to_string());
        let records = Span { input: Input::Packets, partition: 0, first: 1, last: 2 };
        let place = Place { user, device: Some("d".into()), records };
        let wave = Waveform {
            signal: Signal::Ecg,
            start: 1_767_225_600_000_000,
            period_us: 2_778,
            samples: vec![Some(0.1), None, Some(-1e-7), Some(16_777_216.0), None, Some(1.0)],
        };
        let told = serde_json::to_value(observation(session, &place, &wave)).expect("JSON");
        conforms(&told);
        let sampled = json!({
            "origin": { "value": 0.0, "unit": "as the device sends it" },
            "period": 2.778,
            "factor": 1.0,
            "dimensions": 1,
            "data": "0.1 E -0.0000001 16777216 E 1",
        });
        assert_eq!(told["valueSampledData"], sampled);
        assert_eq!(told["effectivePeriod"]["end"], "2026-01-01T00:00:00.016668Z");
        assert!(told.get("id").is_none() && told.get("meta").is_none(), "nobody can ask for it by an id");
        let back = sampled["data"].as_str().expect("a text").split(' ').map(|one| one.parse().ok());
        assert_eq!(back.collect::<Vec<Option<f32>>>(), wave.samples);
    }

    #[test]
    fn at_most_a_minute_is_asked_for() {
        let session = SessionId::derive(&["s"]).to_string();
        let ask = |dates: &[&str]| {
            let dates: Vec<_> = dates.iter().map(|date| ("date".to_owned(), (*date).to_owned())).collect();
            asked(&session, &dates)
        };
        assert!(ask(&["ge2026-01-01T00:00:00Z", "lt2026-01-01T00:01:00Z"]).is_ok());
        for dates in [
            &["ge2026-01-01T00:00:00Z", "le2026-01-01T00:01:00Z"][..],
            &["ge2026-01-01T00:00:00Z"],
            &["ge2026-01-01T00:01:00Z", "lt2026-01-01T00:00:00Z"],
            &[],
        ] {
            assert!(ask(dates).is_err_and(|why| why.contains("at most a minute")), "{dates:?}");
        }
        assert!(asked("me", &[]).is_err_and(|why| why.contains("id of a session")));
        assert!(asked(&session, &[("code".into(), "1".into())]).is_err_and(|why| why.contains("not known")));
    }
}
