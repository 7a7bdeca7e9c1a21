//! `manpasik explain`: what an alert was raised from, and the same bytes from just that.
//!
//! # Invariants
//! - Values are health data: the tables' are printed for who asks, those of fields that differ only with `--show`, and
//!   on standard output alone.

use super::{Format, ask, say};
use anyhow::bail;
use clap::{ArgGroup, Args};
use model::EventId;
use pipeline::{
    config::Config,
    explain::{Difference, Rederived, Report, Selection, Used, Verdict, replay},
};
use serde_json::{Value, json};
use std::fmt::Write;

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true)))]
pub(crate) struct Explain {
    /// The id of the alert, as the table `alerts` has it
    #[arg(value_name = "ALERT_ID", value_parser = alert, group = "which")]
    alert: Option<EventId>,
    /// Derive the alert again, and compare
    #[arg(long)]
    replay: bool,
    /// Every alert on the topic
    #[arg(long, group = "which", requires = "replay")]
    all: bool,
    /// The first so many alerts on the topic, by id
    #[arg(long, group = "which", requires = "replay", value_name = "N")]
    limit: Option<usize>,
    /// Print the values of fields that differ as well: health data!
    #[arg(long, requires = "replay")]
    show: bool,
    /// How the answer looks
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

fn alert(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|_| "give an id, as `manpasik sql \"SELECT alert_id FROM alerts\"` prints it".into())
}

pub(crate) fn run(config: &Config, options: &Explain) -> anyhow::Result<()> {
    match options.alert {
        Some(alert) if !options.replay => explain(config, alert, options.format),
        Some(alert) => replayed(config, Selection::One(alert), options),
        None => replayed(config, Selection::All(options.limit), options),
    }
}

fn explain(config: &Config, alert: EventId, format: Format) -> anyhow::Result<()> {
    let answer = ask(config, &format!("SELECT * FROM explain('{alert}')"))?;
    say(&api::render(&answer.columns, &answer.batches, format.into())?);
    Ok(())
}

fn replayed(config: &Config, selection: Selection, options: &Explain) -> anyhow::Result<()> {
    let report = replay(config, selection)?;
    match options.format {
        Format::Json => report.alerts.iter().for_each(|alert| say(&json(alert, options.show).to_string())),
        Format::Table | Format::Csv => {
            report.alerts.iter().for_each(|alert| say(&text(alert, options.show)));
            say(&summary(&report));
        }
    }
    if report.is_identical() {
        return Ok(());
    }
    let strange = report.alerts.iter().filter(|alert| !matches!(alert.verdict, Verdict::Identical)).count();
    bail!(
        "{strange} of {} alerts did not come out as they stand on the topic: what differs is printed above; compare \
         code and configuration (`manpasik config`) with those that raised them, and restore input that was deleted",
        report.alerts.len()
    )
}

fn summary(report: &Report) -> String {
    let identical = report.alerts.iter().filter(|alert| matches!(alert.verdict, Verdict::Identical)).count();
    format!(
        "{identical} of {} alerts identical; {} epochs in {:.2} s; code then {}, now {}",
        report.alerts.len(),
        report.epochs,
        report.took.as_secs_f64(),
        if report.code.is_empty() { "unknown".to_owned() } else { report.code.join(", ") },
        pipeline::VERSION,
    )
}

fn text(alert: &Rederived, show: bool) -> String {
    let Rederived { alert, rule, rule_version, standing, withdrawn, used, verdict } = alert;
    let mut text = format!(
        "{alert}  {rule} {rule_version}  {standing} changes stand, {withdrawn} withdrawn: {}",
        match verdict {
            Verdict::Identical => "identical",
            Verdict::Differs(_) => "differs",
            Verdict::Gone(_) => "input is gone",
        }
    );
    let mut line = |indented: String| write!(text, "\n  {indented}").expect("text takes what is written");
    for Used { input, partition, first, last, records, bytes } in used {
        line(format!("{}/{partition}@{first}-{last}  {records} records, {bytes} B", input.topic()));
    }
    match verdict {
        Verdict::Identical => {}
        Verdict::Differs(differences) => differences.iter().for_each(|one| line(difference(one, show))),
        Verdict::Gone(gone) => {
            for Used { input, partition, first, last, .. } in gone {
                line(format!("{}/{partition}@{first}-{last} was deleted from the log", input.topic()));
            }
        }
    }
    text
}

fn difference(Difference { change, fields }: &Difference, show: bool) -> String {
    if fields.is_empty() {
        return change.clone();
    }
    let missing = || "nothing".to_owned();
    let fields = fields.iter().map(|field| {
        let (there, here) = (field.published.clone(), field.here.clone());
        if show {
            format!(
                "{} ({} there, {} here)",
                field.name,
                there.unwrap_or_else(missing),
                here.unwrap_or_else(missing)
            )
        } else {
            field.name.clone()
        }
    });
    format!("{change} differs in {}", fields.collect::<Vec<_>>().join(", "))
}

fn json(alert: &Rederived, show: bool) -> Value {
    let Rederived { alert, rule, rule_version, standing, withdrawn, used, verdict } = alert;
    let range = |used: &Used| {
        let Used { input, partition, first, last, records, bytes } = *used;
        json!({"topic": input.topic(), "partition": partition, "first_offset": first, "last_offset": last,
               "records": records, "bytes": bytes})
    };
    let ranges = |used: &[Used]| used.iter().map(range).collect::<Vec<_>>();
    let difference = |one: &Difference| {
        let field = |field: &pipeline::explain::Field| {
            let values = json!({"field": field.name, "published": field.published, "here": field.here});
            if show { values } else { json!({"field": field.name}) }
        };
        json!({"change": one.change, "fields": one.fields.iter().map(field).collect::<Vec<_>>()})
    };
    let (name, differences, gone) = match verdict {
        Verdict::Identical => ("identical", Vec::new(), Vec::new()),
        Verdict::Differs(found) => ("differs", found.iter().map(difference).collect(), Vec::new()),
        Verdict::Gone(gone) => ("gone", Vec::new(), ranges(gone)),
    };
    json!({"alert_id": alert.to_string(), "rule": rule, "rule_version": rule_version, "standing": standing,
           "withdrawn": withdrawn, "inputs": ranges(used), "verdict": name, "differences": differences, "gone": gone})
}
