//! What SQL can ask about FHIR: the Observations of a person, and one by its id, of the epoch the statement sees.
//!
//! ```sql
//! SELECT code, effective, resource FROM fhir_observations('6ba7…') WHERE status <> 'preliminary';
//! SELECT resource FROM fhir_observations('6ba7…', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
//! SELECT resource FROM fhir_observation('6ba7…-hr');
//! ```
//!
//! Rows become Observations batch by batch while the statement runs, within its limits: a function is a view of the tables.

use super::{
    make::{Make, Source, fields},
    moment::micros,
    vital,
};
use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, plan_err},
    datasource::{ViewTable, provider_as_source},
    functions::core::expr_fn::get_field,
    logical_expr::{Expr, LogicalPlanBuilder, ScalarUDF, col, lit},
};
use model::{EventId, Micros, SessionId, UserId};
use std::sync::Arc;

/// Name of the Observations of a row before they become rows.
const MADE: &str = "made";

/// What is asked for: the functions are two forms of one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// `fhir_observations(user [, from, until])`: those of a person.
    OfPerson,
    /// `fhir_observation(id)`: that of this id.
    OfId,
}

/// A table function over the tables of one snapshot.
#[derive(Debug)]
pub(crate) struct Asked {
    form: Form,
    tables: [Arc<dyn TableProvider>; 3],
}

impl Asked {
    /// Every form, by its name, over the tables that `table` gives by theirs; none if one is missing.
    pub(crate) fn functions(
        table: impl Fn(&str) -> Option<Arc<dyn TableProvider>>,
    ) -> Option<[(&'static str, Self); 2]> {
        let [records, vitals, windows] = Source::ALL.map(|source| table(source.table().0));
        let tables = [records?, vitals?, windows?];
        let function = |form| Self { form, tables: tables.clone() };
        Some([("fhir_observations", function(Form::OfPerson)), ("fhir_observation", function(Form::OfId))])
    }

    /// The Observations of the rows of `source` for which `condition` is true.
    fn part(&self, source: Source, condition: Expr) -> Result<LogicalPlanBuilder> {
        let table = Arc::clone(&self.tables[source as usize]);
        let make = ScalarUDF::new_from_impl(Make::of(source));
        let columns = source.columns().iter().map(|name| col(*name)).collect();
        LogicalPlanBuilder::scan(source.table().0, provider_as_source(table), None)?
            .filter(condition)?
            .project([make.call(columns).alias(MADE)])?
            .unnest_column(MADE)?
            .project(fields().iter().map(|field| get_field(col(MADE), field.name()).alias(field.name())))
    }

    fn of_person(
        &self,
        user: UserId,
        (from, until): (Option<Micros>, Option<Micros>),
    ) -> Result<LogicalPlanBuilder> {
        let part = |source: Source| {
            let moment = |at| lit(ScalarValue::TimestampMicrosecond(Some(at), Some("UTC".into())));
            let time = || col(source.table().1);
            let mut condition = col("user_id").eq(lit(user.to_string()));
            if let Some(from) = from {
                condition = condition.and(time().gt_eq(moment(from)));
            }
            if let Some(until) = until {
                condition = condition.and(time().lt(moment(until)));
            }
            if source == Source::Windows {
                condition = condition.and(col("good"));
            }
            self.part(source, condition)
        };
        let [records, vitals, windows] = Source::ALL.map(part);
        records?.union(vitals?.build()?)?.union(windows?.build()?)
    }

    fn of_id(&self, id: &str) -> Result<LogicalPlanBuilder> {
        let nothing = || self.part(Source::Records, lit(false));
        let found = match Id::parse(id) {
            None => return nothing(),
            Some(Id::Record(record)) => {
                self.part(Source::Records, col("record_id").eq(lit(record.to_string())))
            }
            Some(Id::Vital(event)) => self.part(Source::Vitals, col("event_id").eq(lit(event.to_string()))),
            Some(Id::Window(session, start)) => {
                let start = lit(ScalarValue::TimestampMicrosecond(Some(start), Some("UTC".into())));
                let session = col("session_id").eq(lit(session.to_string()));
                self.part(Source::Windows, session.and(col("window_start").eq(start)).and(col("good")))
            }
        };
        found?.filter(col("resource_id").eq(lit(id)))
    }
}

impl TableFunctionImpl for Asked {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let texts: Vec<Option<&str>> = args.exprs().iter().map(text).collect();
        let plan = match (self.form, &texts[..]) {
            (Form::OfPerson, [Some(user), span @ ..]) if span.len() <= 2 => {
                let moments: Option<Vec<_>> = span.iter().map(|moment| micros((*moment)?)).collect();
                let (Ok(user), Some(moments)) = (user.parse(), moments) else {
                    return plan_err!("{}", self.form.usage());
                };
                self.of_person(user, (moments.first().copied(), moments.get(1).copied()))
            }
            (Form::OfId, [Some(id)]) => self.of_id(id),
            _ => return plan_err!("{}", self.form.usage()),
        };
        Ok(Arc::new(ViewTable::new(plan?.build()?, None)))
    }
}

impl Form {
    const fn usage(self) -> &'static str {
        match self {
            Self::OfPerson => {
                "fhir_observations takes the id of a person, and from when and until before when, if not all are \
                 wanted: fhir_observations('6ba7b810-9dad-11d1-80b4-00c04fd430c8', '2026-01-01T00:00:00Z', \
                 '2026-02-01T00:00:00Z')"
            }
            Self::OfId => {
                "fhir_observation takes the id of an Observation, as fhir_observations has it in resource_id"
            }
        }
    }
}

/// What an id is of.
#[derive(Debug, PartialEq, Eq)]
enum Id {
    Record(EventId),
    Vital(EventId),
    Window(SessionId, Micros),
}

impl Id {
    /// `None` of what no Observation is called.
    fn parse(text: &str) -> Option<Self> {
        /// Length of a UUID in words.
        const UUID: usize = 36;
        let (uuid, ending) = (text.get(..UUID)?, text.get(UUID..)?);
        let Some(ending) = ending.strip_prefix('-') else {
            return ending.is_empty().then(|| uuid.parse().ok()).flatten().map(Self::Record);
        };
        if vital::endings().any(|known| known == ending) {
            return uuid.parse().ok().map(Self::Vital);
        }
        Some(Self::Window(uuid.parse().ok()?, ending.parse().ok()?))
    }
}

fn text(argument: &Expr) -> Option<&str> {
    match argument {
        Expr::Literal(
            ScalarValue::Utf8(Some(text))
            | ScalarValue::LargeUtf8(Some(text))
            | ScalarValue::Utf8View(Some(text)),
            _,
        ) => Some(text),
        _ => None,
    }
}
