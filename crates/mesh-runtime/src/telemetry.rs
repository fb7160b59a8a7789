//! Logs and traces.
//!
//! One OpenTelemetry trace follows a request over RPCs, workflows, activities and statements. The SDK's plugin makes the
//! spans of workflows and activities; ours are `tracing` spans. The SDK's own `tracing` spans know no remote parent and
//! would tear every trace apart, so the OpenTelemetry layer doesn't see them, nor those of the libraries below us.

use anyhow::Context;
use clap::ValueEnum;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context as OtelContext, KeyValue};
use opentelemetry_otlp::{WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanProcessor};
use std::time::Duration;
use temporalio_sdk::opentelemetry::{WorkflowIdGenerator, WorkflowSpanProcessor};
use tonic::transport::ClientTlsConfig;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::DynFilterFn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use url::Url;

/// How long the last spans may take to leave at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// Spans of these crates stay out of our traces.
const NOT_OURS: &[&str] = &[
    "temporalio_",
    "tonic",
    "h2",
    "hyper",
    "tower",
    "sqlx",
    "axum",
    "rustls",
    "opentelemetry",
];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The tracer provider of this process; flush it at the end.
#[derive(Clone)]
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Installs the log, by its filter and format, and the traces, which go to `otlp` if there is one, with TLS where that is
    /// given. Must run inside the Tokio runtime.
    pub(crate) fn install(
        name: &'static str,
        (filter, format): (&str, LogFormat),
        (otlp, tls): (Option<&Url>, Option<ClientTlsConfig>),
    ) -> anyhow::Result<Self> {
        let exporter = match otlp {
            None => None,
            Some(url) => {
                let exporter = opentelemetry_otlp::SpanExporter::builder()
                    .with_tonic()
                    .with_endpoint(url.as_str());
                let exporter = match tls {
                    Some(tls) => exporter.with_tls_config(tls),
                    None => exporter,
                };
                Some(exporter.build().context("the OTLP exporter can't be made")?)
            }
        };
        let provider = provider(
            name,
            exporter.map(|exporter| BatchSpanProcessor::builder(exporter).build()),
        );
        let filter = EnvFilter::try_new(filter).with_context(|| format!("log filter {filter:?}"))?;
        tracing_subscriber::registry()
            .with(log_layer(format, std::io::stderr).with_filter(filter))
            .with(trace_layer(provider.tracer(name)))
            .try_init()
            .context("another log is installed already")?;
        std::panic::set_hook(Box::new(log_panic));
        Ok(Self { provider })
    }

    /// The tracer of the Temporal plugin.
    pub(crate) fn temporal_tracer(&self) -> SdkTracer {
        self.provider
            .tracer(temporalio_sdk::opentelemetry::INSTRUMENTATION_SCOPE)
    }

    /// Sends what is left, or gives up after 3 s.
    pub(crate) async fn flush(self) {
        let flush = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FLUSH_TIMEOUT));
        match tokio::time::timeout(FLUSH_TIMEOUT, flush).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans were not sent"),
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(_) => tracing::warn!("the last spans were not sent within {FLUSH_TIMEOUT:?}"),
        }
    }
}

/// One line, in the log's own format. A literal text is shown; a formatted one may hold a person's data.
fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let text = info
        .payload()
        .downcast_ref::<&str>()
        .copied()
        .unwrap_or("(text withheld)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = std::backtrace::Backtrace::capture();
    match backtrace.status() {
        std::backtrace::BacktraceStatus::Captured => tracing::error!(location, %backtrace, "panic: {text}"),
        _ => tracing::error!(location, "panic: {text}"),
    }
}

/// A provider whose workflow spans are safe under replay.
pub(crate) fn provider(name: &'static str, processor: Option<impl SpanProcessor + 'static>) -> SdkTracerProvider {
    let resource = Resource::builder()
        .with_service_name(name)
        .with_attributes([
            KeyValue::new("service.namespace", "voluntier"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", crate::clock::new_uuid().to_string()),
        ])
        .build();
    let builder = SdkTracerProvider::builder()
        .with_id_generator(WorkflowIdGenerator::default())
        .with_resource(resource);
    match processor {
        Some(processor) => builder
            .with_span_processor(WorkflowSpanProcessor::new(processor))
            .build(),
        None => builder.build(),
    }
}

/// Turns our `tracing` spans into OpenTelemetry spans. Log lines stay log lines: only spans travel.
pub(crate) fn trace_layer<S>(tracer: SdkTracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        // Asked anew for each span on purpose. A library that only asks whether a span would be enabled (sqlx does, for its
        // statement log) leaves that answer behind, and a filter whose answer is cached would apply it to the next span.
        .with_filter(DynFilterFn::new(|metadata, _| is_ours(metadata)))
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && *metadata.level() <= tracing::Level::INFO
        && !NOT_OURS.iter().any(|prefix| metadata.target().starts_with(prefix))
}

pub(crate) fn log_layer<S, W>(format: LogFormat, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match format {
        LogFormat::Human => layer.compact().boxed(),
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
    }
}

/// W3C trace context and nothing else: baggage could carry personal data across the mesh.
pub(crate) fn propagator() -> TraceContextPropagator {
    TraceContextPropagator::new()
}

/// The trace context of a request that came in.
pub(crate) fn extract(headers: &http::HeaderMap) -> OtelContext {
    struct Headers<'a>(&'a http::HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)?.to_str().ok()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(http::HeaderName::as_str).collect()
        }
    }
    propagator().extract_with_context(&OtelContext::new(), &Headers(headers))
}

/// Puts the trace context onto a request that goes out.
pub(crate) fn inject(context: &OtelContext, headers: &mut http::HeaderMap) {
    struct Headers<'a>(&'a mut http::HeaderMap);
    impl Injector for Headers<'_> {
        fn set(&mut self, key: &str, value: String) {
            if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(key), http::HeaderValue::try_from(value)) {
                self.0.insert(name, value);
            }
        }
    }
    propagator().inject_context(context, &mut Headers(headers));
}

#[cfg(test)]
pub(crate) mod tests;
