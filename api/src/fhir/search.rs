//! What a search asks for, in the words of FHIR: parameters become a statement, and back into the address of the next page.
//!
//! | parameter | |
//! |---|---|
//! | `patient`, `subject` | the person: an id, or `Patient/` and an id; must be given |
//! | `code` | `2339-0`, or with its system: `http://loinc.org\|2339-0` |
//! | `category` | `laboratory`, `vital-signs` …, or with its system |
//! | `status` | `final`, `amended`, `preliminary` |
//! | `date` | a day or an instant, after `ge`, `gt`, `le`, `lt` or nothing; may stand twice |
//! | `_sort` | `date` or `-date`, newest first |
//! | `_count` | Observations of a page, at most 1,000 |
//!
//! # Invariants
//! - A parameter that is not understood is refused, never left out: an answer to another question would be believed.
//! - Pages follow each other by time and id, so what comes between two of them shows on neither twice.

use super::{
    codes::{LOINC, MDC},
    moment::instant,
    within::{FIRST, LAST, Within},
};
use datafusion::common::ScalarValue;
use model::{Micros, UserId};
use std::fmt::Write;

/// Observations of a page where nobody says.
const PAGE: usize = 100;
/// The two names of the parameter that says whose.
const PERSON: &str = "patient";
const SUBJECT: &str = "subject";
/// Most of a page.
const MOST: usize = 1_000;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    user: UserId,
    code: Option<String>,
    category: Option<String>,
    status: Option<String>,
    within: Within,
    newest_first: bool,
    count: usize,
    /// The last Observation of the page before.
    after: Option<(Micros, String)>,
}

impl Search {
    /// Reads parameters; or says what is wrong with them.
    pub(super) fn read(parameters: &[(String, String)]) -> Result<Self, String> {
        let mut read = Self {
            user: whose(parameters)?,
            code: None,
            category: None,
            status: None,
            within: Within::default(),
            newest_first: false,
            count: PAGE,
            after: None,
        };
        for (name, value) in parameters {
            let wrong = |what: &str| format!("{name} is not understood: {what}");
            match name.as_str() {
                // Known already.
                PERSON | SUBJECT => {}
                "code" => read.code = Some(value.clone()),
                "category" => read.category = Some(value.rsplit('|').next().unwrap_or(value).to_owned()),
                "status" => read.status = Some(value.clone()),
                "date" => read.within.narrow(value).ok_or_else(|| wrong(Within::FORM))?,
                "_sort" => {
                    read.newest_first = match value.as_str() {
                        "date" => false,
                        "-date" => true,
                        _ => return Err(wrong("give date or -date")),
                    };
                }
                "_count" => {
                    let count = value.parse().ok().filter(|count| (1..=MOST).contains(count));
                    read.count = count.ok_or_else(|| wrong("give a number from 1 to 1000"))?;
                }
                "_page" => {
                    read.after = Some(place(value).ok_or_else(|| wrong("follow the link that was given"))?);
                }
                "_format" if value.contains("json") => {}
                "_format" => return Err(wrong("there is JSON only")),
                _ => {
                    return Err(format!(
                        "{name} is not known; known are patient, code, category, status, date, _sort and _count"
                    ));
                }
            }
        }
        Ok(read)
    }

    /// Observations of a page.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The statement that answers, with the values of its placeholders; it asks for one Observation more than a page has.
    pub(super) fn statement(&self) -> (String, Vec<ScalarValue>) {
        let mut values = Vec::new();
        let mut place = |value: &str| {
            values.push(ScalarValue::from(value));
            format!("${}", values.len())
        };
        let mut conditions = Vec::new();
        if let Some(code) = &self.code {
            let whole = if code.contains('|') {
                vec![code.clone()]
            } else {
                vec![format!("{LOINC}|{code}"), format!("{MDC}|{code}")]
            };
            let any: Vec<_> = whole.iter().map(|code| format!("array_has(codes, {})", place(code))).collect();
            conditions.push(format!("({})", any.join(" OR ")));
        }
        for (column, value) in [("category", &self.category), ("status", &self.status)] {
            if let Some(value) = value {
                conditions.push(format!("{column} = {}", place(value)));
            }
        }
        let Within { mut from, mut until } = self.within;
        if let Some((at, id)) = &self.after {
            // A page does not make again what stood on those before.
            if self.newest_first {
                until = Some(until.map_or(at + 1, |until| until.min(at + 1)));
            } else {
                from = from.max(Some(*at));
            }
            let beyond = if self.newest_first { '<' } else { '>' };
            let (at, id) = (format!("TIMESTAMP '{}'", instant(*at)), place(id));
            conditions.push(format!(
                "(effective {beyond} {at} OR (effective = {at} AND resource_id {beyond} {id}))"
            ));
        }
        let user = self.user;
        let (from, until) = (from.unwrap_or(FIRST).max(FIRST), until.unwrap_or(LAST).min(LAST));
        let source = format!("fhir_observations('{user}', '{}', '{}')", instant(from), instant(until));
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        let order = if self.newest_first { "DESC" } else { "ASC" };
        let limit = self.count + 1;
        let statement = format!(
            "SELECT resource_id, effective, resource FROM {source} WHERE {conditions} \
             ORDER BY effective {order}, resource_id {order} LIMIT {limit}"
        );
        (statement, values)
    }

    /// Its parameters as an address has them, with the place after `last` if there is a next page.
    pub(super) fn query(&self, last: Option<(Micros, &str)>) -> String {
        let after = self.after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let parameters = [
            (PERSON, Some(self.user.to_string())),
            ("code", self.code.clone()),
            ("category", self.category.clone()),
            ("status", self.status.clone()),
            ("date", self.within.from.map(|from| format!("ge{}", instant(from)))),
            ("date", self.within.until.map(|until| format!("lt{}", instant(until)))),
            ("_sort", self.newest_first.then(|| "-date".to_owned())),
            ("_count", Some(self.count.to_string())),
            ("_page", last.or(after).map(|(at, id)| format!("{at}.{id}"))),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| format!("{name}={}", escaped(&value))).collect::<Vec<_>>().join("&")
    }
}

/// Whose Observations are wanted: of one person.
fn whose(parameters: &[(String, String)]) -> Result<UserId, String> {
    let named = parameters.iter().filter(|(name, _)| matches!(name.as_str(), PERSON | SUBJECT));
    let users = named.map(|(name, value)| {
        let id = value.strip_prefix("Patient/").unwrap_or(value);
        id.parse::<UserId>().map_err(|_| format!("{name} is not understood: give the id of a person"))
    });
    let users: Vec<_> = users.collect::<Result<_, _>>()?;
    match &users[..] {
        [user, others @ ..] if others.iter().all(|other| other == user) => Ok(*user),
        [] => {
            Err("give the person whose Observations are wanted: patient=6ba7b810-9dad-11d1-80b4-00c04fd430c8"
                .to_owned())
        }
        _ => Err("give one person: patient and subject are two names of the same".to_owned()),
    }
}

/// The last Observation of a page, as its next link has it.
fn place(text: &str) -> Option<(Micros, String)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok().filter(|at| (FIRST..LAST).contains(at))?, id.to_owned()))
}

/// A value as an address may have it.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("a text takes any text"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Search, UserId};

    fn read(query: &[(&str, &str)]) -> Result<Search, String> {
        let user = UserId::derive(&["u"]).to_string();
        let pairs = [("patient", user.as_str())].into_iter().chain(query.iter().copied());
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Search::read(&pairs)
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_is() {
        for (name, value) in [
            ("date", "ap2026"),
            ("date", "yesterday"),
            ("date", "ge"),
            ("date", "gé2026-01-01"),
            ("_count", "0"),
            ("_count", "1001"),
            ("_sort", "code"),
            ("_page", "x"),
            ("_format", "xml"),
            ("value-quantity", "gt5"),
            ("patient", "Patient/1"),
        ] {
            let refusal = read(&[(name, value)]).expect_err(name);
            assert!(refusal.contains(name), "{refusal}");
        }
        assert!(Search::read(&[]).expect_err("of whom").contains("patient="));
    }

    #[test]
    fn the_next_address_asks_the_same_after_the_last() {
        let search = read(&[
            ("code", "http://loinc.org|2339-0"),
            ("_count", "5"),
            ("_sort", "-date"),
            ("date", "ge2026-01-01"),
        ]);
        let search = search.expect("it is understood");
        let query = search.query(Some((7, "an-id")));
        let pairs = query.split('&').map(|pair| pair.split_once('=').expect("a pair"));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.replace("%7C", "|"))).collect();
        let next = Search::read(&pairs).expect("its own link is understood");
        assert_eq!(next, Search { after: Some((7, "an-id".to_owned())), ..search });
        let (statement, values) = next.statement();
        assert!(statement.contains("LIMIT 6") && statement.contains("DESC"), "{statement}");
        assert_eq!(values.len(), 2, "{values:?}");
    }

    #[test]
    fn what_was_given_is_a_value_and_no_text_of_the_statement() {
        let (statement, values) = read(&[("code", "' OR 1=1 --"), ("category", "x' --"), ("status", "--")])
            .expect("texts")
            .statement();
        assert!(!statement.contains("--"), "{statement}");
        assert_eq!(values.len(), 4);
    }
}
