//! The score over real vital signs, second by second: the numbers of twelve recordings against a chart typed again here.

use super::made::{NOW, person};
use flate2::read::GzDecoder;
use model::{Input, Number, Sex, Span, time::SECOND};
use operators::risk::{
    facts::{Fact, Facts, Method},
    parameter::Parameter,
    rule::{self, Judgement, Measure, Silence},
    set::{Risk, Rulebook},
};
use std::{fs, io::Read, path::PathBuf};

/// What a monitor showed in one second: heart rate, pulse, respiration, saturation; not all are always there.
type Second = [Option<f64>; 4];

/// Every recording of BIDMC that ships, by name.
fn recordings() -> Vec<(String, Vec<Second>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../pipeline/recordings"));
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with("_Numerics.csv.gz"));
    files.sort();
    let read = |path: PathBuf| {
        let mut text = String::new();
        GzDecoder::new(fs::File::open(&path).unwrap()).read_to_string(&mut text).unwrap();
        let (head, rows) = text.split_once('\n').unwrap();
        let places = ["HR", "PULSE", "RESP", "SpO2"]
            .map(|name| head.split(',').position(|column| column.trim() == name).unwrap());
        let second = |row: &str| {
            let cells: Vec<_> = row.split(',').map(str::trim).collect();
            // What the monitor did not show is NaN or empty.
            places.map(|place| cells[place].parse::<f64>().ok().filter(|value| value.is_finite()))
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, rows.lines().map(second).collect())
    };
    files.into_iter().map(read).collect()
}

/// Points by the chart of the Royal College of Physicians (2017), and whether they come to more than LOW.
fn by_hand(resp: Option<f64>, spo2: Option<f64>, pulse: Option<f64>) -> (u32, Option<Risk>) {
    let resp = resp.map_or(0, |value| match value.round() as i64 {
        ..=8 | 25.. => 3,
        21..=24 => 2,
        9..=11 => 1,
        12..=20 => 0,
    });
    let spo2 = spo2.map_or(0, |value| match value.round() as i64 {
        ..=91 => 3,
        92..=93 => 2,
        94..=95 => 1,
        96.. => 0,
    });
    let pulse = pulse.map_or(0, |value| match value.round() as i64 {
        ..=40 | 131.. => 3,
        111..=130 => 2,
        41..=50 | 91..=110 => 1,
        51..=90 => 0,
    });
    let sum = resp + spo2 + pulse;
    let level = match sum {
        7.. => Some(Risk::Critical),
        5..=6 => Some(Risk::High),
        _ if [resp, spo2, pulse].contains(&3) => Some(Risk::Moderate),
        _ => None,
    };
    (sum, level)
}

#[test]
fn the_partial_score_of_every_second_is_the_one_by_hand() {
    let book = Rulebook::shipped();
    let (set, news2) = book.rule("news2").unwrap();
    let adult = person(60, Sex::Male);
    let (mut seconds, mut above) = (0, [0; 4]);
    let recordings = recordings();
    assert_eq!(recordings.len(), 12);
    for (name, rows) in recordings {
        let mut facts = Facts::default();
        // Recordings are shorter than the hour after which a vital sign counts no more.
        let (mut resp, mut spo2, mut pulse) = (None, None, None);
        for (second, [hr, oximeter, breaths, saturation]) in (0..).zip(rows) {
            let at = NOW + second * SECOND;
            let seen = [
                (Parameter::Respiration, breaths),
                (Parameter::Saturation, saturation),
                (Parameter::Pulse, oximeter.or(hr)),
            ];
            for (parameter, value) in seen {
                let Some(value) = value.and_then(Number::finite) else { continue };
                let fact = Fact {
                    at,
                    value,
                    confidence: Number::from(1),
                    method: Method::Observed,
                    occasions: 1,
                    span: Span { input: Input::Vitals, partition: 0, first: 0, last: 0 },
                };
                facts.take(parameter, fact).unwrap();
            }
            (resp, spo2, pulse) = (breaths.or(resp), saturation.or(spo2), oximeter.or(hr).or(pulse));
            let (sum, level) = by_hand(resp, spo2, pulse);
            let points: u32 =
                rule::evidence(news2, &adult, &facts, at).iter().filter_map(|used| used.points()).sum();
            assert_eq!(points, sum, "{name}, second {second}");
            match rule::judge(set, news2, &adult, &facts, at) {
                Judgement::Found(finding) => {
                    assert_eq!(Some(finding.level), level, "{name}, second {second}");
                    assert_eq!(finding.measure, Measure::AtLeast(sum), "{name}, second {second}");
                }
                Judgement::Silent(Silence::Incomplete) => assert_eq!(level, None, "{name}, second {second}"),
                other => assert!(resp.or(spo2).or(pulse).is_none(), "{name}, second {second}: {other:?}"),
            }
            seconds += 1;
            above[level.map_or(0, |level| level as usize)] += 1;
        }
    }
    // Eight minutes and a second of twelve people, of whom nobody is in an emergency by these three signs alone.
    assert_eq!(seconds, 12 * 481);
    assert_eq!(above, [5_179, 532, 61, 0]);
}
