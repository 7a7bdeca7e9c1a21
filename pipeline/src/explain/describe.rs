//! What this program is, for whoever asks what an alert was found by: code, formats, steps, parameters in force.

use crate::config::Config;
use model::{
    Rule,
    state::StepVersion,
    view::{About, Parameter},
};
use operators::risk::{set::Rulebook, watch};
use serde_json::Value;

/// What a program with this configuration and these steps says of itself.
pub fn about(config: &Config, steps: &[StepVersion]) -> About {
    let mut versions = vec![
        ("device frame".to_owned(), "1, 2".to_owned()),
        ("packet envelope".to_owned(), "manpasik.v1".to_owned()),
        ("event envelope".to_owned(), "1".to_owned()),
    ];
    versions.extend(steps.iter().map(|step| (format!("step {}", step.step), step.version.to_string())));
    let (bound, band) = (Some(Rule::News2LowerBound.id()), Some(Rule::PulseBand.id()));
    let risk = &config.risk;
    let mut parameters = Vec::new();
    let mut add = |rule: Option<&str>, name: &str, value: String| {
        parameters.push(Parameter { rule: rule.map(str::to_owned), name: name.to_owned(), value });
    };
    add(bound, "risk.news2.max_age_minutes", risk.news2.max_age_minutes.to_string());
    add(None, "risk.rules.max_age_minutes", risk.rules.max_age_minutes.to_string());
    add(None, "risk.rules.repeat_after_seconds", risk.rules.repeat_after_seconds.to_string());
    for (rule, name, watch) in [
        (bound, "risk.news2.watch", &risk.news2.watch),
        (band, "risk.pulse", &risk.pulse),
        (None, "risk.rules.watch", &risk.rules.watch),
    ] {
        for (part, value) in watched(watch) {
            add(rule, &format!("{name}.{part}"), value.to_string());
        }
    }
    for (rule, chart) in [(bound, "news2"), (band, "pulse.news2_band")] {
        if let Some((set, chart)) = Rulebook::shipped().rule(chart) {
            add(rule, "rule set", format!("{} {}, {}: {}", set.id, set.version, chart.id, set.title));
        }
    }
    for rule in [bound, band, None] {
        add(rule, "epoch.horizon_s", config.epoch.horizon_s.to_string());
    }
    let told = |options: Result<Value, serde_json::Error>| options.expect("options are numbers and texts");
    spread(band, "pulse".into(), &told(serde_json::to_value(&config.pulse)), &mut parameters);
    spread(None, "cartridge".into(), &told(serde_json::to_value(&config.cartridge)), &mut parameters);
    About { code: crate::VERSION.to_owned(), versions, parameters }
}

fn watched(options: &watch::Options) -> [(&'static str, u32); 3] {
    [
        ("raise_after_seconds", options.raise_after_seconds),
        ("raise_after_observations", options.raise_after_observations),
        ("clear_after_seconds", options.clear_after_seconds),
    ]
}

/// Every value below `name`; lists as one.
fn spread(rule: Option<&str>, name: String, value: &Value, into: &mut Vec<Parameter>) {
    let value = match value {
        Value::Object(fields) => {
            return fields
                .iter()
                .for_each(|(part, value)| spread(rule, format!("{name}.{part}"), value, into));
        }
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    into.push(Parameter { rule: rule.map(str::to_owned), name, value });
}
