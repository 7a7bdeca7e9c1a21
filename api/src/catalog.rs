//! The names SQL can see: schema `public` with the tables, schema `system` with the program itself.
//!
//! # Invariants
//! - A catalog belongs to one statement and one snapshot; nothing can be registered in it.
//! - A name that is not in it does not exist: no path, no URL, no function opens a file.

use crate::{readiness::State, system, table::LakeAndLive};
use async_trait::async_trait;
use datafusion::{
    catalog::{CatalogProvider, CatalogProviderList, MemTable, SchemaProvider, TableProvider},
    common::Result,
};
use model::{table::Table, view::Snapshot};
use std::{collections::BTreeMap, sync::Arc};

/// Name of the only catalog.
pub(crate) const CATALOG: &str = "manpasik";
/// Schema of the tables; names without a schema are looked up here.
pub(crate) const PUBLIC: &str = "public";
/// Schema of the tables about the program.
pub(crate) const SYSTEM: &str = "system";

/// The only catalog of one statement.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    public: Arc<Names>,
    system: Arc<Names>,
}

impl Catalog {
    /// Everything that can be named in `snapshot`.
    pub(crate) fn new(snapshot: &Snapshot, state: Option<&State>) -> Result<Self> {
        let tables: Vec<Table> = model::table::all();
        let public = tables.iter().map(|table| {
            let provider: Arc<dyn TableProvider> = Arc::new(LakeAndLive::new(table, snapshot));
            (table.name, provider)
        });
        let public = Names(public.collect());
        let mut system = BTreeMap::new();
        for (name, rows) in system::all(snapshot, &tables, state)? {
            let provider: Arc<dyn TableProvider> =
                Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows]])?);
            system.insert(name, provider);
        }
        Ok(Self { public: Arc::new(public), system: Arc::new(Names(system)) })
    }

    /// A table of the schema `public`.
    pub(crate) fn table(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        self.public.0.get(name).map(Arc::clone)
    }

    /// Schema and name of every table with its columns, in order of both.
    pub(crate) fn tables(&self) -> Vec<(&'static str, &'static str, Arc<dyn TableProvider>)> {
        [(PUBLIC, &self.public), (SYSTEM, &self.system)]
            .into_iter()
            .flat_map(|(schema, names)| {
                names.0.iter().map(move |(name, table)| (schema, *name, Arc::clone(table)))
            })
            .collect()
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        vec![PUBLIC.to_owned(), SYSTEM.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            PUBLIC => Some(Arc::clone(&self.public) as _),
            SYSTEM => Some(Arc::clone(&self.system) as _),
            _ => None,
        }
    }
}

/// The list of catalogs: this one.
#[derive(Debug)]
pub(crate) struct Catalogs(pub(crate) Catalog);

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        _name: String,
        _catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.0.clone()) as _)
    }
}

/// The tables of one schema.
#[derive(Debug)]
struct Names(BTreeMap<&'static str, Arc<dyn TableProvider>>);

#[async_trait]
impl SchemaProvider for Names {
    fn table_names(&self) -> Vec<String> {
        self.0.keys().map(ToString::to_string).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.0.get(name).map(Arc::clone))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
