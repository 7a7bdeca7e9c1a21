//! Opens the door: one port for gRPC, Flight SQL, reflection, probes, metrics and plain SQL.

use crate::{
    Metrics, Options, Readiness, State, engine::Engine, error::Error, fhir, flight::Door, http, reflection,
    service::Service,
};
use arrow_flight::flight_service_server::FlightServiceServer;
use model::{view::Shelf, waveform::Waveforms};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinHandle,
};
use tonic::{
    server::NamedService,
    service::Routes,
    transport::{self, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};

/// Longest header list of a request, in bytes.
const HEADER_BYTES: u32 = 16 << 10;
/// How often an idle connection is asked whether its client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Requests that were cancelled before they were accepted, per connection: a flood of them is an
/// attack (CVE-2023-44487).
const PENDING_RESETS: usize = 20;

/// An open door; dropping it closes it at once.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    drain: Duration,
    readiness: Arc<Readiness>,
    waveforms: Arc<OnceLock<Arc<dyn Waveforms>>>,
    close: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<Result<(), transport::Error>>>,
    runtime: Option<Runtime>,
}

/// Opens the door over the snapshots that `shelf` will hold.
///
/// The port is taken before this returns; nothing is computed until someone asks.
///
/// # Errors
/// [`Error::Listen`] if the address cannot be taken, [`Error::System`] if there are no threads.
pub fn serve(
    options: &Options,
    shelf: Arc<Shelf>,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
) -> Result<Server, Error> {
    let taken = |source| Error::Listen { listen: options.listen.clone(), source };
    let listener = TcpListener::bind(&options.listen).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let addr = listener.local_addr().map_err(taken)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(options.threads.max(1))
        .max_blocking_threads(1)
        .thread_name("door")
        .enable_all()
        .build()
        .map_err(|source| Error::System { attempt: "start the threads of the door", source })?;

    let engine = Engine::new(&options.limits)?;
    let service = Arc::new(Service::new(engine, shelf, Arc::clone(&readiness), metrics));
    let waveforms = Arc::clone(&service.waveforms);
    let (close, closed) = oneshot::channel();
    let entered = runtime.enter();
    let listener = tokio::net::TcpListener::from_std(listener).map_err(taken)?;
    let (reporter, health) = tonic_health::server::health_reporter();
    runtime.spawn(report(reporter, Arc::clone(&readiness)));
    let routes = routes(options, service, health);
    let serving = transport::Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(options.concurrent_streams)
        .http2_max_header_list_size(HEADER_BYTES)
        .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .add_routes(routes)
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            // A server that was dropped closes as well.
            async { closed.await.unwrap_or_default() },
        );
    let serving = runtime.spawn(serving);
    drop(entered);
    Ok(Server {
        addr,
        drain: Duration::from_millis(options.drain_millis),
        readiness,
        waveforms,
        close: Some(close),
        serving: Some(serving),
        runtime: Some(runtime),
    })
}

impl Server {
    /// Address and port; the port that was found if 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on signals are read by `waveforms`; the first who is named stays.
    pub fn read_signals_by(&self, waveforms: Arc<dyn Waveforms>) {
        self.waveforms.get_or_init(|| waveforms);
    }

    /// Takes no more requests, waits for answers under way at most `drain_millis`, and closes.
    ///
    /// Returns whether every answer was finished.
    pub fn stop(mut self) -> bool {
        if !matches!(self.readiness.get(), State::Failed { .. }) {
            self.readiness.set(State::Draining);
        }
        let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) else { return true };
        // Dropping the sender says it too.
        drop(self.close.take());
        let finished = runtime.block_on(async { tokio::time::timeout(self.drain, serving).await }).is_ok();
        runtime.shutdown_background();
        finished
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn routes(
    options: &Options,
    service: Arc<Service>,
    health: impl tonic::codegen::Service<
        axum::http::Request<tonic::body::Body>,
        Response = axum::http::Response<tonic::body::Body>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + NamedService
    + Clone
    + Send
    + Sync
    + 'static,
) -> Routes {
    let flight = FlightServiceServer::new(Door(Arc::clone(&service)))
        .max_decoding_message_size(options.receive_bytes)
        .max_encoding_message_size(options.send_bytes);
    let descriptors = || {
        tonic_reflection::server::Builder::configure()
            .register_file_descriptor_set(reflection::descriptors())
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    // Both versions: tools in use ask for either.
    let newer = descriptors().build_v1().expect("the descriptors are consistent");
    let older = descriptors().build_v1alpha().expect("the descriptors are consistent");
    let grpc = Routes::new(flight).add_service(health).add_service(newer).add_service(older);
    let fhir = fhir::routes(Arc::clone(&service));
    let http = http::routes(service, options.limits.statement_bytes);
    Routes::from(grpc.prepare().into_axum_router().merge(http).merge(fhir))
}

/// Tells every change of the state to gRPC health: for the whole program, and for Flight.
async fn report(reporter: HealthReporter, readiness: Arc<Readiness>) {
    let mut states = readiness.follow();
    loop {
        let ready = states.borrow_and_update().is_serving();
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", FlightServiceServer::<Door>::NAME] {
            reporter.set_service_status(service, status).await;
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}
