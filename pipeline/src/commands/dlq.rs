//! `manpasik dlq`: dead letters listed, shown, and sent again.
//!
//! # Invariants
//! - Keys and values are health data: they are printed where `--payload` asks for them, on standard output, and
//!   nowhere else.

use super::{ask, say};
use anyhow::{Context, bail};
use clap::{ArgGroup, Args, Subcommand};
use model::{Origin, Reason};
use pipeline::{
    config::Config,
    dlq::{
        self, Letter, Selection,
        resend::{self, Fate, resend},
    },
};
use std::{fmt::Write, path::PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// One line per dead letter, the newest first: place, time, reason, size, detail
    List(List),
    /// One dead letter
    Show(Show),
    /// Send records again that were dead letters
    ///
    /// To be used after a fix: of the program, of its configuration, or, with --with, of one record. A record that
    /// can be used now has the effect it would have had: results are corrected at its own event time, and its
    /// letter is taken back from the table `dead_letters`. Topics are only appended to, so the letter on the
    /// dead-letter topic stays.
    ///
    /// What still cannot be used, and what is older than `epoch.horizon_s`, is not sent. Packets correct results
    /// within `pulse.sequence.lateness_s` of their session's time only: later ones stay dead letters. All is sent
    /// in one transaction; running it twice changes nothing more.
    ///
    /// With the embedded log, stop the program first and start it afterwards. With Kafka it need not stop.
    #[command(group(ArgGroup::new("which").required(true).multiple(true)))]
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only letters with this reason, such as `BAD_CHECKSUM`
    #[arg(long, value_name = "CODE", value_parser = reason)]
    reason: Option<Reason>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100")]
    limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Where its record stands, as `list` prints it
    #[arg(value_name = "TOPIC/PARTITION@OFFSET", value_parser = place)]
    place: Origin,
    /// Print key and value as well: health data!
    #[arg(long)]
    payload: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Where the records stand, as `list` prints it
    #[arg(value_name = "TOPIC/PARTITION@OFFSET", value_parser = place, group = "which")]
    places: Vec<Origin>,
    /// Only letters with this reason, such as `MISSING_FIELD`
    #[arg(long, value_name = "CODE", value_parser = reason, group = "which")]
    reason: Option<Reason>,
    /// All letters
    #[arg(long, group = "which", conflicts_with_all = ["places", "reason"])]
    all: bool,
    /// Send the content of this file instead of the record's value; for one place
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
}

fn place(text: &str) -> Result<Origin, String> {
    Origin::parse(text)
        .ok_or_else(|| "give a place as `manpasik dlq list` prints it: TOPIC/PARTITION@OFFSET".into())
}

fn reason(text: &str) -> Result<Reason, String> {
    let codes = || Reason::ALL.map(Reason::code).join(", ");
    Reason::named(text).ok_or_else(|| format!("give one of {}", codes()))
}

pub(crate) fn run(config: &Config, dlq: &Dlq) -> anyhow::Result<()> {
    match dlq {
        Dlq::List(options) => list(config, options),
        Dlq::Show(options) => show(config, options),
        Dlq::Replay(options) => replay(config, options),
    }
}

fn letters(config: &Config, selection: &Selection, payload: bool) -> anyhow::Result<Vec<Letter>> {
    let answer = ask(config, &dlq::question(selection, payload))?;
    Ok(dlq::letters(selection, &answer)?)
}

fn list(config: &Config, options: &List) -> anyhow::Result<()> {
    // One more, to know whether there are more.
    let limit = Some(options.limit.saturating_add(1));
    let mut found =
        letters(config, &Selection { reason: options.reason, limit, ..Selection::default() }, false)?;
    let more = found.len() as u64 > options.limit;
    found.truncate(usize::try_from(options.limit).unwrap_or(usize::MAX));
    let width = found.iter().map(|letter| letter.place.to_string().len()).max().unwrap_or(0);
    for Letter { place, recorded_at, reason, detail, bytes, .. } in &found {
        let place = place.to_string();
        say(&format!("{place:<width$}  {recorded_at}  {:<13}  {bytes:>8} B  {detail}", reason.code()));
    }
    match (found.len(), more) {
        (0, _) => say("no dead letters"),
        (count, true) => say(&format!("the newest {count}; for more: --limit")),
        (_, false) => {}
    }
    Ok(())
}

fn show(config: &Config, options: &Show) -> anyhow::Result<()> {
    let selection = Selection { places: vec![options.place], ..Selection::default() };
    let found = letters(config, &selection, options.payload)?;
    let Some(letter) = found.first() else { return Err(unknown(options.place)) };
    say(&format!(
        "place     {}\nrecorded  {}\nreason    {}",
        letter.place,
        letter.recorded_at,
        letter.reason.code()
    ));
    say(&format!("detail    {}\nsize      {} bytes", letter.detail, letter.bytes));
    match &letter.payload {
        None => say("key and value are health data: --payload prints them"),
        Some(payload) => {
            say(&format!("key\n{}", dump(payload.key.as_deref().unwrap_or_default())));
            say(&format!("value\n{}", dump(&payload.value)));
        }
    }
    Ok(())
}

fn unknown(place: Origin) -> anyhow::Error {
    anyhow::anyhow!("no dead letter stands at {place}: see `manpasik dlq list`")
}

/// Bytes in hexadecimal, and as text where they print.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (line, chunk) in bytes.chunks(16).enumerate() {
        write!(text, "  {:08x} ", 16 * line).expect("text takes what is written");
        for byte in chunk {
            write!(text, " {byte:02x}").expect("text takes what is written");
        }
        let shown =
            |byte: &u8| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' };
        text.extend(std::iter::repeat_n(' ', 3 * (16 - chunk.len()) + 2));
        text.extend(chunk.iter().map(shown));
        text.push('\n');
    }
    text
}

fn replay(config: &Config, options: &Replay) -> anyhow::Result<()> {
    let repaired = match &options.with {
        None => None,
        Some(_) if options.places.len() != 1 => bail!("--with repairs one record: name one place"),
        Some(file) => Some(std::fs::read(file).with_context(|| {
            format!("could not read {}: check that it exists and may be read", file.display())
        })?),
    };
    let selection = Selection { places: options.places.clone(), reason: options.reason, limit: None };
    let found = letters(config, &selection, false)?;
    let stands = |place: &&Origin| found.iter().any(|letter| letter.place == **place);
    if let Some(place) = options.places.iter().find(|place| !stands(place)) {
        return Err(unknown(*place));
    }
    let how = resend::Options { repaired, dry_run: options.dry_run };
    let fates = resend(config, &found, &how)?;
    if let (Some(_), [(place, Fate::Unusable { reason, detail })]) = (&options.with, &fates[..]) {
        bail!("the value for {place} cannot be used either ({}: {detail})", reason.code());
    }
    let mut sent = 0;
    for (place, fate) in &fates {
        let what = match fate {
            Fate::Sent if options.dry_run => "would be sent again".into(),
            Fate::Sent => "sent again".into(),
            Fate::Unusable { reason, detail } => format!("still unusable, {}: {detail}", reason.code()),
            Fate::TooOld => format!(
                "older than the {} s that results are corrected for (epoch.horizon_s)",
                config.epoch.horizon_s
            ),
            Fate::Gone => {
                "its record was deleted from the log; the table dead_letters keeps its value".into()
            }
        };
        sent += usize::from(*fate == Fate::Sent);
        say(&format!("{place}  {what}"));
    }
    let would = if options.dry_run { "would be " } else { "" };
    say(&format!("{sent} of {} dead letters {would}sent again", fates.len()));
    Ok(())
}
