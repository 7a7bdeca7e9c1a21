//! One run, decided in advance: what is sent, what goes wrong, when each life ends.
//!
//! A plan comes from a seed and can be changed by hand or by [`super::shrink`]; printed as JSON it is all that is
//! needed to run it again.

use super::dice::Dice;
use eventlog::sim::Faults;
use serde::{Deserialize, Serialize};

/// A run.
#[allow(clippy::struct_excessive_bools, reason = "each is one thing that can go wrong")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) users: u32,
    /// Users with a device that streams packets.
    pub(crate) devices: u32,
    /// Event time.
    pub(crate) seconds: u32,
    pub(crate) partitions: u32,
    /// Records broken, sent twice and never sent, in a thousand.
    pub(crate) broken: u64,
    pub(crate) twice: u64,
    pub(crate) never: u64,
    pub(crate) horizon_s: u64,
    /// Share of the log's faults that are on, percent: 0 is a log without faults.
    pub(crate) log_faults: u16,
    /// Whether files fail to be written now and then, or the disk is full for a while.
    pub(crate) disk_faults: bool,
    /// Whether the newest snapshot loses a bit between two lives, now and then.
    pub(crate) rot: bool,
    /// Whether input is deleted once no snapshot needs it.
    pub(crate) retention: bool,
    /// Whether a topic gets another partition on the way.
    pub(crate) growth: bool,
    /// Lives that end before their time; one more follows that does not.
    pub(crate) lives: Vec<Life>,
    pub(crate) last: Life,
    /// Whether the log loses records of results in the end, in a thousand; they are published again.
    #[serde(default)]
    pub(crate) torn: u64,
}

/// From one start to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Whether the power goes, and not only the process.
    pub(crate) power: bool,
    pub(crate) end: End,
}

/// When a life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum End {
    /// At so many operations on the disk, recovery included.
    Disk(u64),
    /// After so many turns of the driver.
    Turn(u64),
    /// At the so-manyeth commit, before, while or after the log is asked.
    Log(u64),
    /// Not before everything is done.
    Never,
}

impl Plan {
    /// The plan of `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let users = dice.within(1..4) as u32;
        let lives = (0..dice.below(5)).map(|_| Life::random(&mut dice)).collect();
        Self {
            seed,
            users,
            devices: dice.below(u64::from(users) + 1).min(2) as u32,
            seconds: dice.within(25..90) as u32,
            partitions: dice.within(1..4) as u32,
            broken: dice.below(60),
            twice: dice.below(200),
            never: dice.below(60),
            horizon_s: dice.within(21..50),
            log_faults: if dice.permille(200) { 0 } else { dice.within(20..200) as u16 },
            disk_faults: dice.permille(400),
            rot: dice.permille(300),
            retention: dice.permille(300),
            growth: dice.permille(300),
            lives,
            last: Life { end: End::Never, ..Life::random(&mut dice) },
            torn: if dice.permille(150) { dice.within(1..400) } else { 0 },
        }
    }

    /// What goes wrong with the log.
    pub(crate) fn faults(&self) -> Faults {
        let share = |rate: u16| (u32::from(rate) * u32::from(self.log_faults) / 100) as u16;
        let all = Faults::ALL;
        Faults {
            end_late: share(all.end_late),
            end_repeated: share(all.end_repeated),
            end_reply_lost: share(all.end_reply_lost),
            end_request_lost: share(all.end_request_lost),
            end_after_giving_up: share(all.end_after_giving_up),
            open_repeated: share(all.open_repeated),
            produce_timeout: share(all.produce_timeout),
            produce_later: share(all.produce_later),
            markers_late: share(all.markers_late),
            begin_fails: share(all.begin_fails),
            send_fails: share(all.send_fails),
            commit_fails: share(all.commit_fails),
            outage: share(all.outage),
            restart: share(all.restart),
            poll_few: share(all.poll_few),
            poll_none: share(all.poll_none),
            reuse_after_doubt: model::planted::is(model::planted::Bug::ReuseWriter),
        }
    }
}

impl Life {
    fn random(dice: &mut Dice) -> Self {
        let end = match dice.below(10) {
            0..6 => End::Disk(dice.within(1..400)),
            6..8 => End::Log(dice.within(1..20)),
            _ => End::Turn(dice.within(1..120)),
        };
        Self { seed: dice.next(), workers: dice.within(1..4) as usize, power: dice.permille(600), end }
    }
}
