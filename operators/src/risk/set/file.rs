//! A rule set from the text of its file: rules, to whom they apply, and what their points add up to.

use super::{
    Applicability, Reached, Risk, Rule, RuleSet, Total, column,
    error::Error,
    read::{File, Section},
};
use model::{Region, Sex};

const SET: [&str; 6] = ["id", "version", "effective", "title", "mapping", "rule"];
const RULE: [&str; 11] = [
    "id",
    "name",
    "source",
    "age_from",
    "in_pregnancy",
    "needs_sex",
    "sex",
    "region",
    "occasions",
    "parameter",
    "total",
];
const TOTAL: [&str; 6] = ["level", "at_least", "at_most", "single", "class", "source"];

/// Reads a file; `is_taken` says which ids of rules other files have.
pub(super) fn read(name: &str, text: &str, is_taken: impl Fn(&str) -> bool) -> Result<RuleSet, Error> {
    let file = File { name, text };
    let table = file.parse()?;
    let section = Section::open(file, &table, 0, &SET)?;
    let mut set = RuleSet {
        id: section.need_text("id")?,
        version: section.need_text("version")?,
        effective: section.need_date("effective")?,
        title: section.need_text("title")?,
        mapping: section.need_text("mapping")?,
        rules: Vec::new(),
    };
    for rule in section.sections("rule", &RULE)? {
        let read = self::rule(&rule)?;
        if is_taken(&read.id) || set.rules.iter().any(|known| known.id == read.id) {
            return Err(rule.bad("id", &format!("\"{}\" is another rule's", read.id)));
        }
        set.rules.push(read);
    }
    if set.rules.is_empty() {
        return Err(section.missing("rule"));
    }
    Ok(set)
}

fn rule(section: &Section<'_>) -> Result<Rule, Error> {
    let source = section.need_text("source")?;
    let totals = totals(section, &source)?;
    let columns = column::columns(section, &source, !totals.is_empty())?;
    if columns.is_empty() {
        return Err(section.missing("parameter"));
    }
    Ok(Rule {
        id: section.need_text("id")?,
        name: section.need_text("name")?,
        applies: applies(section)?,
        occasions: section.count("occasions")?.unwrap_or(1),
        columns,
        totals,
    })
}

fn applies(section: &Section<'_>) -> Result<Applicability, Error> {
    let sex = section.choice("sex", &Sex::ALL)?;
    Ok(Applicability {
        age_from: section.count("age_from")?.ok_or_else(|| section.missing("age_from"))?,
        in_pregnancy: section.truth("in_pregnancy")?.ok_or_else(|| section.missing("in_pregnancy"))?,
        needs_sex: section.truth("needs_sex")?.unwrap_or(false) || sex.is_some(),
        sex,
        region: section.choice("region", &Region::ALL)?,
    })
}

/// The totals of a score; a level must ask for more points than the one below it.
fn totals(rule: &Section<'_>, source: &str) -> Result<Vec<Total>, Error> {
    let mut totals: Vec<Total> = Vec::new();
    for section in rule.sections("total", &TOTAL)? {
        let level = section.choice("level", &Risk::ALL)?.ok_or_else(|| section.missing("level"))?;
        let asked = [
            section.count("at_least")?.map(Reached::AtLeast),
            section.count("at_most")?.map(Reached::AtMost),
            section.count("single")?.map(Reached::Single),
        ];
        let wrong = |problem: &str| Error::Limits { at: section.place(), problem: problem.to_owned() };
        let [Some(reached)] = asked.into_iter().flatten().map(Some).collect::<Vec<_>>()[..] else {
            return Err(wrong("a total has one of \"at_least\", \"at_most\" and \"single\""));
        };
        if matches!(reached, Reached::AtMost(_)) != (level == Risk::Low) {
            return Err(wrong("\"at_most\" and LOW belong together: only few points are a low risk"));
        }
        for known in &totals {
            let falls = match (known.reached, reached) {
                (Reached::AtLeast(one), Reached::AtLeast(other))
                | (Reached::Single(one), Reached::Single(other)) => {
                    one == other || (one < other) != (known.level < level)
                }
                (Reached::AtMost(most), Reached::AtLeast(least))
                | (Reached::AtLeast(least), Reached::AtMost(most)) => least <= most,
                (Reached::AtMost(_), Reached::AtMost(_)) => true,
                (Reached::Single(_), _) | (_, Reached::Single(_)) => false,
            };
            if falls {
                return Err(wrong(&format!(
                    "more points must lead to a higher level; compare \"{}\"",
                    known.class
                )));
            }
        }
        totals.push(Total {
            class: section.need_text("class")?,
            level,
            reached,
            source: section.text("source")?.unwrap_or(source).to_owned(),
        });
    }
    Ok(totals)
}
