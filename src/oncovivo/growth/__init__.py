"""Growth: mixed models of log size with small-sample inference."""
