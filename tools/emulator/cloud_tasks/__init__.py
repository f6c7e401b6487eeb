"""A fake of Google's Cloud Tasks, with the metadata server and the certificates that its callers need."""

from tools.emulator.cloud_tasks.queues import Queue, Task
from tools.emulator.cloud_tasks.server import CloudTasks

__all__ = ["CloudTasks", "Queue", "Task"]
