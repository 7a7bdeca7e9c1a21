//! How near the results came to what monitors showed and people marked.
//!
//! | result | truth |
//! |---|---|
//! | heart rate of a window of pulse | mean of the monitor's heart rate (1 Hz, missing values left out) over the window |
//! | respiratory rate of a window of breathing | 60 over the mean interval between the breaths annotator 1 marked in the window |
//! | beats of an electrocardiogram | annotated beats, at most 150 ms away, each taken once (ANSI/AAMI EC57) |
//! | variability of the heart rate | that of the annotated beats of the first five minutes, by the same calculator |
//!
//! # Invariants
//! - Windows are taken in one order, so that the sums of two runs are equal to the last bit.

use dsp::hrv;
use model::{Micros, Signal, time::SECOND};
use sources::replay::{Mark, Recording, Recordings};
use std::collections::BTreeMap;

/// A row as JSON; a column that is null is absent.
pub(super) type Row = serde_json::Value;

/// Windows of pulse, in the order of sessions and time.
pub(super) const PULSE: &str = "SELECT session_id, to_unixtime(window_start) AS start, to_unixtime(window_end) AS stop, \
     hr_bpm AS rate, good FROM windows ORDER BY session_id, window_start";
/// Windows of breathing, likewise.
pub(super) const BREATHING: &str = "SELECT session_id, to_unixtime(window_start) AS start, to_unixtime(window_end) AS stop, \
     rate_per_min AS rate, good FROM breathings ORDER BY session_id, window_start";
/// Beats, likewise; times in microseconds.
pub(super) const BEATS: &str =
    "SELECT session_id, CAST(beat_at AS BIGINT) AS at FROM beats ORDER BY session_id, beat_at";
/// Windows of rhythm, likewise: the first of a session begins with it.
pub(super) const RHYTHMS: &str = "SELECT session_id, hr_bpm, sdnn_ms, rmssd_ms, pnn50_percent, low_ms2, high_ms2 FROM rhythms \
     ORDER BY session_id, window_start";

/// A found beat within this of an annotated one is it (ANSI/AAMI EC57).
const NEAR: Micros = 150_000;
/// The first window of rhythm, seconds.
const RHYTHM_S: f64 = 300.0;

/// Truths by session: rates with the time they hold at, or the instants of events.
type Truth<T> = BTreeMap<String, Vec<T>>;

/// Absolute errors of the rates of windows, 1/min.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rates {
    /// Of all windows that have a rate and a truth.
    pub(super) all: Mean,
    /// Of those that passed the quality gate.
    pub(super) gated: Mean,
}

/// A mean.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    /// The mean; none of nothing.
    pub(super) fn get(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Rates {
    /// Share of windows that the quality gate keeps.
    pub(super) fn coverage(&self) -> Option<f64> {
        (self.all.count > 0).then(|| self.gated.count as f64 / self.all.count as f64)
    }

    /// Heart rates against the monitor.
    pub(super) fn heart(rows: &[Row], recordings: &Recordings) -> Self {
        let truth = by_name(recordings.monitor_heart_rate());
        Self::of(rows, &truth, |seconds, start, stop| {
            let mut monitor = Mean::default();
            let within = seconds.iter().filter(|(at, _)| (start..stop).contains(at));
            within.for_each(|(_, rate)| monitor.add(*rate));
            monitor.get()
        })
    }

    /// Respiratory rates against annotator 1.
    pub(super) fn breathing(rows: &[Row], recordings: &Recordings) -> Self {
        let truth = by_name(recordings.breaths());
        Self::of(rows, &truth, |breaths, start, stop| {
            let within: Vec<Micros> =
                breaths.iter().copied().filter(|at| (start..stop).contains(at)).collect();
            let [first, .., last] = *within else { return None };
            let intervals = (within.len() - 1) as f64;
            (last > first).then(|| 60.0 * intervals * SECOND as f64 / (last - first) as f64)
        })
    }

    fn of<T>(rows: &[Row], truth: &Truth<T>, judge: fn(&[T], Micros, Micros) -> Option<f64>) -> Self {
        let mut rates = Self::default();
        for row in rows {
            let Some(truth) = row["session_id"].as_str().and_then(|session| truth.get(session)) else {
                continue;
            };
            let (Some(start), Some(stop)) = (row["start"].as_i64(), row["stop"].as_i64()) else { continue };
            let judged = judge(truth, start * SECOND, stop * SECOND);
            let (Some(judged), Some(rate)) = (judged, row["rate"].as_f64()) else { continue };
            let error = (rate - judged).abs();
            rates.all.add(error);
            if row["good"].as_bool() == Some(true) {
                rates.gated.add(error);
            }
        }
        rates
    }
}

/// Beats found, annotated, and both.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Beats {
    found: u64,
    annotated: u64,
    matched: u64,
}

impl Beats {
    /// The beats of all sessions that were annotated.
    pub(super) fn of(rows: &[Row], recordings: &Recordings) -> Self {
        let mut found = Truth::<Micros>::new();
        for row in rows {
            if let (Some(session), Some(at)) = (row["session_id"].as_str(), row["at"].as_i64()) {
                found.entry(session.to_owned()).or_default().push(at);
            }
        }
        let mut beats = Self::default();
        for (session, annotated) in by_name(recordings.beats()) {
            let found = found.remove(&session).unwrap_or_default();
            beats.found += found.len() as u64;
            beats.annotated += annotated.len() as u64;
            beats.matched += matched(&found, &annotated);
        }
        beats
    }

    /// Share of the annotated beats that were found, percent.
    pub(super) fn sensitivity(&self) -> Option<f64> {
        percent(self.matched, self.annotated)
    }

    /// Share of the found beats that are annotated, percent.
    pub(super) fn predictive(&self) -> Option<f64> {
        percent(self.matched, self.found)
    }
}

/// How many of two lists in order lie next to each other, each taken once.
fn matched(found: &[Micros], annotated: &[Micros]) -> u64 {
    let (mut next, mut matched) = (0, 0);
    for at in found {
        while annotated.get(next).is_some_and(|beat| *beat < at - NEAR) {
            next += 1;
        }
        if annotated.get(next).is_some_and(|beat| *beat <= at + NEAR) {
            matched += 1;
            next += 1;
        }
    }
    matched
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| 100.0 * part as f64 / whole as f64)
}

/// Variability of the heart rate over five minutes.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(super) struct Variability {
    mean_ms: f64,
    sdnn_ms: f64,
    rmssd_ms: f64,
    pnn50_percent: f64,
    low_ms2: Option<f64>,
    high_ms2: Option<f64>,
}

impl Variability {
    /// Of the annotated beats of the first five minutes of the first electrocardiogram that is that long.
    ///
    /// Second, the session it is of.
    pub(super) fn annotated(recordings: &Recordings) -> Option<(Self, String)> {
        let tracks = recordings.iter().flat_map(Recording::tracks);
        let mut tracks = tracks.filter(|track| track.signal() == Signal::Ecg);
        tracks.find_map(|track| {
            let (marks, rate_hz) = (track.marks()?, track.rate_hz());
            let within = |mark: &&Mark| (mark.sample as f64) < RHYTHM_S * rate_hz;
            let marks: Vec<&Mark> = marks.iter().take_while(within).collect();
            let samples: Vec<u64> = marks.iter().map(|mark| mark.sample as u64).collect();
            let normal: Vec<bool> = marks.iter().map(|mark| mark.is_normal).collect();
            let estimate =
                hrv::Variability::new(samples.len()).ok()?.read_beats(&samples, rate_hz, &normal)?;
            let is_long = track.length_us() >= RHYTHM_S as Micros * SECOND;
            is_long.then(|| (Self::from(&estimate), track.session().to_string()))
        })
    }

    /// Of the beats that were found in the first five minutes of `session`.
    pub(super) fn found(rows: &[Row], session: &str) -> Option<Self> {
        let row = rows.iter().find(|row| row["session_id"].as_str() == Some(session))?;
        let number = |name: &str| row[name].as_f64();
        Some(Self {
            mean_ms: 60_000.0 / number("hr_bpm")?,
            sdnn_ms: number("sdnn_ms")?,
            rmssd_ms: number("rmssd_ms")?,
            pnn50_percent: number("pnn50_percent")?,
            low_ms2: number("low_ms2"),
            high_ms2: number("high_ms2"),
        })
    }
}

impl From<&hrv::Estimate> for Variability {
    fn from(estimate: &hrv::Estimate) -> Self {
        Self {
            mean_ms: estimate.mean_ms,
            sdnn_ms: estimate.sdnn_ms,
            rmssd_ms: estimate.rmssd_ms,
            pnn50_percent: estimate.pnn50_percent,
            low_ms2: estimate.powers.map(|powers| powers.low_ms2),
            high_ms2: estimate.powers.map(|powers| powers.high_ms2),
        }
    }
}

fn by_name<T>(truth: BTreeMap<model::SessionId, Vec<T>>) -> Truth<T> {
    truth.into_iter().map(|(session, values)| (session.to_string(), values)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_is_matched_once_and_only_nearby() {
        let beats = [1_000_000, 2_000_000, 3_000_000];
        assert_eq!(matched(&beats, &beats), 3);
        assert_eq!(matched(&[850_000, 2_150_000, 3_150_001], &beats), 2, "at most 150 ms");
        assert_eq!(matched(&[990_000, 1_010_000], &beats), 1, "found twice");
        assert_eq!(matched(&[500_000, 1_010_000, 1_500_000, 2_900_000], &beats), 2);
        assert_eq!((matched(&[], &beats), matched(&beats, &[])), (0, 0));
        assert_eq!((percent(1, 4), percent(0, 0)), (Some(25.0), None));
    }

    #[test]
    fn windows_are_judged_by_what_lies_in_them() {
        let row = |start: i64, rate: f64, good: bool| serde_json::json!({"session_id": "a", "start": start, "stop": start + 10, "rate": rate, "good": good});
        let breaths = Truth::from([("a".to_owned(), vec![SECOND, 5 * SECOND, 9 * SECOND, 10 * SECOND])]);
        let count = |events: &[Micros], start: Micros, stop: Micros| {
            let within = events.iter().filter(|at| (start..stop).contains(at)).count();
            (within > 1).then_some(within as f64)
        };
        let rates = Rates::of(&[row(0, 4.0, true), row(1, 6.0, false), row(10, 1.0, true)], &breaths, count);
        // Three lie in the first, four in the second, one in the third, which says nothing.
        assert_eq!((rates.all.get(), rates.gated.get(), rates.coverage()), (Some(1.5), Some(1.0), Some(0.5)));
        assert_eq!(Rates::of(&[], &breaths, count).coverage(), None);
    }
}
