//! One JSON object a line, its keys in a fixed order, written without building a value first.
//!
//! A field whose name begins with `json.` holds ready JSON: `json.faces = "[1,2]"` becomes `"faces":[1,2]`. It is how
//! arrays get into a line, which `tracing` itself cannot carry.

mod writer;

use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

pub(crate) use writer::LogWriter;

/// Says why `level` cannot be a filter.
pub(crate) fn check_filter(level: &str) -> Result<(), String> {
    filter(level).map(drop)
}

/// Where the line comes from that names the address in force. Whoever asked for port 0 learns the port from it, so it passes
/// at every level but `off`.
pub(crate) const ADDRESS: &str = "services::address";

/// A bare level is meant for our own lines; libraries speak up only when something is wrong.
fn filter(level: &str) -> Result<Targets, String> {
    let directives = match level.to_ascii_lowercase().as_str() {
        "off" => return Ok(Targets::new()),
        "warning" | "warn" => "warn".to_owned(),
        "critical" | "fatal" | "error" => "error".to_owned(),
        own @ ("trace" | "debug" | "info") => format!("warn,services={own}"),
        // Alone it would be the name of a target that logs nothing.
        word if !word.contains(['=', ',']) && word.parse::<LevelFilter>().is_err() => {
            return Err("write off, error, warning, info, debug, trace, or TARGET=LEVEL,…".to_owned());
        }
        _ => level.to_owned(),
    };
    let targets: Targets = directives.parse().map_err(|error: ParseError| error.to_string())?;
    Ok(targets.with_target(ADDRESS, Level::INFO))
}

/// Starts logging to standard output for this process.
pub(crate) fn start(service: &'static str, level: &str) -> Result<LogWriter, String> {
    let stdout = std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned().map_err(|error| error.to_string())?;
    let writer =
        LogWriter::start(std::fs::File::from(stdout), move |dropped| loss_line(service, dropped)).map_err(|error| error.to_string())?;
    let sink = writer.clone();
    let layer = JsonLayer { service, write: move |line: &[u8]| sink.write(line) };
    // Another subscriber may be there when the services run inside somebody else's process; theirs then stays.
    let _ = tracing_subscriber::registry().with(filter(level)?).with(layer).try_init();
    Ok(writer)
}

/// How long the process waits for its last lines to be read.
pub(crate) const FLUSH_PATIENCE: Duration = Duration::from_millis(150);

fn loss_line(service: &str, dropped: u64) -> Vec<u8> {
    let mut line = String::new();
    head(&mut line, "WARNING", "Log lines dropped", "services::logs", service);
    let _ = writeln!(line, ",\"dropped\":{dropped}}}");
    line.into_bytes()
}

/// Turns events into lines.
struct JsonLayer<W> {
    service: &'static str,
    write: W,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers { line: String::new(), message: String::new(), fields: String::new() }) };
}

/// Reused from line to line, so that logging allocates nothing once it is warm.
struct Buffers {
    line: String,
    message: String,
    fields: String,
}

impl<S: Subscriber, W: Fn(&[u8]) + 'static> Layer<S> for JsonLayer<W> {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        BUFFERS.with(|buffers| {
            // A value whose own formatting logs would come here twice; its inner line is given up.
            let Ok(mut buffers) = buffers.try_borrow_mut() else {
                return;
            };
            let Buffers { line, message, fields } = &mut *buffers;
            line.clear();
            message.clear();
            fields.clear();
            event.record(&mut Fields { message, fields });

            let metadata = event.metadata();
            let level = match *metadata.level() {
                Level::ERROR => "ERROR",
                Level::WARN => "WARNING",
                Level::INFO => "INFO",
                _ => "DEBUG",
            };
            head(line, level, message, metadata.target(), self.service);
            Context::map_current(|cx| {
                let span = cx.span();
                let span = span.span_context();
                if span.is_valid() {
                    let _ = write!(line, ",\"trace_id\":\"{}\",\"span_id\":\"{}\"", span.trace_id(), span.span_id());
                }
            });
            line.push_str(fields);
            line.push_str("}\n");
            (self.write)(line.as_bytes());
        });
    }
}

fn head(line: &mut String, level: &str, message: &str, logger: &str, service: &str) {
    line.push_str("{\"timestamp\":\"");
    let _ = write!(line, "{}", humantime::format_rfc3339_micros(SystemTime::now()));
    line.push_str("\",\"level\":\"");
    line.push_str(level);
    line.push_str("\",\"message\":");
    push_string(line, message);
    line.push_str(",\"logger\":");
    push_string(line, logger);
    line.push_str(",\"service\":");
    push_string(line, service);
}

/// Writes an event's fields as `,"key":value`, and keeps its message apart.
struct Fields<'a> {
    message: &'a mut String,
    fields: &'a mut String,
}

impl Fields<'_> {
    fn key(&mut self, name: &str) {
        self.fields.push(',');
        push_string(self.fields, name);
        self.fields.push(':');
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.key(field.name());
        // JSON has no word for what is not a number.
        let _ = if value.is_finite() { write!(self.fields, "{value:?}") } else { self.fields.write_str("null") };
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.key(field.name());
        let _ = write!(self.fields, "{value}");
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.key(field.name());
        let _ = write!(self.fields, "{value}");
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.key(field.name());
        self.fields.push_str(if value { "true" } else { "false" });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else if let Some(name) = field.name().strip_prefix("json.") {
            self.key(name);
            self.fields.push_str(value);
        } else {
            self.key(field.name());
            push_string(self.fields, value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.key(field.name());
            push_string(self.fields, &format!("{value:?}"));
        }
    }
}

/// Writes a JSON string. Everything that could end the line or the string is escaped.
fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Milliseconds with three decimals: a log is read by people.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// The lines that this thread logs while the guard lives.
    #[derive(Clone, Default)]
    pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

    impl Lines {
        pub(crate) fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
            let lines = Self::default();
            let theirs = lines.clone();
            let write = move |line: &[u8]| {
                theirs.0.lock().unwrap().push(String::from_utf8(line.to_vec()).unwrap());
            };
            let layer = JsonLayer { service: "test", write };
            let subscriber = tracing_subscriber::registry().with(filter("info").unwrap()).with(layer);
            (lines, tracing::subscriber::set_default(subscriber))
        }

        pub(crate) fn all(&self) -> Vec<serde_json::Value> {
            self.0.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
        }

        pub(crate) fn raw(&self) -> Vec<String> {
            self.0.lock().unwrap().clone()
        }

        pub(crate) fn with_message(&self, message: &str) -> Vec<serde_json::Value> {
            self.all().into_iter().filter(|line| line["message"] == message).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Lines;
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

    #[test]
    fn keys_come_in_order_and_values_keep_their_types() {
        let (lines, _guard) = Lines::capture();
        let span = SpanContext::new(TraceId::from(0xabc_u128), SpanId::from(0xdef_u64), TraceFlags::SAMPLED, true, TraceState::default());
        let _attached = Context::new().with_remote_span_context(span).attach();
        tracing::warn!(
            identifier = "fair",
            count = 3,
            error_rate = 0.0,
            usage = true,
            json.faces = "[1,2]",
            nothing = f64::NAN,
            "Die {} found",
            "\"x\"\n"
        );
        let raw = lines.raw().remove(0);
        let (timestamp, rest) = raw.split_at("{\"timestamp\":\"2026-01-02T03:04:05.678901Z\"".len());
        assert!(timestamp.ends_with("Z\""), "{raw}");
        assert_eq!(
            rest,
            concat!(
                r#","level":"WARNING","message":"Die \"x\"\n found","logger":"services::logs::tests","service":"test","#,
                r#""trace_id":"00000000000000000000000000000abc","span_id":"0000000000000def","#,
                r#""identifier":"fair","count":3,"error_rate":0.0,"usage":true,"faces":[1,2],"nothing":null}"#,
                "\n"
            )
        );
    }

    #[test]
    fn outside_a_span_there_are_no_identifiers_and_a_line_stays_a_line() {
        let (lines, _guard) = Lines::capture();
        tracing::info!(text = "a\r\n\u{1}\u{2028}b\\", "plain");
        let raw = lines.raw().remove(0);
        assert_eq!(raw.matches('\n').count(), 1);
        assert!(!raw.contains("trace_id"));
        assert_eq!(lines.all()[0]["text"], "a\r\n\u{1}\u{2028}b\\");
    }

    #[test]
    fn a_mistyped_level_is_refused_and_the_address_is_told_at_every_level() {
        for level in ["bogus", "inf", "warn ing", "services"] {
            assert!(super::check_filter(level).unwrap_err().starts_with("write off, error, warning"), "{level}");
        }
        for (level, tells) in [("off", false), ("ERROR", true), ("warning", true), ("services=error", true), ("hyper=debug,warn", true)] {
            let filter = super::filter(level).unwrap();
            assert_eq!(filter.would_enable(super::ADDRESS, &tracing::Level::INFO), tells, "{level}");
            assert!(!filter.would_enable("services::http", &tracing::Level::INFO), "{level}");
        }
    }

    #[test]
    fn libraries_are_quiet_until_something_is_wrong() {
        let (lines, _guard) = Lines::capture();
        tracing::info!(target: "hyper::proto", "chatter");
        tracing::warn!(target: "hyper::proto", "trouble");
        tracing::debug!("detail");
        assert_eq!(lines.all().len(), 1);
    }
}
