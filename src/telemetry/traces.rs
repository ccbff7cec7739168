//! One trace for each call, whichever node answers its steps: the trace's id is the call's own.
//!
//! The endpoint is `OTEL_EXPORTER_OTLP_ENDPOINT`; without it nothing is exported.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context as Surroundings;

/// Exports until the end.
#[derive(Debug)]
pub(super) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Sends what waits.
    pub(super) fn finish(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// The layer that turns answers into spans, when there is an endpoint.
pub(super) type Started = (Option<Spans>, Option<Exporter>);

/// Starts exporting.
pub(super) fn start() -> Result<Started, String> {
    if std::env::var_os("OTEL_EXPORTER_OTLP_ENDPOINT").is_none_or(|endpoint| endpoint.is_empty()) {
        return Ok((None, None));
    }
    let exporter = SpanExporter::builder().with_http().build().map_err(|error| error.to_string())?;
    let resource = Resource::builder().with_service_name("ringfall").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    Ok((Some(Spans { tracer: provider.tracer("ringfall") }), Some(Exporter(provider))))
}

/// Turns the line that tells of an answer into a span of its call's trace.
#[derive(Debug)]
pub(super) struct Spans {
    tracer: SdkTracer,
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_event(&self, event: &Event<'_>, _surroundings: Surroundings<'_, S>) {
        let mut told = Told::default();
        event.record(&mut told);
        let (Some(call), Some(microseconds)) = (told.call, told.microseconds) else { return };
        let Some(parent) = root(&call) else { return };
        #[expect(clippy::disallowed_methods, reason = "a span stands on the time line of whoever collects it")]
        let end = SystemTime::now();
        let start = end.checked_sub(Duration::from_micros(microseconds)).unwrap_or(end);
        let span = self.tracer.span_builder(told.name).with_kind(SpanKind::Server).with_start_time(start);
        let around = Context::new().with_remote_span_context(parent);
        let mut span = span.with_attributes(told.attributes).start_with_context(&self.tracer, &around);
        if told.fault {
            span.set_status(Status::error("answered in spite of a fault"));
        }
        span.end_with_timestamp(end);
    }
}

/// The root of a call's trace: 32 hex digits are just as many as a trace's id has.
fn root(call: &str) -> Option<SpanContext> {
    let digits = call.strip_prefix("CA")?;
    let trace = TraceId::from_hex(digits).ok().filter(|id| *id != TraceId::INVALID)?;
    let span = SpanId::from_hex(digits.get(..16)?).ok().filter(|id| *id != SpanId::INVALID)?;
    Some(SpanContext::new(trace, span, TraceFlags::SAMPLED, true, TraceState::default()))
}

/// What an event says.
#[derive(Default)]
struct Told {
    name: String,
    call: Option<String>,
    microseconds: Option<u64>,
    fault: bool,
    attributes: Vec<KeyValue>,
}

impl Visit for Told {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "microseconds" {
            self.microseconds = Some(value);
        } else {
            self.attributes.push(KeyValue::new(field.name(), i64::try_from(value).unwrap_or(i64::MAX)));
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fault |= field.name() == "fault";
        self.attributes.push(KeyValue::new(format!("ringfall.{}", field.name()), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.name = text.split(':').next().unwrap_or_default().to_owned(),
            "call" => self.call = Some(text),
            _ => self.record_str(field, &text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_of_a_call_has_the_calls_own_id() {
        let root = root("CA0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(root.trace_id().to_string(), "0123456789abcdef0123456789abcdef");
        assert!(root.is_sampled() && root.is_valid());
        assert!(super::root("CA").is_none() && super::root(&format!("CA{}", "0".repeat(32))).is_none());
    }
}
