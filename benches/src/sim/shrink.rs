//! Makes a plan that fails smaller, one thing at a time, as long as it still fails.

use super::{
    plan::{End, Life, Plan},
    simulate,
    world::Failure,
};

/// Runs at most so many plans.
const TRIES: usize = 200;

/// A smaller plan that fails, with its failure; none if `plan` does not fail.
pub(crate) fn shrink(plan: &Plan) -> Option<(Plan, Failure)> {
    let mut best = (plan.clone(), simulate(plan).err()?);
    let mut tries = 0;
    loop {
        let smaller = candidates(&best.0).into_iter().find_map(|plan| {
            tries += 1;
            if tries > TRIES {
                return None;
            }
            simulate(&plan).err().map(|failure| (plan, failure))
        });
        match smaller {
            Some(found) => best = found,
            None => return Some(best),
        }
    }
}

/// Plans with one thing less than `plan`.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    for life in 0..plan.lives.len() {
        let mut lives = plan.lives.clone();
        lives.remove(life);
        all.push(Plan { lives, ..plan.clone() });
    }
    all.push(Plan { log_faults: 0, ..plan.clone() });
    all.push(Plan { disk_faults: false, ..plan.clone() });
    all.push(Plan { torn: 0, ..plan.clone() });
    all.push(Plan { rot: false, ..plan.clone() });
    all.push(Plan { retention: false, ..plan.clone() });
    all.push(Plan { growth: false, ..plan.clone() });
    all.push(Plan { broken: 0, ..plan.clone() });
    all.push(Plan { twice: 0, ..plan.clone() });
    all.push(Plan { never: 0, ..plan.clone() });
    all.push(Plan { devices: 0, ..plan.clone() });
    all.push(Plan { users: 1, devices: plan.devices.min(1), ..plan.clone() });
    all.push(Plan { partitions: 1, ..plan.clone() });
    all.push(Plan { seconds: plan.seconds / 2, ..plan.clone() });
    for (place, life) in plan.lives.iter().enumerate() {
        let simpler = [
            Life { workers: 1, ..life.clone() },
            Life { power: false, ..life.clone() },
            Life { end: earlier(life.end), ..life.clone() },
        ];
        for life in simpler {
            let mut lives = plan.lives.clone();
            lives[place] = life;
            all.push(Plan { lives, ..plan.clone() });
        }
    }
    all.push(Plan { last: Life { workers: 1, ..plan.last.clone() }, ..plan.clone() });
    all.retain(|other| other != plan && other.seconds > 0);
    all
}

fn earlier(end: End) -> End {
    match end {
        End::Disk(at) => End::Disk(at / 2),
        End::Turn(at) => End::Turn(at / 2),
        End::Log(at) => End::Log(at / 2),
        End::Never => End::Never,
    }
}
