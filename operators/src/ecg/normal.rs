//! Tells intervals between normal beats from those that an ectopic beat cut short or drew out.
//!
//! The rule is that of `PhysioNet`'s HRV Toolkit (Mietus, Goldberger, "Heart rate variability analysis with the HRV Toolkit",
//! `get_hrv -f "0.2 20"`): an interval that is off by more than 20 % from the mean of the 20 intervals to each side does not
//! count. At the edges of a window the mean is of those there are.
//!
//! Ours is what follows. An interval counts if the beats at both its ends are normal, so a premature beat costs the short
//! interval before it and the pause behind it, even if one of the two is off by less: what comes after a short interval
//! and what comes before a long one goes too. (Of the annotated beats of MIT-BIH 100, in the first five minutes, that
//! leaves exactly the 362 intervals between normal ones; the toolkit's rule alone leaves 364.) The toolkit also leaves
//! out what is shorter than 0.4 s or longer than 2 s; here the bounds are those of [`dsp::hrv`], 0.2 and 3 s, so
//! that a fast heart has a rate too.

/// How far an interval may be off the mean of its neighbours, as a share of it.
const OFF: f64 = 0.2;
/// Neighbours to each side.
const NEIGHBOURS: usize = 20;
/// Intervals that a heart can have, ms (see [`dsp::hrv`]).
const PLAUSIBLE_MS: std::ops::RangeInclusive<f64> = 200.0..=3_000.0;

/// Adds the normal ones of `intervals_ms` to `normal`; those no heart can have go from both.
pub(super) fn normal(intervals_ms: &mut Vec<f64>, normal: &mut Vec<f64>) {
    intervals_ms.retain(|interval| PLAUSIBLE_MS.contains(interval));
    let off = |index: usize| intervals_ms.get(index).map_or(0.0, |_| off(intervals_ms, index));
    // How far the interval before is off, this one, and the next.
    let (mut before, mut this) = (0.0, off(0));
    for (index, interval) in intervals_ms.iter().enumerate() {
        let next = off(index + 1);
        if this.abs() <= OFF && before >= -OFF && next <= OFF {
            normal.push(*interval);
        }
        (before, this) = (this, next);
    }
}

/// How far an interval is off the mean of its neighbours, as a share of it; negative if it is short.
fn off(intervals_ms: &[f64], index: usize) -> f64 {
    let until = (index + NEIGHBOURS + 1).min(intervals_ms.len());
    let around = &intervals_ms[index.saturating_sub(NEIGHBOURS)..until];
    let neighbours = around.len() - 1;
    if neighbours == 0 {
        return 0.0;
    }
    let mean = (around.iter().sum::<f64>() - intervals_ms[index]) / neighbours as f64;
    (intervals_ms[index] - mean) / mean
}

#[cfg(test)]
mod tests {
    fn normal(intervals: &[f64]) -> Vec<f64> {
        let mut found = Vec::new();
        super::normal(&mut intervals.to_vec(), &mut found);
        found
    }

    #[test]
    fn an_ectopic_beat_costs_the_intervals_at_both_its_sides() {
        let mut intervals: Vec<f64> = (0..60).map(|beat| 800.0 + f64::from(beat % 7) * 10.0).collect();
        assert_eq!(normal(&intervals), intervals);
        (intervals[30], intervals[31]) = (500.0, 1_100.0);
        let mut expected = intervals.clone();
        expected.drain(30..32);
        assert_eq!(normal(&intervals), expected);
        // One of the two is off by less than 20 %.
        for (short, pause) in [(700.0, 1_100.0), (600.0, 950.0)] {
            (intervals[30], intervals[31]) = (short, pause);
            assert_eq!(normal(&intervals), expected);
        }
    }

    #[test]
    fn a_rate_that_changes_is_normal() {
        // From 50 to 150 beats a minute within 120 beats: every interval is near those around it.
        let intervals: Vec<f64> =
            (0..120).map(|beat| 1_200.0 * (1.0_f64 / 3.0).powf(f64::from(beat) / 119.0)).collect();
        assert_eq!(normal(&intervals).len(), 120);
    }

    #[test]
    fn few_intervals_are_judged_by_those_there_are() {
        assert_eq!(normal(&[]), [0.0; 0]);
        assert_eq!(normal(&[800.0]), [800.0]);
        assert_eq!(normal(&[800.0, 810.0, 150.0, 4_000.0]), [800.0, 810.0]);
    }
}
