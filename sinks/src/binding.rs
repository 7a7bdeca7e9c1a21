//! What an epoch was: which input it covers, what it knew of time, and what it left behind.
//!
//! One JSON record per committed epoch stands on [`crate::topics::BINDINGS`], written in the transaction
//! that commits the epoch; the newest of them says how far everything is. Recovery feeds the same
//! ranges again and gets the same results, because nothing else enters an epoch.
//!
//! # Invariants
//! - Epochs grow along the topic, and each partition's `lo` is the `hi` it had before.
//! - Readers ignore fields they do not know, so an older program reads what a newer one wrote.

use crate::{Check, Digest, Error, topics::BINDINGS};
use eventlog::{Budget, Log, Record, TopicPartition, read_range};
use model::{Epoch, Input, Micros, view::Progress};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much of the history is read at once.
const BUDGET: Budget = Budget { records: 10_000, bytes: 8 << 20 };

/// One epoch.
///
/// Whoever feeds the epoch fills in what went in; the fields that say what came out (`incarnation`,
/// `outputs`, `intent`) are set by the [`crate::Committer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The epoch.
    pub epoch: Epoch,
    /// Number of the start that committed it.
    #[serde(default)]
    pub incarnation: u64,
    /// The one clock reading of the epoch.
    pub now_us: Micros,
    /// The watermark of all partitions together, as the epoch knew it; never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Micros>,
    /// What was read of every input partition, ordered by topic and partition.
    pub inputs: Vec<InputRange>,
    /// Records read.
    pub n_in: u64,
    /// Digest of the records read.
    pub digest_in: Digest,
    /// What was published, by topic; topics that got nothing are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<TopicDigest>,
    /// What the lake shall hold from this epoch on, if the epoch wrote to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What was published again before this epoch, because it had been lost or torn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// Version of the code that computed it.
    pub code_version: String,
}

/// What an epoch read from one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRange {
    /// Topic.
    #[serde(with = "topic")]
    pub input: Input,
    /// Partition.
    pub partition: u32,
    /// First offset of the epoch.
    pub lo: u64,
    /// First offset after the epoch.
    pub hi: u64,
    /// One past the last offset that could be read when the epoch was bound.
    pub end: u64,
    /// Highest event time seen on the partition, up to and with this epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Micros>,
}

/// What an epoch published on one topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDigest {
    /// Topic.
    pub topic: String,
    /// Records.
    pub records: u64,
    /// Digest over them, in the order published.
    pub digest: Digest,
    /// What of it stands on each partition, for an audit; a replay may spread it over more partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
}

/// The records of one epoch on one partition: they stand together there, in the order published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u32, u64, Check)", into = "(u32, u64, Check)")]
pub struct Run {
    /// Partition.
    pub partition: u32,
    /// Records.
    pub records: u64,
    /// Check over them, in their order.
    pub check: Check,
}

impl From<(u32, u64, Check)> for Run {
    fn from((partition, records, check): (u32, u64, Check)) -> Self {
        Self { partition, records, check }
    }
}

impl From<Run> for (u32, u64, Check) {
    fn from(Run { partition, records, check }: Run) -> Self {
        (partition, records, check)
    }
}

/// A partition that was repaired: this stands there instead of what the epochs from `from` on, up to the one that says
/// so, had published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: u32,
    /// The first epoch whose records were not as committed.
    pub from: Epoch,
    /// Records, those that were published again last.
    pub records: u64,
    /// Check over them, in their order.
    pub check: Check,
}

impl Repair {
    pub(crate) fn is_of(&self, place: &TopicPartition) -> bool {
        (&*self.topic, self.partition) == (&*place.topic, place.partition)
    }

    pub(crate) const fn run(&self) -> Run {
        Run { partition: self.partition, records: self.records, check: self.check }
    }
}

impl TopicDigest {
    /// Whether both say that the same was published.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (&self.topic, self.records, self.digest) == (&other.topic, other.records, other.digest)
    }
}

/// A manifest of the lake that was prepared before the commit and holds from it on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Number of the manifest.
    pub sequence: u64,
    /// Digest of the manifest, which names every file with its own digest.
    pub digest: Digest,
    /// Digest of the manifest before.
    pub previous: Option<Digest>,
}

impl Binding {
    /// The offsets to go on from, per partition.
    pub(crate) fn offsets(&self) -> Vec<(TopicPartition, u64)> {
        self.inputs.iter().map(|range| (range.place(), range.hi)).collect()
    }

    pub(crate) fn progress(&self) -> Vec<Progress> {
        let progress = |range: &InputRange| Progress {
            topic: range.input.topic().to_owned(),
            partition: range.partition,
            next_offset: range.hi,
            end_offset: range.end,
            watermark: range.watermark,
        };
        self.inputs.iter().map(progress).collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a binding is text and integers")
    }
}

impl InputRange {
    pub(crate) fn place(&self) -> TopicPartition {
        TopicPartition::new(self.input.topic(), self.partition)
    }
}

/// A binding and its offset.
pub(crate) type Placed = (u64, Binding);

/// Where the bindings stand.
pub(crate) fn place() -> TopicPartition {
    TopicPartition::new(BINDINGS, 0)
}

/// Every binding from offset `from` (or the first kept) to the end, with the offset to go on from.
///
/// The end is asked for first and has to be reached, so no committed epoch is overlooked.
pub(crate) fn read(log: &dyn Log, from: u64) -> Result<(Vec<Placed>, u64), Error> {
    let at = place();
    let range = log.range(&at)?;
    let from = from.clamp(range.start, range.end);
    let mut bindings = Vec::new();
    let position = read_range(&mut *log.reader()?, &at, from..range.end, BUDGET, |record| {
        bindings.push(decode(&record));
    })?;
    Ok((bindings.into_iter().collect::<Result<_, _>>()?, position))
}

/// The binding that `record` holds, and its offset.
pub(crate) fn decode(record: &Record) -> Result<Placed, Error> {
    let offset = record.offset;
    let binding = serde_json::from_slice(&record.value);
    let no =
        |error| Error::History(format!("no binding at {offset} ({error}): start the version that wrote it"));
    binding.map(|binding| (offset, binding)).map_err(no)
}

/// Refuses a history with an epoch or a range of input missing or twice.
pub(crate) fn check<'a>(bindings: impl IntoIterator<Item = &'a Binding>) -> Result<(), Error> {
    let (mut reached, mut last) = (BTreeMap::new(), None);
    for binding in bindings {
        check_next(&mut reached, last, binding)
            .map_err(|detail| Error::History(format!("{detail}: restore the topic from a copy")))?;
        last = Some(binding.epoch);
    }
    Ok(())
}

/// Refuses `binding` if it does not follow; moves `reached` on to its end.
///
/// A partition that was not there before begins wherever the binding says.
pub(crate) fn check_next(
    reached: &mut BTreeMap<(Input, u32), u64>,
    last: Option<Epoch>,
    binding: &Binding,
) -> Result<(), String> {
    let epoch = binding.epoch;
    if last.is_some_and(|last| epoch <= last) {
        return Err(format!("epoch {epoch} does not come after epoch {}", last.unwrap_or_default()));
    }
    for InputRange { input, partition, lo, hi, .. } in &binding.inputs {
        let before = reached.insert((*input, *partition), *hi);
        if hi < lo || before.is_some_and(|before| before != *lo) {
            let topic = input.topic();
            return Err(format!("epoch {epoch} does not go on where {topic}/{partition} was left"));
        }
    }
    Ok(())
}

/// Inputs travel under the name of their topic.
mod topic {
    use model::Input;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
    pub(super) fn serialize<S: Serializer>(input: &Input, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(input.topic())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        let name = String::deserialize(deserializer)?;
        Input::named(&name).ok_or_else(|| D::Error::custom("a topic this version does not read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::binding;

    #[test]
    fn what_was_written_is_read() {
        let run = Run { partition: 3, records: 1, check: Check::from(blake3::hash(b"out")) };
        let outputs = vec![TopicDigest {
            topic: BINDINGS.into(),
            records: 1,
            digest: Digest::of(b"out"),
            runs: vec![run],
        }];
        let intent = Some(Intent { sequence: 7, digest: Digest::of(b"m"), previous: Some(Digest::of(b"l")) });
        let repairs =
            vec![Repair { topic: BINDINGS.into(), partition: 3, from: 4, records: 7, check: run.check }];
        let binding = Binding { outputs, intent, repairs, ..binding(5, 10, 20) };
        assert_eq!(serde_json::from_slice::<Binding>(&binding.encode()).unwrap(), binding);
    }

    #[test]
    fn fields_of_a_newer_version_are_ignored_and_missing_outputs_are_none() {
        let text = format!(
            r#"{{"epoch":1,"now_us":2,"n_in":0,"digest_in":"{}","code_version":"9","moon":"full","inputs":
            [{{"input":"manpasik.measurement.vitals","partition":0,"lo":0,"hi":0,"end":0,"leader":4}}]}}"#,
            Digest::of(b"")
        );
        let binding: Binding = serde_json::from_str(&text).unwrap();
        assert_eq!((binding.epoch, binding.inputs[0].input, binding.intent), (1, Input::Vitals, None));
        assert_eq!(binding.watermark, None);
        assert!(serde_json::from_str::<Binding>(&text.replace("vitals", "gossip")).is_err());
    }

    #[test]
    fn a_history_with_a_hole_or_a_repetition_is_refused() {
        assert!(check(&[binding(1, 0, 10), binding(2, 10, 10), binding(4, 10, 11)]).is_ok());
        let detail = |history: &[Binding]| check(history).unwrap_err().to_string();
        assert!(detail(&[binding(1, 0, 10), binding(2, 11, 12)]).contains("epoch 2 does not go on"));
        assert!(detail(&[binding(1, 0, 10), binding(1, 10, 12)]).contains("does not come after"));
        assert!(detail(&[binding(1, 10, 9)]).contains("does not go on"));
        // A partition more may begin anywhere, and is followed from there.
        let with_new = |epoch, lo, hi| {
            let mut binding = binding(epoch, 10, 10);
            binding.inputs.push(InputRange { partition: 7, lo, hi, ..binding.inputs[0] });
            binding
        };
        assert!(check(&[binding(1, 0, 10), with_new(2, 3, 5), with_new(3, 5, 6)]).is_ok());
        assert!(detail(&[binding(1, 0, 10), with_new(2, 3, 5), with_new(3, 6, 6)]).contains("epoch 3"));
    }
}
