//! Metrics: one Prometheus page with the SDK's own metrics and those of the gRPC server.
//!
//! The SDK has the registry and serves it only from a listener of its own, so that listener stands on a free loopback
//! port and the health page fetches from it. Our own instruments come from the same registry.

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use temporalio_common_full::telemetry::metrics::{
    CoreMeter, Counter, Gauge, HistogramDuration, MetricAttributes, MetricKeyValue, MetricParameters, NewAttributes,
    TemporalMeter,
};
use temporalio_common_full::telemetry::{
    HistogramBucketOverrides, PrometheusExporterOptions, TelemetryOptions, start_prometheus_metric_exporter,
    telemetry_init,
};
use tokio::net::TcpStream;

const RPC_DURATION: &str = "rpc_server_call_duration_seconds";
/// OpenTelemetry's advised boundaries for RPC durations, seconds.
const RPC_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// The registry of this process.
pub(crate) struct Metrics {
    meter: Arc<dyn CoreMeter>,
    address: SocketAddr,
    exporter: tokio::task::AbortHandle,
}

impl Metrics {
    /// Starts the SDK's exporter on a free loopback port.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let options = PrometheusExporterOptions::builder()
            .socket_addr(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .counters_total_suffix(true)
            .use_seconds_for_durations(true)
            .histogram_bucket_overrides(HistogramBucketOverrides {
                overrides: [(RPC_DURATION.to_owned(), RPC_BUCKETS.to_vec())].into(),
            })
            .build();
        let started = start_prometheus_metric_exporter(options).context("the metrics exporter can't start")?;
        Ok(Self {
            meter: started.meter,
            address: started.bound_addr,
            exporter: started.abort_handle,
        })
    }

    /// Options of the SDK's runtime: its metrics go here, its logs go through `tracing` like ours.
    pub(crate) fn sdk_options(&self) -> TelemetryOptions {
        TelemetryOptions::builder()
            .metrics(self.meter.clone())
            .attach_service_name(false)
            .build()
    }

    /// The meter of the SDK's client calls, with the SDK's prefix.
    pub(crate) fn client_meter(&self) -> anyhow::Result<Option<TemporalMeter>> {
        Ok(telemetry_init(self.sdk_options())?.get_temporal_metric_meter())
    }

    pub(crate) fn rpc(&self) -> RpcMetrics {
        let duration = self.meter.histogram_duration(
            MetricParameters::builder()
                .name(RPC_DURATION)
                .description("Time an RPC took, to its last byte")
                .build(),
        );
        RpcMetrics {
            meter: self.meter.clone(),
            duration,
        }
    }

    pub(crate) fn service(&self) -> ServiceMetrics {
        ServiceMetrics::new(self.meter.clone())
    }

    /// Where the page is to be fetched.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.exporter.abort();
    }
}

/// The instruments of the gRPC server.
#[derive(Clone)]
pub(crate) struct RpcMetrics {
    meter: Arc<dyn CoreMeter>,
    duration: HistogramDuration,
}

impl RpcMetrics {
    /// `method` is `package.Service/Method`, `code` the status's name.
    pub(crate) fn record(&self, method: &str, code: &'static str, took: Duration) {
        let attributes = self.meter.new_attributes(NewAttributes::new(vec![
            MetricKeyValue::new("rpc_method", method.to_owned()),
            MetricKeyValue::new("rpc_response_status_code", code),
        ]));
        self.duration.record(took, &attributes);
    }
}

impl fmt::Debug for RpcMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RpcMetrics")
    }
}

/// What a service counts itself, on the same page. Clones share everything.
#[derive(Clone, Default)]
pub struct ServiceMetrics(Option<Arc<ServiceInstruments>>);

struct ServiceInstruments {
    meter: Arc<dyn CoreMeter>,
    skipped_rows: Counter,
    scheduled_success: Gauge,
}

impl ServiceMetrics {
    fn new(meter: Arc<dyn CoreMeter>) -> Self {
        let described = |name: &str, description: &str| {
            let parameters = MetricParameters::builder().name(name.to_owned());
            parameters.description(description.to_owned()).build()
        };
        let skipped_rows = "Rows that scheduled work left as they were, because they were locked or could not be read";
        let success = "When a scheduled run last ended well here, in seconds since 1970-01-01 UTC";
        Self(Some(Arc::new(ServiceInstruments {
            skipped_rows: meter.counter(described("mesh_rows_skipped", skipped_rows)),
            scheduled_success: meter.gauge(described("mesh_scheduled_last_success_seconds", success)),
            meter,
        })))
    }

    /// Counts rows of a table that scheduled work had to leave as they were: `mesh_rows_skipped_total{table}`.
    pub fn count_skipped_rows(&self, table: &'static str, rows: u64) {
        if let Some(this) = &self.0 {
            this.skipped_rows.add(rows, &this.attributes("table", table));
        }
    }

    /// Notes that a run of a schedule ended well: `mesh_scheduled_last_success_seconds{schedule}`. The greatest one of all
    /// instances is the schedule's.
    pub fn note_scheduled_success(&self, schedule: &'static str, at: Timestamp) {
        if let Some(this) = &self.0 {
            let seconds = u64::try_from(at.as_second()).unwrap_or_default();
            this.scheduled_success
                .record(seconds, &this.attributes("schedule", schedule));
        }
    }
}

impl ServiceInstruments {
    fn attributes(&self, key: &'static str, value: &'static str) -> MetricAttributes {
        let attributes = NewAttributes::new(vec![MetricKeyValue::new(key, value)]);
        self.meter.new_attributes(attributes)
    }
}

/// Fetches a page over plain HTTP: the status and the text. Gives up after 2 s.
pub(crate) async fn fetch(address: SocketAddr, path: &str) -> anyhow::Result<(u16, String)> {
    let work = async {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("{address} refuses connections"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = http::Request::get(path)
            .header("host", address.to_string())
            .body(Empty::<Bytes>::new())?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await?.to_bytes();
            drop(sender);
            anyhow::Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
        };
        // The connection only moves while it is polled; it ends when the sender is dropped.
        let (answer, _) = tokio::join!(exchange, connection);
        answer
    };
    tokio::time::timeout(FETCH_TIMEOUT, work)
        .await
        .with_context(|| format!("{address} does not answer"))?
}
