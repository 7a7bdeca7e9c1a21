//! What tools ask before they ask SQL: names, types, and what this server can do.
//!
//! Column names and order are those of the Flight SQL specification
//! (<https://arrow.apache.org/docs/format/FlightSql.html>).

use crate::catalog::{CATALOG, Catalog, PUBLIC, SYSTEM};
use arrow_flight::{
    error::FlightError,
    sql::{
        CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
        CommandGetXdbcTypeInfo, Nullable, Searchable, SqlInfo, XdbcDataType,
        metadata::{
            SqlInfoData, SqlInfoDataBuilder, XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder,
        },
    },
};
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{
        DataType::{Int32, UInt8, Utf8},
        Field, Schema,
    },
};
use model::view::Snapshot;
use std::sync::{Arc, OnceLock};

const TABLE: &str = "TABLE";
const SYSTEM_TABLE: &str = "SYSTEM TABLE";

type Listing = Result<RecordBatch, FlightError>;

/// The one catalog.
pub(super) fn catalogs(command: CommandGetCatalogs) -> Listing {
    let mut names = command.into_builder();
    names.append(CATALOG);
    names.build()
}

/// The schemas.
pub(super) fn schemas(command: CommandGetDbSchemas) -> Listing {
    let mut names = command.into_builder();
    names.append(CATALOG, PUBLIC);
    names.append(CATALOG, SYSTEM);
    names.build()
}

/// The tables, with their columns if asked for.
pub(super) fn tables(command: CommandGetTables, snapshot: &Snapshot) -> Listing {
    let catalog =
        Catalog::new(snapshot, None).map_err(|error| FlightError::ExternalError(Box::new(error)))?;
    let mut names = command.into_builder();
    for (schema, name, table) in catalog.tables() {
        let kind = if schema == SYSTEM { SYSTEM_TABLE } else { TABLE };
        names.append(CATALOG, schema, name, kind, &table.schema())?;
    }
    names.build()
}

/// The kinds of tables.
pub(super) fn table_types(command: CommandGetTableTypes) -> Listing {
    let mut names = command.into_builder();
    names.append(TABLE);
    names.append(SYSTEM_TABLE);
    names.build()
}

/// What this server is and can do.
pub(super) fn sql_info(command: CommandGetSqlInfo) -> Listing {
    static INFO: OnceLock<SqlInfoData> = OnceLock::new();
    let info = INFO.get_or_init(|| {
        let mut info = SqlInfoDataBuilder::new();
        info.append(SqlInfo::FlightSqlServerName, "manpasik");
        info.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
        // Version of the columnar format, not of a library: Schema.fbs of Arrow.
        info.append(SqlInfo::FlightSqlServerArrowVersion, "1.5");
        info.append(SqlInfo::FlightSqlServerReadOnly, true);
        info.append(SqlInfo::FlightSqlServerSql, true);
        info.append(SqlInfo::FlightSqlServerSubstrait, false);
        info.append(SqlInfo::FlightSqlServerCancel, false);
        // SQL_SUPPORTED_TRANSACTION_NONE
        info.append(SqlInfo::FlightSqlServerTransaction, 0_i32);
        info.append(SqlInfo::SqlDdlCatalog, false);
        info.append(SqlInfo::SqlDdlSchema, false);
        info.append(SqlInfo::SqlDdlTable, false);
        info.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
        info.build().expect("every value has a type the specification allows")
    });
    command.into_builder(info).build()
}

/// The types of columns.
pub(super) fn types(command: CommandGetXdbcTypeInfo) -> Listing {
    static TYPES: OnceLock<XdbcTypeInfoData> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let mut types = XdbcTypeInfoDataBuilder::new();
        for (name, kind, size, quoted) in [
            ("BOOLEAN", XdbcDataType::XdbcBit, 1, false),
            ("INTEGER", XdbcDataType::XdbcInteger, 32, false),
            ("BIGINT", XdbcDataType::XdbcBigint, 64, false),
            ("DOUBLE", XdbcDataType::XdbcDouble, 53, false),
            ("VARCHAR", XdbcDataType::XdbcVarchar, i32::MAX, true),
            ("TIMESTAMP", XdbcDataType::XdbcTimestamp, 26, true),
            ("BINARY", XdbcDataType::XdbcVarbinary, i32::MAX, true),
        ] {
            let quote = quoted.then(|| "'".to_owned());
            types.append(XdbcTypeInfo {
                type_name: name.to_owned(),
                data_type: kind,
                sql_data_type: kind,
                column_size: Some(size),
                literal_prefix: quote.clone(),
                literal_suffix: quote,
                nullable: Nullable::NullabilityNullable,
                case_sensitive: true,
                searchable: Searchable::Full,
                local_type_name: Some(name.to_owned()),
                ..XdbcTypeInfo::default()
            });
        }
        types.build().expect("every type is complete")
    });
    command.into_builder(types).build()
}

/// No table has a declared primary key.
pub(super) fn primary_keys() -> RecordBatch {
    RecordBatch::new_empty(Arc::new(Schema::new(vec![
        Field::new("catalog_name", Utf8, true),
        Field::new("db_schema_name", Utf8, true),
        Field::new("table_name", Utf8, false),
        Field::new("column_name", Utf8, false),
        Field::new("key_name", Utf8, true),
        Field::new("key_sequence", Int32, false),
    ])))
}

/// No table has a declared foreign key.
pub(super) fn foreign_keys() -> RecordBatch {
    RecordBatch::new_empty(Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", Utf8, true),
        Field::new("pk_db_schema_name", Utf8, true),
        Field::new("pk_table_name", Utf8, false),
        Field::new("pk_column_name", Utf8, false),
        Field::new("fk_catalog_name", Utf8, true),
        Field::new("fk_db_schema_name", Utf8, true),
        Field::new("fk_table_name", Utf8, false),
        Field::new("fk_column_name", Utf8, false),
        Field::new("key_sequence", Int32, false),
        Field::new("fk_key_name", Utf8, true),
        Field::new("pk_key_name", Utf8, true),
        Field::new("update_rule", UInt8, false),
        Field::new("delete_rule", UInt8, false),
    ])))
}
