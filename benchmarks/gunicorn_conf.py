"""Gunicorn's configuration in the benchmarks. BENCHMARK_SWITCH_INTERVAL is Python's thread switch interval, in s."""

import os
import sys
from typing import Any


def post_fork(server: Any, worker: Any) -> None:
    """Set the interval in each worker."""
    if interval := os.environ.get("BENCHMARK_SWITCH_INTERVAL"):
        sys.setswitchinterval(float(interval))
