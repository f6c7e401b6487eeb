"""The HTTP server of a function: gunicorn as functions-framework starts it, with the settings it leaves out.

Cloud Run sends SIGTERM to the first process of an instance and SIGKILL 10 s later
(docs.cloud.google.com/run/docs/container-contract). Requests in work get STOP_SECONDS of them, the rest is
for closing connections.
"""

from __future__ import annotations

from functions_framework._http import gunicorn as framework
from gunicorn.workers.gthread import ThreadWorker

from shared import db, http, log

STOP_SECONDS = 8  # how long a stopping process waits for requests in work
MASTER_STOP_SECONDS = 9  # how long gunicorn's master waits for the process that serves


class Worker(ThreadWorker):  # type: ignore[misc]
    """The process that serves requests, each in a thread."""

    def init_process(self) -> None:
        """Serve until told to stop."""
        self.cfg.set("graceful_timeout", STOP_SECONDS)  # the master's is longer: it must not kill us first
        super().init_process()

    def run(self) -> None:
        """Serve; after SIGTERM finish the requests in work, then close the connections to others."""
        super().run()
        log.info(
            "the process stops", action="process_stopped", cut_requests=self.nr_conns, pool=db.pool_state()
        )
        if not self.nr_conns:
            db.close()
            http.close_idle()


class Application(framework.GunicornApplication):
    """gunicorn with our worker."""

    def load_config(self) -> None:
        """Take functions-framework's settings (PORT, THREADS, WORKERS) and add ours."""
        super().load_config()  # type: ignore[no-untyped-call]
        self.cfg.set("worker_class", Worker)
        self.cfg.set("graceful_timeout", MASTER_STOP_SECONDS)
        # No heartbeat of the worker's main loop: between requests Cloud Run may give an instance no CPU at
        # all, and a loop that stood still for that must not be killed. It stops no request either way.
        self.cfg.set("timeout", 0)
        self.cfg.set("control_socket_disable", True)  # nothing here is managed through it


def install() -> None:
    """Make functions-framework start our server; called while it imports a function, before it starts one."""
    framework.GunicornApplication = Application  # type: ignore[misc]
