//! The form in which version 1 kept a person's vital signs: pulse, respiration rate and oxygen saturation.

use super::{Bound, Sign, State, watch};
use crate::timeline::Timeline;
use model::{EventId, Micros, Number, Origin, UserId, Vitals};
use serde::{Deserialize, Serialize};

/// An observation as version 1 wrote it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Observation {
    user: UserId,
    at: Micros,
    event: EventId,
    hr: Option<Number>,
    pulse: Option<Number>,
    resp: Option<Number>,
    spo2: Option<Number>,
    origin: Origin,
}

/// What version 1 remembered between two of them.
#[derive(Debug, Serialize, Deserialize)]
struct Latest {
    latest: [Option<Sign>; 3],
    watch: watch::State,
}

/// Reads a timeline of version 1.
pub(super) fn read(bytes: &[u8]) -> Option<Timeline<Bound>> {
    let observation = |of: Observation| {
        let Observation { user, at, event, hr, pulse, resp, spo2, origin } = of;
        let (systolic, diastolic, temperature, consciousness, oxygen) = (None, None, None, None, None);
        Vitals {
            user,
            at,
            event,
            hr,
            pulse,
            resp,
            spo2,
            systolic,
            diastolic,
            temperature,
            consciousness,
            oxygen,
            origin,
        }
    };
    Timeline::read_as(bytes, observation, |Latest { latest: [pulse, resp, spo2], watch }| State {
        latest: [None, None, pulse, resp, spo2, None, None],
        watch,
    })
}

#[cfg(test)]
mod tests {
    use super::{Latest, Observation};
    use crate::{
        risk::bound::{Bound, Options, State},
        risk::watch,
        state::Stored,
        timeline::{Fold, Timeline},
    };
    use model::{AlertChange, EventId, Input, Number, Origin, UserId, Vitals};
    use serde::Serialize;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    struct Written {
        base: Latest,
        facts: BTreeMap<Observation, i64>,
        checkpoints: BTreeMap<Observation, Latest>,
        outputs: BTreeMap<Observation, AlertChange>,
        tail: Latest,
        behind: usize,
    }

    fn observed(second: i64) -> Vitals {
        Vitals {
            user: UserId::derive(&["a"]),
            at: second * 1_000_000,
            event: EventId::derive(&["v", &second.to_string()]),
            // From the first checkpoint on only what was remembered knows the pulse and the saturation.
            hr: (second < 32).then(|| Number::from(70)),
            pulse: None,
            resp: Some(Number::from(26)),
            spo2: (second < 32).then(|| Number::from(97)),
            systolic: None,
            diastolic: None,
            temperature: None,
            consciousness: None,
            oxygen: None,
            origin: Origin { input: Input::Vitals, partition: 0, offset: second as u64 },
        }
    }

    fn former(vitals: &Vitals) -> Observation {
        let Vitals { user, at, event, hr, pulse, resp, spo2, origin, .. } = *vitals;
        Observation { user, at, event, hr, pulse, resp, spo2, origin }
    }

    fn latest(state: &State) -> Latest {
        let [_, _, pulse, resp, spo2, _, _] = state.latest;
        Latest { latest: [pulse, resp, spo2], watch: state.watch.clone() }
    }

    /// What version 1 wrote in the middle of a run goes on as if nothing had happened, corrections included.
    #[test]
    fn what_version_1_wrote_goes_on_as_it_would_have() {
        let watch = watch::Options {
            raise_after_seconds: 60,
            raise_after_observations: u32::MAX,
            clear_after_seconds: 600,
        };
        let bound = Bound::new(Options { max_age_minutes: 60, watch });
        // 1. The same facts, by this version and as version 1 would have written what it knew of them.
        let (mut ours, mut state) = (Timeline::<Bound>::default(), State::default());
        let mut written = Written {
            base: latest(&State::default()),
            facts: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            outputs: BTreeMap::new(),
            tail: latest(&State::default()),
            behind: 0,
        };
        for second in 0..80 {
            let output = bound.step(&mut state, &observed(second));
            written.facts.insert(former(&observed(second)), 1);
            written.outputs.extend(output.map(|output| (former(&observed(second)), output)));
            written.behind += 1;
            if written.behind == 32 {
                written.checkpoints.insert(former(&observed(second)), latest(&state));
                written.behind = 0;
            }
        }
        written.tail = latest(&state);
        ours.apply(&bound, (0..80).map(|second| (observed(second), 1)), |_, _| {});
        let bytes = postcard::to_allocvec(&written).unwrap();
        let mut theirs = <Timeline<Bound> as Stored>::older(1, &bytes).unwrap();
        // 2. A correction in the past, and what comes next.
        let changes = || {
            let calm = Vitals { resp: Some(Number::from(15)), ..observed(40) };
            [(observed(40), -1), (calm, 1)].into_iter().chain((80..140).map(|second| (observed(second), 1)))
        };
        let said = |timeline: &mut Timeline<Bound>| {
            let mut said = Vec::new();
            timeline.apply(&bound, changes(), |output, diff| said.push((output, diff)));
            said
        };
        let (ours, theirs) = (said(&mut ours), said(&mut theirs));
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), 2, "one alert is withdrawn and another raised");
        assert!(<Timeline<Bound> as Stored>::older(0, &bytes).is_none());
    }
}
