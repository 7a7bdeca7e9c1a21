//! The log loses records of results it had promised to keep, and holds some that nobody published; a repair, which may
//! die at any operation and be begun again, publishes what is missing.
//!
//! # What must be
//! The audit sees it. After the repair every record stands once, every table, lake and state is what it was, and the
//! audit is content. Where retention took the input that would be needed, the repair says so.

use super::{
    check,
    dice::Dice,
    life::{Ended, Rest, live},
    world::{Failure, World},
};
use eventlog::{Draft, Log, TopicPartition};
use pipeline::{
    account::Account,
    repair::{Repaired, repair},
};

/// Key of records that nobody published.
pub(crate) const STRANGER: &[u8] = b"stranger";

/// Repairs that are begun; nothing goes wrong in the last of them.
const ATTEMPTS: usize = 6;

/// Tears topics of `world`, which everything was committed in, and has them mended.
pub(crate) fn tear(world: &mut World, rest: Rest) -> Result<(), Failure> {
    drop(rest);
    let mut dice = Dice::new(world.plan.seed ^ 0x7465_6172);
    if damage(world, &mut dice)? == 0 {
        return Ok(());
    }
    let audit = sinks::Auditor::of_everything(std::time::Duration::ZERO).look(&world.sim);
    let audit = audit.map_err(|error| Failure::new(format!("no audit: {error}")))?;
    if audit.ok() {
        return Err(Failure::new("the audit does not see what the log lost"));
    }
    let lives = world.plan.lives.clone().into_iter().chain(std::iter::repeat(world.plan.last.clone()));
    let mut said = String::new();
    let lives = lives.skip(world.plan.lives.len().saturating_sub(ATTEMPTS - 1)).take(ATTEMPTS);
    for (begun, life) in lives.enumerate() {
        world.rest();
        world.begin(&life);
        let (account, config, ground) =
            (Account::default(), world.config(life.workers), world.ground(life.seed));
        let repaired = repair(&config, &ground, &mut |step| step.count(&account));
        match repaired {
            // What the dead did after its death is not there.
            Ok(_) if world.is_over() => {}
            Ok(Some(Repaired { standing, .. })) => {
                let last = standing.next - 1;
                let rest = Rest { workers: standing.workers, counts: account.counts(), last };
                world.survive();
                return check::check(world, &rest, check::Order::Mended);
            }
            // One died after its epoch was committed.
            Ok(None) if begun > 0 => return go_on(world),
            Ok(None) => return Err(Failure::new("the repair finds nothing to do")),
            Err(pipeline::Error::Overtaken { .. }) if world.plan.retention => return Ok(()),
            Err(error) => said = error.to_string(),
        }
        world.end(&life);
    }
    Err(Failure::new(format!("no repair came to an end: {said}")))
}

/// The pipeline starts as ever.
fn go_on(world: &mut World) -> Result<(), Failure> {
    world.rest();
    let last = world.plan.last.clone();
    match live(world, &last)? {
        Ended::Done(rest) => check::check(world, &rest, check::Order::Mended),
        Ended::Early => Err(Failure::new("the life after a repair ended early although nothing went wrong")),
    }
}

/// Takes records away and adds some; gives their number.
fn damage(world: &World, dice: &mut Dice) -> Result<usize, Failure> {
    let (mut damaged, share) = (0, world.plan.torn);
    for topic in sinks::topics::RESULTS {
        let partitions = world.sim.partitions(topic).map_err(|error| Failure::new(error.to_string()))?;
        for partition in 0..partitions {
            let place = TopicPartition::new(topic, partition);
            let torn = world.sim.tear(&place, |_| dice.permille(share));
            damaged += torn.map_err(|error| Failure::new(error.to_string()))?;
            if dice.permille(100) {
                let (key, value) = (Some(STRANGER.to_vec()), b"noise".to_vec());
                let draft = Draft {
                    topic: topic.into(),
                    partition,
                    timestamp_ms: 1,
                    key,
                    value,
                    headers: Vec::new(),
                };
                world.sim.append(draft).map_err(|error| Failure::new(error.to_string()))?;
                damaged += 1;
            }
        }
    }
    Ok(damaged)
}
