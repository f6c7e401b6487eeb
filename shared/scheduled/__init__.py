"""The jobs that Cloud Scheduler calls, and their authorization."""
