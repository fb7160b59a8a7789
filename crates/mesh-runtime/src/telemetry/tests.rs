use super::*;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor};
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use tracing::Dispatch;
use tracing::subscriber::DefaultGuard;

/// While a process has one subscriber alone, tracing asks only the thread that meets a span first whether anybody wants it.
/// That may be the thread of a test without a subscriber, and then the span stays off for all. So there are two.
static ANOTHER_SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Collects the spans of the present thread.
pub(crate) fn collect() -> (InMemorySpanExporter, DefaultGuard) {
    LazyLock::force(&ANOTHER_SUBSCRIBER);
    let exporter = InMemorySpanExporter::default();
    let provider = provider("greeter", Some(SimpleSpanProcessor::new(exporter.clone())));
    let subscriber = tracing_subscriber::registry().with(trace_layer(provider.tracer("greeter")));
    (exporter, tracing::subscriber::set_default(subscriber))
}

/// Collects the log of the present thread.
pub(crate) fn collect_log() -> (Lines, DefaultGuard) {
    LazyLock::force(&ANOTHER_SUBSCRIBER);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::registry().with(log_layer(LogFormat::Human, move || writer.clone()));
    (lines, tracing::subscriber::set_default(subscriber))
}

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("no writer panicked").clone();
        String::from_utf8(bytes).expect("UTF-8")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(format: LogFormat) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::registry().with(log_layer(format, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("greeting", id = 7).in_scope(|| tracing::info!(count = 3, "said hello"));
    });
    lines.text()
}

#[test]
fn a_json_line_is_one_object_with_level_target_message_and_fields() {
    let text = logged(LogFormat::Json);
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "said hello");
    assert_eq!(line["count"], 3);
    assert_eq!(line["span"]["id"], 7);
    assert!(line["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{line}");
}

#[test]
fn a_human_line_has_no_escape_codes() {
    let text = logged(LogFormat::Human);
    assert!(
        text.contains("INFO") && text.contains("said hello") && !text.contains('\u{1b}'),
        "{text:?}"
    );
}

#[test]
fn spans_of_the_libraries_below_us_neither_travel_nor_get_between_ours() {
    let (exporter, _guard) = collect();
    let outer = tracing::info_span!("outer").entered();
    let library = tracing::info_span!(target: "temporalio_sdk::worker", "RunActivity").entered();
    tracing::info_span!("inner").in_scope(|| {});
    drop(library);
    drop(outer);
    let spans = exporter.get_finished_spans().expect("an exporter");
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(names, ["inner", "outer"]);
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id());
}

#[test]
fn a_span_inside_an_activity_hangs_under_the_plugins_span() {
    use opentelemetry::trace::{TraceContextExt, Tracer};
    let (exporter, _guard) = collect();
    // The plugin attaches its span's context, and the SDK enters a tracing span that we filter out.
    let provider = provider("plugin", None::<SimpleSpanProcessor<InMemorySpanExporter>>);
    let context = OtelContext::new().with_span(provider.tracer("plugin").start("RunActivity"));
    let plugin = context.span().span_context().clone();
    let attached = context.attach();
    tracing::info_span!(target: "temporalio_sdk", "RunActivity").in_scope(|| {
        tracing::info_span!("INSERT greetings").in_scope(|| {});
    });
    drop(attached);
    let spans = exporter.get_finished_spans().expect("an exporter");
    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].span_context.trace_id(), plugin.trace_id());
    assert_eq!(spans[0].parent_span_id, plugin.span_id());
}

#[test]
fn only_w3c_trace_context_travels() {
    use opentelemetry::baggage::BaggageExt;
    let (_exporter, _guard) = collect();
    let span = tracing::info_span!("outer");
    let context = tracing_opentelemetry::OpenTelemetrySpanExt::context(&span)
        .with_baggage([KeyValue::new("name", "of a person")]);
    let mut headers = http::HeaderMap::new();
    inject(&context, &mut headers);
    assert!(
        headers.contains_key("traceparent") && !headers.contains_key("baggage"),
        "{headers:?}"
    );
}
