//! What the neighbours of a fingerprint say it is.

/// The label most neighbours have; of labels that equally many have, that of the nearest neighbour among them.
///
/// `labels` are those of the neighbours, from the nearest on; `None` without a neighbour.
///
/// # Examples
/// ```
/// # use operators::similar::vote;
/// assert_eq!(vote(&["lactate", "glucose", "glucose"]), Some(&"glucose"));
/// assert_eq!(vote(&["lactate", "glucose"]), Some(&"lactate"));
/// ```
pub fn vote<Label: Eq>(labels: &[Label]) -> Option<&Label> {
    let votes = |label: &Label| labels.iter().filter(|other| *other == label).count();
    // Of equal elements `max_by_key` gives the last, so from the farthest on it gives the nearest.
    labels.iter().rev().max_by_key(|label| votes(label))
}
