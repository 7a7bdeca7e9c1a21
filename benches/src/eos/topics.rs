//! Rounds on Kafka: the same input for all, and a history of its own for each.
//!
//! A broker that has just started compiles itself for minutes, on the processors that are measured. Those of users have
//! run for longer: it is given transactions to do first.
//!
//! # Invariants
//! - Only topics that were made here are deleted: brokers that know one of the pipeline's topics are refused.

use super::{Args, Rounds, compare, preload};
use crate::stand;
use anyhow::{Context, Result, bail, ensure};
use eventlog::{
    Draft, Log, Outcome, TopicPartition, TopicSpec,
    kafka::{Kafka, Options},
};
use model::Input;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
};
use sinks::topics::{BINDINGS, RESULTS};
use std::{
    pin::pin,
    sync::Arc,
    task::{Poll, Wake, Waker},
    thread::Thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// How long the brokers may take to answer, and to forget a topic.
const ANSWER: Duration = Duration::from_secs(30);

/// Transactions before the first round, each with a record and an offset of all partitions.
const WARMING: u32 = 1_000;

/// Compares both sides on `brokers`.
pub(super) fn on_kafka(args: &Args, brokers: &str) -> Result<Rounds> {
    let admin = Admin::new(brokers)?;
    let inputs = Input::ALL.map(Input::topic);
    let names: Vec<&str> = inputs.into_iter().chain(RESULTS.into_iter().chain([BINDINGS])).collect();
    let known = admin.known(&names)?;
    if !known.is_empty() {
        bail!("the brokers know {} already: name brokers that no pipeline uses", known.join(", "));
    }
    let rounds = rounds(args, brokers, &admin);
    // Also after an error; the error itself matters more.
    let known = admin.known(&names).unwrap_or_default();
    let deleted = admin.delete(&known);
    rounds.and_then(|rounds| deleted.map(|()| rounds))
}

fn rounds(args: &Args, brokers: &str, admin: &Admin) -> Result<Rounds> {
    let open = || {
        let options = Options { brokers: brokers.to_owned(), group_id: None, properties: [].into() };
        Kafka::open(&options).context("the brokers do not answer")
    };
    let dir = stand::temporary(args.dir.as_deref())?;
    let run = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let partitions = stand::config(dir.path(), &[])?.log.partitions;
    let warm = TopicSpec { name: format!("bench-eos-{run}-warm").into(), partitions };
    let warmed = warm_up(&open()?, &warm);
    admin.delete(&[warm.name.to_string()])?;
    warmed?;
    preload(&open()?, args, partitions)?;
    let mut rounds = Rounds::default();
    for round in 0..=args.rounds {
        let (place, name) = (dir.path().join(round.to_string()), format!("bench-eos-{run}-{round}"));
        let values = [("commit.transactional_id", name.as_str()), ("commit.group", name.as_str())];
        let config = stand::config(&place, &values)?;
        let log: eventlog::Shared = Arc::new(open()?);
        rounds.add(round, &compare(args, round, &config, &log)?);
        // The next round begins without a past.
        admin.delete(&[BINDINGS.to_owned()])?;
    }
    Ok(rounds)
}

/// Has the brokers commit as they will be asked to.
fn warm_up(log: &dyn Log, topic: &TopicSpec) -> Result<()> {
    log.ensure_topics(std::slice::from_ref(topic))?;
    let at = |partition| TopicPartition { topic: Arc::clone(&topic.name), partition };
    let mut writer = log.writer(&topic.name)?;
    for number in 0..WARMING {
        if writer.begin().is_err() {
            // A broker that only just started may have been asked twice.
            writer = log.writer(&topic.name)?;
            writer.begin()?;
        }
        for partition in 0..topic.partitions {
            let (topic, value) = (Arc::clone(&topic.name), vec![0; 100]);
            writer.send(Draft {
                topic,
                partition,
                key: None,
                value,
                headers: Vec::new(),
                timestamp_ms: 1,
            })?;
        }
        let offsets: Vec<_> = (0..topic.partitions).map(|place| (at(place), u64::from(number))).collect();
        ensure!(writer.commit(&topic.name, &offsets)? == Outcome::Committed, "the brokers did not commit");
    }
    Ok(())
}

/// Makes topics go away.
struct Admin {
    admin: AdminClient<DefaultClientContext>,
    /// Asks what is there; it subscribes to nothing.
    looker: BaseConsumer,
}

impl Admin {
    fn new(brokers: &str) -> Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers).set("group.id", "bench-eos");
        Ok(Self { admin: config.create()?, looker: config.create()? })
    }

    /// Those of `names` that the brokers know.
    fn known(&self, names: &[&str]) -> Result<Vec<String>> {
        // All of them: asking for one by name can make it.
        let metadata = self.looker.fetch_metadata(None, ANSWER)?;
        let known = metadata.topics().iter().map(|topic| topic.name().to_owned());
        Ok(known.filter(|known| names.contains(&known.as_str())).collect())
    }

    /// Deletes `names` and waits until they are gone.
    fn delete(&self, names: &[String]) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = AdminOptions::new().request_timeout(Some(ANSWER)).operation_timeout(Some(ANSWER));
        for deleted in wait(self.admin.delete_topics(&names, &options))? {
            if let Err((topic, code)) = deleted {
                bail!("topic {topic} could not be deleted: {code}");
            }
        }
        let begun = Instant::now();
        while !self.known(&names)?.is_empty() {
            ensure!(begun.elapsed() < ANSWER, "the brokers do not forget {}", names.join(", "));
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

/// Wakes a thread that waits for a future.
struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future` on this thread.
fn wait<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Parked(std::thread::current())));
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}
