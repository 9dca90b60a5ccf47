"""What happened: sessions, agents, tokens and cost, joined from hooks and OpenTelemetry."""
