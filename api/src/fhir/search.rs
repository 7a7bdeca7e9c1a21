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
    function::micros,
    resource::instant,
};
use datafusion::common::ScalarValue;
use model::{
    Micros, UserId,
    time::{DAY, SECOND},
};

/// Observations of a page where nobody says.
const PAGE: usize = 100;
/// Most of a page.
const MOST: usize = 1_000;

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    user: UserId,
    code: Option<String>,
    category: Option<String>,
    status: Option<String>,
    from: Option<Micros>,
    until: Option<Micros>,
    newest_first: bool,
    count: usize,
    /// The last Observation of the page before.
    after: Option<(Micros, String)>,
}

impl Search {
    /// Reads parameters; or says what is wrong with them.
    pub(super) fn read(parameters: &[(String, String)]) -> Result<Self, String> {
        let (mut user, mut read) = (None, Self::of(UserId::new(Default::default())));
        for (name, value) in parameters {
            let wrong = |what: &str| format!("{name} is not understood: {what}");
            match name.as_str() {
                "patient" | "subject" => {
                    let id = value.strip_prefix("Patient/").unwrap_or(value);
                    user = Some(id.parse().map_err(|_| wrong("give the id of a person"))?);
                }
                "code" => read.code = Some(value.clone()),
                "category" => read.category = Some(value.rsplit('|').next().unwrap_or(value).to_owned()),
                "status" => read.status = Some(value.clone()),
                "date" => read.narrow(value).ok_or_else(|| {
                    wrong("give a day or an instant, as in ge2026-01-01 or lt2026-01-01T09:30:00Z")
                })?,
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
                    read.after = Some(place(value).ok_or_else(|| wrong("follow the link that was given"))?)
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
        let user = user.ok_or(
            "give the person whose Observations are wanted: patient=6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        )?;
        Ok(Self { user, ..read })
    }

    fn of(user: UserId) -> Self {
        Self {
            user,
            code: None,
            category: None,
            status: None,
            from: None,
            until: None,
            newest_first: false,
            count: PAGE,
            after: None,
        }
    }

    /// Takes one more condition on the time.
    fn narrow(&mut self, value: &str) -> Option<()> {
        let (prefix, moment) = value
            .split_at_checked(2)
            .filter(|(prefix, _)| prefix.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .unwrap_or(("eq", value));
        let (start, end) = span(moment)?;
        let (from, until) = match prefix {
            "eq" => (Some(start), Some(end)),
            "ge" => (Some(start), None),
            "gt" => (Some(end), None),
            "lt" => (None, Some(start)),
            "le" => (None, Some(end)),
            _ => return None,
        };
        self.from = self.from.max(from);
        self.until = [self.until, until].into_iter().flatten().min();
        Some(())
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
        let (mut from, mut until) = (self.from, self.until);
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
        // The years that a timestamp in nanoseconds can be of.
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
            ("patient", Some(self.user.to_string())),
            ("code", self.code.clone()),
            ("category", self.category.clone()),
            ("status", self.status.clone()),
            ("date", self.from.map(|from| format!("ge{}", instant(from)))),
            ("date", self.until.map(|until| format!("lt{}", instant(until)))),
            ("_sort", self.newest_first.then(|| "-date".to_owned())),
            ("_count", Some(self.count.to_string())),
            ("_page", last.or(after).map(|(at, id)| format!("{at}.{id}"))),
        ];
        let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| format!("{name}={}", escaped(&value))).collect::<Vec<_>>().join("&")
    }
}

/// 1700-01-01 and 2250-01-01.
const FIRST: Micros = -8_520_336_000_000_000;
const LAST: Micros = 8_835_955_200_000_000;

/// The last Observation of a page, as its next link has it.
fn place(text: &str) -> Option<(Micros, String)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok().filter(|at| (FIRST..LAST).contains(at))?, id.to_owned()))
}

/// From when, and until before when, a day or an instant is: of an instant without a fraction, a second.
fn span(text: &str) -> Option<(Micros, Micros)> {
    let start = micros(text).filter(|start| (FIRST..LAST).contains(start))?;
    let is_day = text.len() == "2026-01-01".len();
    let length = match (is_day, text.contains('.')) {
        (true, _) => DAY,
        (false, true) => 1,
        (false, false) => SECOND,
    };
    Some((start, start + length))
}

/// A value as an address may have it.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Search, UserId, instant};

    fn read(query: &[(&str, &str)]) -> Result<Search, String> {
        let user = UserId::derive(&["u"]).to_string();
        let pairs = [("patient", user.as_str())].into_iter().chain(query.iter().copied());
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Search::read(&pairs)
    }

    fn bounds(dates: &[&str]) -> (Option<String>, Option<String>) {
        let query: Vec<_> = dates.iter().map(|date| ("date", *date)).collect();
        let search = read(&query).expect("it is understood");
        (search.from.map(instant), search.until.map(instant))
    }

    #[test]
    fn dates_are_spans_and_narrow_each_other() {
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(
            bounds(&["2026-01-02"]),
            (at("2026-01-02T00:00:00.000000Z"), at("2026-01-03T00:00:00.000000Z"))
        );
        assert_eq!(bounds(&["gt2026-01-02"]), (at("2026-01-03T00:00:00.000000Z"), None));
        assert_eq!(bounds(&["le2026-01-02"]), (None, at("2026-01-03T00:00:00.000000Z")));
        assert_eq!(
            bounds(&["ge2026-01-02T10:00:00+09:00", "lt2026-01-02", "ge2025-01-01"]),
            (at("2026-01-02T01:00:00.000000Z"), at("2026-01-02T00:00:00.000000Z"))
        );
        assert_eq!(bounds(&["le2026-01-02T10:00:00Z"]).1, at("2026-01-02T10:00:01.000000Z"));
        assert_eq!(bounds(&["le2026-01-02T10:00:00.5Z"]).1, at("2026-01-02T10:00:00.500001Z"));
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
