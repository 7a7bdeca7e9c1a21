//! Which statements are let in: those that read.
//!
//! The list is of what is allowed, so a kind of statement that a later parser learns is refused
//! until someone puts it here.

use crate::error::Error;
use datafusion::sql::{
    parser::Statement,
    sqlparser::{
        ast::{Expr, Query, SetExpr, Statement as Sql, Value, visit_expressions_mut, visit_relations},
        dialect::GenericDialect,
        keywords::Keyword,
        tokenizer::{Token, Tokenizer},
    },
};
use std::ops::ControlFlow;

/// Functions whose result may be far longer than what they are given: the memory they take is not
/// accounted for by the engine, so a few bytes of SQL could exhaust the process.
pub(crate) const BOUNDLESS: [&str; 7] =
    ["repeat", "lpad", "rpad", "range", "generate_series", "array_repeat", "array_resize"];

/// Most operators and set operations in a statement. They nest without brackets, each one deepening
/// the recursion of the planner: its stack is finite and its time grows with the square. Brackets are
/// bounded by the parser (50).
const OPERATORS: usize = 256;

/// Most tables named in a statement: the time to plan grows faster than their number, and planning
/// cannot be interrupted.
const TABLES: usize = 64;

/// Lets a statement through whose planning is bounded, before it is parsed.
pub(crate) fn admit_size(sql: &str) -> Result<(), Error> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize()
        .map_err(|error| Error::Statement { message: error.to_string() })?;
    let nests = |token: &&Token| match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND | Keyword::OR | Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::IS
        ),
        Token::Whitespace(_)
        | Token::Comma
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::LParen
        | Token::RParen
        | Token::SemiColon
        | Token::Period => false,
        _ => true,
    };
    match tokens.iter().filter(nests).count() {
        0..=OPERATORS => Ok(()),
        _ => Err(Error::Limit {
            what: "the number of operators in the statement",
            limit: OPERATORS.to_string(),
            next: "use IN (…) instead of OR, or several statements",
        }),
    }
}

/// Lets a statement through that only reads.
pub(crate) fn admit(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Statement(sql) => admit_sql(sql).and_then(|()| admit_tables(sql)),
        Statement::Explain(explain) => admit(&explain.statement),
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

fn admit_sql(statement: &Sql) -> Result<(), Error> {
    match statement {
        Sql::Query(query) => admit_query(query),
        Sql::Explain { statement, .. } => admit_sql(statement),
        Sql::ExplainTable { .. }
        | Sql::ShowTables { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowFunctions { .. } => Ok(()),
        other => {
            // The first words of a statement are keywords, never values.
            let text = other.to_string();
            let keywords: Vec<_> = text
                .split_whitespace()
                .take_while(|word| word.chars().all(|c| c.is_ascii_uppercase()))
                .take(2)
                .collect();
            Err(refused(if keywords.is_empty() { "this statement".to_owned() } else { keywords.join(" ") }))
        }
    }
}

fn admit_tables(statement: &Sql) -> Result<(), Error> {
    let mut count = 0;
    let walked = visit_relations(statement, |_| {
        count += 1;
        if count > TABLES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match walked {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::Limit {
            what: "the number of tables in the statement",
            limit: TABLES.to_string(),
            next: "ask in several statements",
        }),
    }
}

/// A query may hide a write: `WITH … INSERT`, `SELECT … INTO`.
fn admit_query(query: &Query) -> Result<(), Error> {
    for table in query.with.iter().flat_map(|with| &with.cte_tables) {
        admit_query(&table.query)?;
    }
    admit_body(&query.body)
}

fn admit_body(body: &SetExpr) -> Result<(), Error> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => Err(refused("SELECT INTO")),
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => Ok(()),
        SetExpr::Query(query) => admit_query(query),
        SetExpr::SetOperation { left, right, .. } => admit_body(left).and_then(|()| admit_body(right)),
        SetExpr::Insert(_) => Err(refused("INSERT")),
        SetExpr::Update(_) => Err(refused("UPDATE")),
        SetExpr::Delete(_) => Err(refused("DELETE")),
        SetExpr::Merge(_) => Err(refused("MERGE")),
    }
}

fn refused(what: impl Into<String>) -> Error {
    Error::Refused { what: what.into() }
}

/// Numbers the placeholders that JDBC and ADBC write as `?`: the engine knows `$1` only.
pub(crate) fn number_placeholders(statement: &mut Statement) {
    let Statement::Statement(sql) = statement else { return };
    let mut count = 0;
    let walked: ControlFlow<()> = visit_expressions_mut(sql.as_mut(), |expression| {
        if let Expr::Value(value) = expression
            && let Value::Placeholder(name) = &mut value.value
            && name == "?"
        {
            count += 1;
            *name = format!("${count}");
        }
        ControlFlow::Continue(())
    });
    debug_assert!(walked.is_continue(), "nothing breaks the walk off");
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::parser::DFParser;

    fn parse(sql: &str) -> Statement {
        DFParser::parse_sql(sql).expect("valid SQL").pop_front().expect("one statement")
    }

    #[test]
    fn what_reads_is_let_in() {
        for sql in [
            "SELECT 1",
            "WITH a AS (SELECT 1) SELECT * FROM a UNION ALL SELECT 2",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "SHOW COLUMNS FROM windows",
            "DESCRIBE windows",
        ] {
            admit(&parse(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    }

    #[test]
    fn what_writes_is_refused_by_name() {
        for (sql, word) in [
            ("INSERT INTO windows VALUES (1)", "INSERT"),
            ("UPDATE windows SET beats = 1", "UPDATE"),
            ("DELETE FROM windows", "DELETE"),
            ("TRUNCATE TABLE windows", "TRUNCATE"),
            ("DROP TABLE windows", "DROP TABLE"),
            ("CREATE TABLE a AS SELECT 1", "CREATE TABLE"),
            ("CREATE VIEW a AS SELECT 1", "CREATE VIEW"),
            ("CREATE EXTERNAL TABLE a STORED AS CSV LOCATION '/etc/passwd'", "CREATE EXTERNAL TABLE"),
            ("CREATE FUNCTION f() RETURNS INT RETURN 1", "CREATE FUNCTION"),
            ("COPY (SELECT 1) TO '/tmp/a.csv'", "COPY"),
            ("SET a = 1", "SET"),
            ("RESET a", "RESET"),
            ("SHOW ALL", "SHOW"),
            ("BEGIN", "BEGIN"),
            ("PREPARE a AS SELECT 1", "PREPARE"),
            ("EXECUTE a", "EXECUTE"),
            ("SELECT 1 INTO a", "SELECT INTO"),
            ("EXPLAIN ANALYZE INSERT INTO windows VALUES (1)", "INSERT"),
            ("EXPLAIN COPY (SELECT 1) TO '/tmp/a.csv'", "COPY"),
            ("WITH a AS (SELECT 1) INSERT INTO windows SELECT * FROM a", "INSERT"),
        ] {
            let error = admit(&parse(sql)).expect_err(sql).to_string();
            assert!(error.contains(word) && error.contains("only reads"), "{sql}: {error}");
        }
    }

    #[test]
    fn a_refusal_never_quotes_a_value() {
        let error = admit(&parse("INSERT INTO windows VALUES ('SECRET')")).expect_err("refused").to_string();
        assert!(!error.contains("SECRET"), "{error}");
    }

    #[test]
    fn what_cannot_be_planned_in_bounded_time_is_refused_before() {
        let deep = format!("SELECT 1{}", " + 1".repeat(OPERATORS + 1));
        assert!(matches!(admit_size(&deep), Err(Error::Limit { .. })));
        let flat = format!("SELECT 1 IN (1{})", ", 1".repeat(10_000));
        admit_size(&flat).expect("a list does not nest");
        let wide = format!("SELECT 1 FROM a{}", ", a".repeat(TABLES));
        assert!(matches!(admit(&parse(&wide)), Err(Error::Limit { .. })));
    }

    #[test]
    fn question_marks_are_numbered_in_order() {
        let mut statement = parse("SELECT * FROM a WHERE b = ? AND c < ? AND d = $7");
        number_placeholders(&mut statement);
        assert_eq!(statement.to_string(), "SELECT * FROM a WHERE b = $1 AND c < $2 AND d = $7");
    }
}
