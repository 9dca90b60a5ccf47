"""OpenTelemetry records that come in, and figures that go out."""
