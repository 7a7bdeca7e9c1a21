//! Flight SQL as drivers speak it, gRPC health, and reflection.

use crate::{House, OBSERVATIONS, eventually, sample};
use api::State;
use arrow_flight::{
    FlightInfo,
    decode::FlightRecordBatchStream,
    sql::{
        CommandGetDbSchemas, CommandGetPrimaryKeys, CommandGetTables, SqlInfo, client::FlightSqlServiceClient,
    },
};
use datafusion::arrow::{
    array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch},
    datatypes::Int64Type,
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt;
use std::{future::Future, sync::Arc, time::Duration};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

type Client = FlightSqlServiceClient<Channel>;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

async fn channel(house: &House) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", house.addr())).expect("an address");
    endpoint.connect().await.expect("the port is open")
}

async fn fetch(client: &mut Client, info: &FlightInfo) -> Vec<RecordBatch> {
    let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
    client.do_get(ticket).await.expect("rows").try_collect().await.expect("rows")
}

fn parameters(offsets: &[i64], rates: &[f64]) -> RecordBatch {
    let offsets: ArrayRef = Arc::new(Int64Array::from(offsets.to_vec()));
    let rates: ArrayRef = Arc::new(Float64Array::from(rates.to_vec()));
    RecordBatch::try_from_iter([("1", offsets), ("2", rates)]).expect("columns of one length")
}

fn header<'a>(rows: &'a FlightRecordBatchStream, name: &str) -> Option<&'a str> {
    rows.headers().get(name).and_then(|value| value.to_str().ok())
}

fn text(batches: &[RecordBatch]) -> String {
    pretty_format_batches(batches).expect("text").to_string()
}

#[test]
fn tools_find_tables_and_what_the_server_can_do() {
    let house = House::new();
    run(async {
        let mut client = Client::new(channel(&house).await);
        client.handshake("anyone", "anything").await.expect("no lock yet");
        let info = client.get_catalogs().await.expect("catalogs");
        assert!(text(&fetch(&mut client, &info).await).contains("manpasik"));
        let info = client
            .get_db_schemas(CommandGetDbSchemas {
                catalog: None,
                db_schema_filter_pattern: Some("pub%".into()),
            })
            .await
            .expect("schemas");
        let schemas = text(&fetch(&mut client, &info).await);
        assert!(schemas.contains("public") && !schemas.contains("system"), "{schemas}");
        let info = client
            .get_tables(CommandGetTables { include_schema: true, ..CommandGetTables::default() })
            .await
            .expect("tables");
        let tables = fetch(&mut client, &info).await;
        let rows: usize = tables.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, model::table::all().len() + 3, "those of the model and three about the program");
        let names = tables[0].column_by_name("table_name").expect("as the specification names it");
        assert_eq!(names.as_string::<i32>().value(0), "alerts");
        let columns =
            tables[0].column_by_name("table_schema").expect("asked for").as_binary::<i32>().value(0);
        assert!(
            columns.windows(8).any(|bytes| bytes == b"findings") && !columns.windows(4).any(|b| b == b"_row")
        );
        let info = client.get_table_types().await.expect("types");
        assert!(text(&fetch(&mut client, &info).await).contains("SYSTEM TABLE"));
        let info = client.get_sql_info(vec![SqlInfo::FlightSqlServerReadOnly]).await.expect("info");
        assert!(text(&fetch(&mut client, &info).await).contains("true"));
        let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: "alerts".into() };
        let info = client.get_primary_keys(keys).await.expect("keys");
        assert!(fetch(&mut client, &info).await.iter().all(|keys| keys.num_rows() == 0));
    });
}

#[test]
fn a_prepared_statement_takes_parameters_either_way() {
    let house = House::new();
    run(async {
        let mut client = Client::new(channel(&house).await);
        for sql in [
            "SELECT count(*) FROM vitals WHERE event_offset < $1 AND hr >= $2",
            "SELECT count(*) FROM vitals WHERE event_offset < ? AND hr >= ?",
        ] {
            let mut prepared = client.prepare(sql.into(), None).await.expect("prepared");
            assert_eq!(prepared.parameter_schema().expect("known").fields().len(), 2);
            assert!(prepared.execute().await.is_err(), "nothing is bound");
            let row = parameters(&[40], &[90.0]);
            prepared.set_parameters(row).expect("kept");
            let info = prepared.execute().await.expect("bound");
            let rows = fetch(&mut client, &info).await;
            assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 10);
            let two = parameters(&[40, 41], &[90.0, 91.0]);
            prepared.set_parameters(two).expect("kept");
            let error = prepared.execute().await.expect_err("two rows").to_string();
            assert!(error.contains("exactly one row"), "{error}");
            prepared.close().await.expect("closed");
        }
        let error = client.prepare("DROP TABLE vitals".into(), None).await.expect_err("refused").to_string();
        assert!(error.contains("only reads"), "{error}");
        let error =
            client.execute_update("DELETE FROM vitals".into(), None).await.expect_err("refused").to_string();
        assert!(error.contains("only reads"), "{error}");
    });
}

#[test]
fn what_was_promised_is_what_is_fetched() {
    let house = House::new();
    run(async {
        let mut client = Client::new(channel(&house).await);
        let info = client.execute("SELECT count(*) AS n FROM vitals".into(), None).await.expect("info");
        assert_eq!(info.app_metadata.as_ref(), b"{\"as_of_epoch\":1}");
        assert_eq!(info.clone().try_decode_schema().expect("columns").metadata()["as_of_epoch"], "1");
        // The world moves on between the two calls.
        house.shelf.swap(sample::snapshot(house.directory.path(), 2, OBSERVATIONS + 10));
        let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
        let mut rows = client.do_get(ticket.clone()).await.expect("rows");
        assert_eq!(header(&rows, "x-as-of-epoch"), Some("1"));
        let batch = rows.try_next().await.expect("rows").expect("a row");
        assert_eq!(rows.schema().expect("columns").metadata()["as_of_epoch"], "1");
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), OBSERVATIONS as i64);
        // Ten epochs were promised since: the first is not kept any more, and the answer says so.
        for epoch in 3..13 {
            house.shelf.swap(sample::snapshot(house.directory.path(), epoch, OBSERVATIONS));
            client.execute("SELECT 1".into(), None).await.expect("info");
        }
        let rows = client.do_get(ticket).await.expect("rows");
        assert_eq!(header(&rows, "x-as-of-epoch"), Some("12"));
        assert_eq!(header(&rows, "x-promised-epoch"), Some("1"));
    });
}

#[test]
fn a_client_that_leaves_stops_its_computation() {
    let house = House::with(|options| {
        options.limits.running = 1;
        options.limits.queued = 0;
    });
    let endless = "SELECT a.event_id FROM vitals a, vitals b, vitals c WHERE a.hr + b.hr + c.hr < 0";
    run(async {
        let mut client = Client::new(channel(&house).await);
        let info = client.execute(endless.into(), None).await.expect("planned");
        let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
        let rows = client.do_get(ticket).await.expect("begun");
        let busy =
            client.execute("SELECT 1".into(), None).await.expect_err("the only turn is taken").to_string();
        assert!(busy.contains("too many questions"), "{busy}");
        drop(rows);
    });
    // Long before the deadline of ten seconds.
    eventually(Duration::from_secs(2), || house.ask("SELECT 1"));
}

#[test]
fn a_client_may_ask_for_a_shorter_deadline() {
    let house = House::of(2_000, |_| ());
    run(async {
        let mut client = Client::new(channel(&house).await);
        let endless = "SELECT count(*) FROM vitals a, vitals b, vitals c, vitals d";
        let info = client.execute(endless.into(), None).await.expect("planned");
        let ticket = info.endpoint[0].ticket.clone().expect("a ticket");
        client.set_header("grpc-timeout", "300m");
        let since = std::time::Instant::now();
        let rows: Result<Vec<_>, _> = client.do_get(ticket).await.expect("begun").try_collect().await;
        assert!(rows.is_err() && since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    });
}

#[test]
fn health_follows_the_state() {
    let house = House::new();
    run(async {
        let mut client = HealthClient::new(channel(&house).await);
        for service in ["", "arrow.flight.protocol.FlightService"] {
            let request = HealthCheckRequest { service: service.into() };
            house.readiness.set(State::Ready);
            let mut changes = client.watch(request).await.expect("watched").into_inner();
            let wait = async |changes: &mut tonic::Streaming<tonic_health::pb::HealthCheckResponse>,
                              status| {
                while changes.message().await.expect("a change").expect("a change").status() != status {}
            };
            wait(&mut changes, ServingStatus::Serving).await;
            house.readiness.set(State::Failed { reason: "test".into() });
            wait(&mut changes, ServingStatus::NotServing).await;
        }
    });
}

#[test]
fn reflection_lists_and_describes_every_service() {
    let house = House::new();
    run(async {
        let mut client = ServerReflectionClient::new(channel(&house).await);
        let mut ask = async |request| {
            let request = ServerReflectionRequest { host: String::new(), message_request: Some(request) };
            let mut answers = client
                .server_reflection_info(tokio_stream::once(request))
                .await
                .expect("answered")
                .into_inner();
            answers
                .message()
                .await
                .expect("an answer")
                .expect("an answer")
                .message_response
                .expect("a message")
        };
        let MessageResponse::ListServicesResponse(list) =
            ask(MessageRequest::ListServices(String::new())).await
        else {
            panic!("a list")
        };
        let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
        for name in [
            "arrow.flight.protocol.FlightService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
        for symbol in [
            "arrow.flight.protocol.FlightService",
            "arrow.flight.protocol.FlightData",
            "google.protobuf.Timestamp",
        ] {
            let answer = ask(MessageRequest::FileContainingSymbol(symbol.into())).await;
            assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{symbol}: {answer:?}");
        }
    });
}
