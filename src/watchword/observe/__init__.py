"""What operators see. The log for now; events, metrics and tracing have their place here."""
