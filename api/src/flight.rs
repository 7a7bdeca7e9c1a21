//! Flight SQL: the door for notebooks and tools that speak Arrow.
//!
//! Every method is a few lines: what it means is in [`crate::service`], how it is said in `reply`,
//! what tools ask about the server in `listing`.
//!
//! # Limits
//! The door has no lock yet: a handshake with any name and password is accepted and the token it
//! returns means nothing. Whoever can reach the port can read; listen on a loopback address, or put
//! something that authenticates in front.

mod listing;
mod reply;
mod statement;

use crate::{error::Error, service::Service, work::unbound};
use arrow_flight::{
    Action, ActionType, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse, SchemaAsIpc,
    Ticket,
    decode::FlightRecordBatchStream,
    error::FlightError,
    flight_service_server::FlightService,
    sql::{
        ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
        ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetCrossReference,
        CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys, CommandGetPrimaryKeys,
        CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
        CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest,
        CommandStatementQuery, CommandStatementUpdate, DoPutPreparedStatementResult, ProstMessageExt,
        SqlInfo, TicketStatementQuery,
        server::{FlightSqlService, PeekableFlightDataStream},
    },
};
use datafusion::arrow::{array::RecordBatch, datatypes::Schema, ipc::writer::IpcWriteOptions};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
pub(crate) use reply::{EPOCH_HEADER, EPOCH_KEY, STALE, annotated, epoch_text};
use statement::{Promise, Statement};
use std::{pin::Pin, sync::Arc};
use tonic::{
    Request, Response, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
};

/// Name of the action that returns [`crate::Status`] as JSON, however busy the door is.
pub(crate) const STATUS_ACTION: &str = "Status";

/// The door as Flight sees it.
#[derive(Clone, Debug)]
pub(crate) struct Door(pub(crate) Arc<Service>);

type Get = Response<<Door as FlightService>::DoGetStream>;

impl Door {
    /// Plans a statement on the newest snapshot, promises that snapshot, and says where the rows are.
    async fn announce(
        &self,
        mut statement: Statement,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let snapshot = self.0.promise();
        let epoch = snapshot.as_of_epoch;
        let deadline = reply::deadline(request.metadata());
        let shape = self.0.shape(snapshot, statement.sql.clone(), statement.values()?, deadline).await?;
        if !shape.parameters.fields().is_empty() {
            return Err(unbound(&shape.parameters).into());
        }
        statement.promise = Some(Promise { epoch });
        // Tools decode a ticket, so it is a command message like any other (apache/arrow-rs#5540).
        let ticket = TicketStatementQuery { statement_handle: statement.handle() };
        reply::info(&shape.columns, ticket.as_any().encode_to_vec(), request.into_inner(), epoch)
    }

    async fn answer(&self, statement: Statement, metadata: &MetadataMap) -> Result<Get, Status> {
        let promise = statement.promise;
        let snapshot = promise.map_or_else(|| self.0.shelf.take(), |promise| self.0.promised(promise.epoch));
        let values = statement.values()?;
        let rows = self.0.ask(snapshot, statement.sql, values, reply::deadline(metadata)).await?;
        Ok(reply::rows(rows, promise))
    }

    fn listed(
        &self,
        command: &impl ProstMessageExt,
        listing: &RecordBatch,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let ticket = command.as_any().encode_to_vec();
        reply::info(listing.schema_ref(), ticket, request.into_inner(), self.0.shelf.take().as_of_epoch)
    }

    fn given(&self, listing: RecordBatch) -> Get {
        reply::batch(listing, self.0.shelf.take().as_of_epoch)
    }
}

fn refused(what: &str) -> Status {
    Error::Refused { what: what.to_owned() }.into()
}

fn encoded(schema: &Schema) -> Result<prost::bytes::Bytes, Status> {
    let options = IpcWriteOptions::default();
    let message = arrow_flight::IpcMessage::try_from(SchemaAsIpc::new(schema, &options));
    message.map(|message| message.0).map_err(|_| Status::internal("the columns could not be encoded"))
}

#[tonic::async_trait]
impl FlightSqlService for Door {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        _request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        let mut response = Response::new(stream::iter([Ok(HandshakeResponse::default())]).boxed());
        response.metadata_mut().insert("authorization", MetadataValue::from_static("Bearer open"));
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.announce(Statement::new(query.query), request).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Get, Status> {
        self.answer(Statement::from_handle(&ticket.statement_handle)?, request.metadata()).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let deadline = reply::deadline(request.metadata());
        let snapshot = self.0.shelf.take();
        let shape = self.0.shape(snapshot, query.query.clone(), Vec::new(), deadline).await?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: Statement::new(query.query).handle(),
            dataset_schema: encoded(&shape.columns)?,
            parameter_schema: encoded(&shape.parameters)?,
        })
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let mut statement = Statement::from_handle(&query.prepared_statement_handle)?;
        let data = request.into_inner().map_err(|status| FlightError::Tonic(Box::new(status)));
        let rows = FlightRecordBatchStream::new_from_flight_data(data).take(2).try_collect::<Vec<_>>();
        let rows = rows
            .await
            .map_err(|_| Status::invalid_argument("the parameters cannot be read; bind them again"))?;
        statement.bind(&rows)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(statement.handle()) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.announce(Statement::from_handle(&query.prepared_statement_handle)?, request).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Get, Status> {
        self.answer(Statement::from_handle(&query.prepared_statement_handle)?, request.metadata()).await
    }

    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        // The handle holds everything and the server nothing.
        Ok(())
    }

    async fn do_put_statement_update(
        &self,
        _command: CommandStatementUpdate,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(refused("an update"))
    }

    async fn do_put_prepared_statement_update(
        &self,
        _command: CommandPreparedStatementUpdate,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(refused("an update"))
    }

    async fn do_put_statement_ingest(
        &self,
        _command: CommandStatementIngest,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(refused("ingestion"))
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        if request.get_ref().r#type != STATUS_ACTION {
            return Err(Status::invalid_argument("no such action; ListActions names them"));
        }
        let body =
            serde_json::to_vec(&self.0.status()).map_err(|_| Status::internal("the status has no text"))?;
        Ok(Response::new(stream::iter([Ok(arrow_flight::Result::new(body))]).boxed()))
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        Some(vec![Ok(ActionType {
            r#type: STATUS_ACTION.to_owned(),
            description: "Returns the state of the program, its progress and its counts as JSON".to_owned(),
        })])
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::catalogs(query)?, request)
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::catalogs(query)?))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::schemas(query.clone())?, request)
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::schemas(query)?))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::tables(query.clone(), &self.0.shelf.take())?, request)
    }

    async fn do_get_tables(&self, query: CommandGetTables, _request: Request<Ticket>) -> Result<Get, Status> {
        Ok(self.given(listing::tables(query, &self.0.shelf.take())?))
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::table_types(query)?, request)
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::table_types(query)?))
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::sql_info(query.clone())?, request)
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::sql_info(query)?))
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::types(query)?, request)
    }

    async fn do_get_xdbc_type_info(
        &self,
        query: CommandGetXdbcTypeInfo,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::types(query)?))
    }

    async fn get_flight_info_primary_keys(
        &self,
        query: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::primary_keys(), request)
    }

    async fn do_get_primary_keys(
        &self,
        _query: CommandGetPrimaryKeys,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::primary_keys()))
    }

    async fn get_flight_info_exported_keys(
        &self,
        query: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::foreign_keys(), request)
    }

    async fn do_get_exported_keys(
        &self,
        _query: CommandGetExportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::foreign_keys()))
    }

    async fn get_flight_info_imported_keys(
        &self,
        query: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::foreign_keys(), request)
    }

    async fn do_get_imported_keys(
        &self,
        _query: CommandGetImportedKeys,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::foreign_keys()))
    }

    async fn get_flight_info_cross_reference(
        &self,
        query: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.listed(&query, &listing::foreign_keys(), request)
    }

    async fn do_get_cross_reference(
        &self,
        _query: CommandGetCrossReference,
        _request: Request<Ticket>,
    ) -> Result<Get, Status> {
        Ok(self.given(listing::foreign_keys()))
    }
}
