#!/usr/bin/env python3
"""A small service with logs and traces, in Python's standard library alone.

It answers /hello (after a moment with ?ms=20, with an error at ?status=500) and /health, writes a JSON line
for each request, and sends a SERVER span for it as OTLP over HTTP, as JSON, to OTEL_EXPORTER_OTLP_ENDPOINT.
A service with an OpenTelemetry SDK does the same by itself.

    lab run --exec "python3 examples/hello.py --port {port}" --url "http://127.0.0.1:{port}/hello"
"""

import argparse
import datetime
import json
import os
import queue
import re
import secrets
import signal
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

SERVICE = os.environ.get("OTEL_SERVICE_NAME", "hello")
ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-9a-f]")
SPANS = queue.Queue()


def log(level, message, **fields):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="microseconds")
    line = {"timestamp": now.replace("+00:00", "Z"), "level": level, "message": message, "service": SERVICE, **fields}
    # One write a line: threads share the stream.
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together and at once.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        path = urlsplit(self.path)
        if path.path == "/health":
            return self.answer(200, {"ready": True})
        started = time.time_ns()
        status, body = self.hello(parse_qs(path.query)) if path.path == "/hello" else (404, {"detail": "Not Found"})
        self.answer(status, body)
        self.observed(path.path, status, started, time.time_ns())

    def hello(self, query):
        time.sleep(int(query.get("ms", ["0"])[0]) / 1000)
        status = int(query.get("status", ["200"])[0])
        return status, {"hello": "world"} if status < 400 else {"detail": "asked for"}

    def answer(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def observed(self, route, status, started, ended):
        # The caller's trace goes on here; without one a new trace begins.
        caller = TRACEPARENT.fullmatch(self.headers.get("traceparent", ""))
        trace_id, parent = caller.groups() if caller else (secrets.token_hex(16), "")
        span_id = secrets.token_hex(8)
        ids = {"trace_id": trace_id, "span_id": span_id}
        log("INFO", "Request completed", **ids, method="GET", route=route, status=status, duration_ms=(ended - started) / 1e6)
        attributes = {"http.request.method": "GET", "http.route": route, "url.path": route, "url.scheme": "http"}
        if status >= 500:
            attributes["error.type"] = str(status)
        SPANS.put({
            "traceId": trace_id, "spanId": span_id, "parentSpanId": parent, "name": f"GET {route}", "kind": 2,
            "startTimeUnixNano": str(started), "endTimeUnixNano": str(ended),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()] + [
                {"key": "http.response.status_code", "value": {"intValue": str(status)}},
            ],
            "status": {"code": 2} if status >= 500 else {},
        })

    def log_message(self, format, *arguments):
        """Its own access log would say the same again."""


def export():
    """Sends what has come together, five times a second."""
    while True:
        time.sleep(0.2)
        flush()


def flush():
    spans = []
    while not SPANS.empty():
        spans.append(SPANS.get())
    if not spans or not ENDPOINT:
        return
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    message = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "hello"}, "spans": spans}]}]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(ENDPOINT.rstrip("/") + "/v1/traces", json.dumps(message).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError as error:
        log("WARNING", "Spans were lost", error=str(error), spans=len(spans))


def stop(*_):
    sys.exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=8000)
    signal.signal(signal.SIGTERM, stop)
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    server.daemon_threads = True
    threading.Thread(target=export, daemon=True).start()
    log("INFO", "listening", addr="127.0.0.1:%d" % server.server_port)
    try:
        server.serve_forever()
    finally:
        flush()


main()
