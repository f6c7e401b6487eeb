"""The control API's parts: what moves time, sends deliveries again, and shows tables, logs and traces."""
