//! The `traceparent` header, written without going through the formatter: every request writes it several times.

use http::HeaderValue;
use opentelemetry::trace::SpanContext;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `00-<trace>-<span>-<flags>`, or nothing for a trace that does not exist.
pub(crate) fn traceparent(span: &SpanContext) -> Option<HeaderValue> {
    if !span.is_valid() {
        return None;
    }
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    hex(&span.trace_id().to_bytes(), &mut text[3..35]);
    hex(&span.span_id().to_bytes(), &mut text[36..52]);
    hex(&[span.trace_flags().to_u8()], &mut text[53..]);
    HeaderValue::from_bytes(&text).ok()
}

/// The trace's identifier, as users search for it.
pub(crate) fn trace_id(span: &SpanContext) -> Option<HeaderValue> {
    let mut text = [0; 32];
    hex(&span.trace_id().to_bytes(), &mut text);
    if span.is_valid() {
        HeaderValue::from_bytes(&text).ok()
    } else {
        None
    }
}

fn hex(bytes: &[u8], out: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};

    #[test]
    fn the_header_is_what_the_w3c_says() {
        let span = SpanContext::new(
            TraceId::from(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128),
            SpanId::from(0x00f0_67aa_0ba9_02b7_u64),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        assert_eq!(
            traceparent(&span).unwrap(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        );
        assert_eq!(trace_id(&span).unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(traceparent(&SpanContext::empty_context()), None);
        assert_eq!(trace_id(&SpanContext::empty_context()), None);
    }
}
