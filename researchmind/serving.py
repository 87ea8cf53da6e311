"""The production server: gunicorn with its web workers, and the job worker beside them as a child."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from gunicorn import glogging
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

GRACE_SECONDS = 30
METRICS_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_RESTART_PAUSE = 2.0


class JobWorker:
    """The process that does jobs and housekeeping; started again should it ever end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0

    def ensure(self) -> None:
        """Start it, unless it runs or ended only just now."""
        if self._runs() or time.monotonic() - self._started < _RESTART_PAUSE:
            return
        self._started = time.monotonic()
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--parent", str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  (our own command)

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None  # also if gunicorn has reaped it

    def stop(self) -> None:
        """Ask it to end after its current job."""
        if self._process is not None:
            self._process.terminate()

    def wait(self, until: float) -> None:
        """Wait for its end until the monotonic time, then kill it."""
        while self._process is not None and self._runs():
            if time.monotonic() > until:
                self._process.kill()
                return
            time.sleep(0.05)


class SupervisingArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which also looks after the job worker."""

    def __init__(self, app: BaseApplication) -> None:
        self.job_worker = JobWorker()
        super().__init__(app)

    def manage_workers(self) -> None:
        """Keep all children running; gunicorn calls this every second."""
        super().manage_workers()
        self.job_worker.ensure()

    def stop(self, graceful: bool = True) -> None:
        """End all children together: requests and jobs under way have GRACE_SECONDS."""
        until = time.monotonic() + GRACE_SECONDS
        self.job_worker.stop()
        super().stop(graceful)
        self.job_worker.wait(until)


def keep_metrics_together(port: int) -> None:
    """Let the web workers add up what they count, in files of this server's own, which begin anew with it."""
    directory = settings.DATA_DIR / "metrics" / str(port)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True, mode=0o700, exist_ok=True)  # a killed server's workers may write there to the last
    os.environ[METRICS_DIRECTORY] = str(directory)


class EventLogger(glogging.Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's messages go where all logs go."""

    def setup(self, cfg: Any) -> None:
        """Hand messages up to the root logger, which is configured already."""
        super().setup(cfg)
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """ResearchMind under gunicorn at one address."""

    def __init__(self, host: str, port: int) -> None:
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        """Set what measurement chose (docs/decisions/0003-serving.md)."""
        shared_memory = Path("/dev/shm")  # noqa: S108  (gunicorn's heartbeat files; created safely by gunicorn)
        for name, value in {
            "bind": self._address,
            "worker_class": "gthread",
            "workers": settings.SERVER_WORKERS,
            "threads": settings.SERVER_THREADS,
            "preload_app": True,
            "timeout": 120,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 5,
            "limit_request_line": 8190,  # a search of 400 emoji takes 4,800 bytes of an address
            "errorlog": None,
            "loglevel": "warning",
            "logger_class": EventLogger,
            "control_socket_disable": True,
            "forwarded_allow_ips": "*" if settings.TRUSTED_PROXY else "",
            "worker_tmp_dir": str(shared_memory) if os.access(shared_memory, os.W_OK) else None,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """The WSGI application."""
        from researchmind.wsgi import application

        return application

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        SupervisingArbiter(self).run()
