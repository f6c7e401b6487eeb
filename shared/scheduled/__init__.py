"""The jobs that Cloud Scheduler calls, and who may call them."""
