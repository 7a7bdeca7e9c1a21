//! Writes the records of dead letters to their own topics and partitions again.
//!
//! Each keeps key, value, headers and time, and says in more headers which letter it was ([`Again`]). The graph
//! does the rest: it takes the letter back if the record can be used now.
//!
//! # Invariants
//! - One transaction: all are sent, or none. Sent twice, a record counts once.
//! - What this version cannot use either, and what is certainly too late, is not sent: it would change nothing.

use super::Letter;
use crate::{Error, clock::wall, config::Config, service::take_log};
use eventlog::{Budget, Draft, Log, Outcome, Reader, Record, TopicPartition, read_range, write_all};
use model::{
    Again, Datum, Fault, Micros, Origin, Reason,
    time::{AHEAD, SECOND},
};
use std::{collections::BTreeMap, sync::Arc};

/// Records at the end of a partition that are looked at for its time.
const LAST: u64 = 16;

/// What becomes of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent again.
    Sent,
    /// It still cannot be used.
    Unusable {
        /// Why.
        reason: Reason,
        /// What is wrong, without any of the data.
        detail: String,
    },
    /// It is older than results are corrected for.
    TooOld,
    /// Its record was deleted from the log.
    Gone,
}

/// How to send.
#[derive(Clone, Default)]
pub struct Options {
    /// Send this value instead of the record's own.
    pub repaired: Option<Vec<u8>>,
    /// Only say what would be sent.
    pub dry_run: bool,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.repaired.as_ref().map(Vec::len);
        write!(f, "Options({bytes:?} bytes, dry run: {})", self.dry_run)
    }
}

/// Sends the records of `letters` again; gives what became of each, in the order of the log.
///
/// # Errors
/// [`Error`]; then nothing was sent, unless it says that nobody knows.
pub fn resend(config: &Config, letters: &[Letter], options: &Options) -> Result<Vec<(Origin, Fate)>, Error> {
    let log = take_log(config)?;
    // 1. Judge: looking records up takes time that an open transaction does not have.
    let (mut fates, mut drafts) = (Vec::new(), Vec::new());
    let mut judge = Judge::new(&*log, options, Micros::from(config.epoch.horizon_s) * SECOND)?;
    let mut letters: Vec<_> = letters.iter().collect();
    letters.sort_by_key(|letter| letter.place);
    for letter in letters {
        let (fate, draft) = judge.judge(letter)?;
        drafts.extend(draft);
        fates.push((letter.place, fate));
    }
    if options.dry_run || drafts.is_empty() {
        return Ok(fates);
    }
    // 2. Send.
    let mut writer = log.writer(&format!("{}-dlq", config.commit.transactional_id))?;
    match write_all(&mut *writer, &config.commit.group, drafts)? {
        Outcome::Committed => Ok(fates),
        outcome => Err(Error::Unsent { outcome }),
    }
}

/// Decides what becomes of letters.
struct Judge<'a> {
    log: &'a dyn Log,
    reader: Box<dyn Reader>,
    options: &'a Options,
    horizon: Micros,
    /// The newest time of the partitions that were asked for.
    newest: BTreeMap<TopicPartition, Micros>,
}

impl<'a> Judge<'a> {
    fn new(log: &'a dyn Log, options: &'a Options, horizon: Micros) -> Result<Self, Error> {
        Ok(Self { reader: log.reader()?, log, options, horizon, newest: BTreeMap::new() })
    }

    fn judge(&mut self, letter: &Letter) -> Result<(Fate, Option<Draft>), Error> {
        let place = letter.place;
        let at = TopicPartition::new(place.input.topic(), place.partition);
        let range = self.log.range(&at)?;
        let Some(record) = find(&mut *self.reader, &at, range.clone(), place.offset)? else {
            return Ok((Fate::Gone, None));
        };
        let newest = match self.newest.get(&at) {
            Some(newest) => *newest,
            None => *self.newest.entry(at.clone()).or_insert(time_of(&mut *self.reader, &at, range)?),
        };
        Ok(judge(letter, record, self.options, newest.saturating_sub(self.horizon)))
    }
}

/// What to do with `record`, the one of `letter`, if nothing before `oldest` counts.
fn judge(letter: &Letter, record: Record, options: &Options, oldest: Micros) -> (Fate, Option<Draft>) {
    let (topic, partition, offset) = (Arc::clone(&record.topic), record.partition, record.offset);
    let (timestamp_ms, key) = (record.timestamp_ms, record.key.clone());
    let raw = sources::stream::datum(record).raw().clone();
    if raw.recorded_at < oldest {
        return (Fate::TooOld, None);
    }
    let value = options.repaired.clone().unwrap_or_else(|| raw.value.clone());
    let letter = Fault { origin: letter.place, reason: letter.reason, detail: letter.detail.clone(), raw };
    let headers = Again::headers(&letter, options.repaired.is_some());
    let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name.into(), value)).collect();
    let sent = Record {
        topic: Arc::clone(&topic),
        partition,
        offset,
        timestamp_ms,
        key: key.clone(),
        value: value.clone(),
        headers: headers.clone(),
    };
    if let Datum::Fault(Fault { reason, detail, .. }) = sources::stream::datum(sent) {
        return (Fate::Unusable { reason, detail }, None);
    }
    (Fate::Sent, Some(Draft { topic, partition, timestamp_ms, key, value, headers }))
}

/// The record at `offset`, if it is still there.
fn find(
    reader: &mut dyn Reader,
    at: &TopicPartition,
    range: std::ops::Range<u64>,
    offset: u64,
) -> Result<Option<Record>, Error> {
    if !range.contains(&offset) {
        return Ok(None);
    }
    let mut found = read(reader, at, offset..offset + 1)?;
    Ok(found.pop().filter(|record| record.offset == offset))
}

/// The newest time of a partition, as far as its last records say; a time ahead of the clock is not believed.
fn time_of(
    reader: &mut dyn Reader,
    at: &TopicPartition,
    range: std::ops::Range<u64>,
) -> Result<Micros, Error> {
    let latest = wall().saturating_add(AHEAD);
    let last = range.start.max(range.end.saturating_sub(LAST))..range.end;
    let records = read(reader, at, last)?;
    let times = records.iter().map(|record| record.timestamp_ms.saturating_mul(1_000).min(latest));
    Ok(times.max().unwrap_or(Micros::MIN))
}

/// The records of `range`, which can be read and are few.
fn read(
    reader: &mut dyn Reader,
    at: &TopicPartition,
    range: std::ops::Range<u64>,
) -> Result<Vec<Record>, Error> {
    let (mut records, end) = (Vec::new(), range.end);
    let budget = Budget { records: (end - range.start).max(1) as usize, bytes: 64 << 20 };
    read_range(reader, at, range, budget, |record| records.push(record))?;
    records.retain(|record| record.offset < end);
    Ok(records)
}
