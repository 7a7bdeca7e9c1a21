//! The parameters of a rule: their rows, whether they go together, and the scales made of them.
//!
//! # Invariants
//! Rows that are not in force are checked like the others, and no LOW row reaches into them: what nobody checked is
//! not called well either.

use super::{
    Case, Column, Outcome, Risk, Row, When,
    error::Error,
    read::Section,
    scale::{Edge, Limits, Scale},
};
use crate::risk::parameter::Parameter;
use model::{Micros, time::SECOND};

const COLUMN: [&str; 5] = ["name", "unit", "round_to", "max_age_minutes", "row"];
const LEVEL_ROW: [&str; 10] =
    ["level", "at_least", "above", "at_most", "below", "class", "source", "enabled", "unchecked", "confirm"];
const POINTS_ROW: [&str; 9] =
    ["points", "at_least", "above", "at_most", "below", "class", "source", "oxygen", "hypercapnic"];

/// The parameters of a rule, of a score or of levels.
pub(super) fn columns(rule: &Section<'_>, source: &str, is_score: bool) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<Column> = Vec::new();
    for section in rule.sections("parameter", &COLUMN)? {
        let column = column(&section, source, is_score)?;
        if columns.iter().any(|known| known.parameter == column.parameter) {
            return Err(section.bad("name", "stands twice in this rule"));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn column(section: &Section<'_>, source: &str, is_score: bool) -> Result<Column, Error> {
    let names = Parameter::ALL.map(|(parameter, name, _)| (name, parameter));
    let parameter = section.choice("name", &names)?.ok_or_else(|| section.missing("name"))?;
    if section.need_text("unit")? != parameter.unit() {
        return Err(section.bad("unit", &format!("must be \"{}\", the unit it is kept in", parameter.unit())));
    }
    let keys: &[&str] = if is_score { &POINTS_ROW } else { &LEVEL_ROW };
    let sections = section.sections("row", keys)?;
    let read = |section: &Section<'_>| {
        if is_score { points(section, source) } else { level(section, source) }
    };
    let rows = sections.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let parts = parts(section)?;
    let minutes = section.count("max_age_minutes")?;
    let scales = if is_score {
        let scales = Case::ALL.map(|case| score_scale(section, &sections, &rows, parts, case));
        let scales = scales.into_iter().collect::<Result<Vec<_>, _>>()?;
        let is_same = scales.iter().all(|scale| *scale == scales[0]);
        if is_same { scales[..1].to_vec() } else { scales }
    } else {
        check_levels(&sections, &rows)?;
        vec![level_scale(&rows)]
    };
    let max_age = minutes.map(|minutes| Micros::from(minutes) * 60 * SECOND);
    Ok(Column { parameter, parts, max_age, rows, scales })
}

/// Parts of the unit to round to, from the length of one.
fn parts(section: &Section<'_>) -> Result<u32, Error> {
    let Some(step) = section.number("round_to")? else { return Ok(0) };
    let parts = 1.0 / step.get();
    let whole = parts.round();
    if !(1.0..=1_000.0).contains(&whole) || (parts - whole).abs() > 1e-9 {
        return Err(section.bad("round_to", "must be 1 or a whole part of it, as 0.1"));
    }
    Ok(whole as u32)
}

fn limits(section: &Section<'_>) -> Result<Limits, Error> {
    let edge = |included: &str, excluded: &str| -> Result<Option<Edge>, Error> {
        let edge = |value, included| Edge { value, included };
        match (section.number(included)?, section.number(excluded)?) {
            (Some(_), Some(_)) => {
                Err(section.bad(excluded, &format!("and \"{included}\" exclude each other")))
            }
            (Some(value), None) => Ok(Some(edge(value, true))),
            (None, value) => Ok(value.map(|value| edge(value, false))),
        }
    };
    let limits = Limits { low: edge("at_least", "above")?, high: edge("at_most", "below")? };
    let problem = if limits == Limits::default() {
        "a row needs a limit: \"at_least\", \"above\", \"at_most\" or \"below\""
    } else if limits.first() > limits.last() {
        "no value lies between these limits"
    } else {
        return Ok(limits);
    };
    Err(Error::Limits { at: section.place(), problem: problem.to_owned() })
}

fn level(section: &Section<'_>, source: &str) -> Result<Row, Error> {
    let level = section.choice("level", &Risk::ALL)?.ok_or_else(|| section.missing("level"))?;
    let unchecked = section.truth("unchecked")?.unwrap_or(false);
    let enabled = section.truth("enabled")?.ok_or_else(|| section.missing("enabled"))?;
    if enabled && unchecked {
        return Err(
            section.bad("enabled", "must be false while the row is unchecked: compare it with its source")
        );
    }
    let limits = limits(section)?;
    if level != Risk::Low && limits.low.is_some() && limits.high.is_some() {
        let problem =
            "a row above LOW has one limit and goes on without end; the next row takes over where it begins";
        return Err(Error::Limits { at: section.place(), problem: problem.to_owned() });
    }
    Ok(Row {
        class: section.need_text("class")?,
        outcome: Outcome::Level(level),
        limits,
        when: When::default(),
        source: section.text("source")?.unwrap_or(source).to_owned(),
        enabled,
        unchecked,
        confirm: section.truth("confirm")?.unwrap_or(false),
    })
}

fn points(section: &Section<'_>, source: &str) -> Result<Row, Error> {
    Ok(Row {
        class: section.need_text("class")?,
        outcome: Outcome::Points(section.count("points")?.ok_or_else(|| section.missing("points"))?),
        limits: limits(section)?,
        when: When { hypercapnic: section.truth("hypercapnic")?, oxygen: section.truth("oxygen")? },
        source: section.text("source")?.unwrap_or(source).to_owned(),
        enabled: true,
        unchecked: false,
        confirm: false,
    })
}

/// Checks every pair of rows: away from what is calm, levels do not fall, and nothing is claimed twice.
fn check_levels(sections: &[Section<'_>], rows: &[Row]) -> Result<(), Error> {
    for (place, row) in rows.iter().enumerate() {
        for known in &rows[..place] {
            if !is_in_order(known, row) {
                let problem = format!(
                    "\"{}\" ({}) does not go together with \"{}\" ({}): limits overlap, or a level falls \
                     away from what is calm",
                    row.class, row.limits, known.class, known.limits
                );
                return Err(Error::Limits { at: sections[place].place(), problem });
            }
        }
    }
    Ok(())
}

fn is_in_order(one: &Row, other: &Row) -> bool {
    let (first, second) = (one.outcome.risk(), other.outcome.risk());
    let both_rise = one.limits.high.is_none() && other.limits.high.is_none();
    let both_fall = one.limits.low.is_none() && other.limits.low.is_none();
    if first.min(second) == Risk::Low || !(both_rise || both_fall) {
        return !one.limits.overlaps(&other.limits);
    }
    let outward = if both_rise {
        one.limits.first().total_cmp(&other.limits.first())
    } else {
        other.limits.last().total_cmp(&one.limits.last())
    };
    outward.is_ne() && (first == second || outward == first.cmp(&second))
}

impl Outcome {
    /// The level; of points none.
    fn risk(self) -> Risk {
        match self {
            Self::Level(level) => level,
            Self::Points(_) => Risk::Low,
        }
    }
}

/// Rows in force; of two that both claim a value, the one that begins further out has it.
fn level_scale(rows: &[Row]) -> Scale {
    let mut in_force: Vec<_> = rows.iter().enumerate().filter(|(_, row)| row.enabled).collect();
    // What reaches less far is further out. LOW rows share nothing with others, and nothing goes both ways.
    let reach = |limits: &Limits| if limits.high.is_none() { -limits.first() } else { limits.last() };
    in_force.sort_by(|(_, one), (_, other)| reach(&other.limits).total_cmp(&reach(&one.limits)));
    let ranges: Vec<_> = in_force.into_iter().map(|(place, row)| (place, &row.limits)).collect();
    Scale::over(&ranges)
}

/// The scale of a score in one case: every value, once rounded, has exactly one row.
fn score_scale(
    column: &Section<'_>,
    sections: &[Section<'_>],
    rows: &[Row],
    parts: u32,
    case: Case,
) -> Result<Scale, Error> {
    let mut of_case: Vec<_> = rows.iter().enumerate().filter(|(_, row)| row.when.holds(case)).collect();
    of_case.sort_by(|(_, one), (_, other)| one.limits.first().total_cmp(&other.limits.first()));
    let wrong = |place: Option<usize>, problem: &str| {
        let section = place.map_or(column, |place| &sections[place]);
        Error::Limits { at: section.place(), problem: problem.to_owned() }
    };
    let ends = of_case.first().is_some_and(|(_, row)| row.limits.low.is_none())
        && of_case.last().is_some_and(|(_, row)| row.limits.high.is_none());
    if !ends {
        return Err(wrong(
            None,
            "the rows of a score must have points for every value, down and up without end",
        ));
    }
    for pair in of_case.windows(2) {
        let [(_, one), (place, other)] = pair else { continue };
        let (last, first) = (one.limits.last(), other.limits.first());
        if last >= first {
            return Err(wrong(Some(*place), "the row and the one before it claim the same value"));
        }
        let step = f64::from(parts);
        let meet = if parts == 0 {
            last.next_up() >= first
        } else {
            (last * step).round() + 1.0 >= (first * step).round()
        };
        if !meet {
            return Err(wrong(
                Some(*place),
                "between the row and the one before it are values without points",
            ));
        }
    }
    let ranges: Vec<_> = of_case.into_iter().map(|(place, row)| (place, &row.limits)).collect();
    Ok(Scale::over(&ranges))
}
