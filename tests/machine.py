"""What the project needs from the machine beside Python, found or installed. Standard library alone.

`python -m tests.machine` is asked by `make test` for PostgreSQL's server and Chromium,
`python tests/machine.py venv` for Python's own venv module, before there is an environment.
What is missing is installed with apt by root; anybody else is told what to install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HEADLESS_SHELL = "chromium-headless-shell"  # the same engine without a window: a quarter of the processor time
BROWSERS = (HEADLESS_SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def postgresql() -> Path | None:
    """The directory with the newest installed PostgreSQL server's programs, or None."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in installed), key=lambda path: float(path.parts[4]), default=None)


def has_venv() -> bool:
    """Whether this Python can make virtual environments with pip in them."""
    try:
        import ensurepip  # noqa: F401  (Debian leaves it out of its python3 package)
    except ImportError:
        return False
    return True


# what, whether it is there, Debian's package
NEEDS = {
    "venv": ("Python's module venv", has_venv, f"python{sys.version_info.major}.{sys.version_info.minor}-venv"),
    "postgresql": (
        "a PostgreSQL server's programs (initdb, pg_ctl)",
        lambda: postgresql() or os.environ.get("DATABASE_URL"),
        "postgresql",
    ),
    "chromium": ("Chromium", chromium, "chromium"),
}


def provide(names: list[str]) -> None:
    """Install what is missing of these, or end the process with one sentence that says what to install."""
    missing = [name for name in names if not NEEDS[name][1]()]
    if not missing:
        return
    things = " and ".join(NEEDS[name][0] for name in missing)
    packages = [NEEDS[name][2] for name in missing]
    advice = f"Missing here: {things}. Install it, on Debian with: apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit(advice)
    if not _apt_get(packages):
        sys.exit(f"apt-get failed. {advice}")
    if still := [NEEDS[name][0] for name in missing if not _found(name)]:
        sys.exit(f"Still missing after apt-get: {' and '.join(still)}. {advice}")


def hasten_browser() -> None:
    """Install the headless shell beside a Chromium where that goes by itself; tests run without it, only longer."""
    can_install = os.geteuid() == 0 and shutil.which("apt-get")
    if can_install and not shutil.which(HEADLESS_SHELL) and not _apt_get([HEADLESS_SHELL]):
        print(f"Without {HEADLESS_SHELL} the browser tests take longer.", flush=True)


def _apt_get(packages: list[str]) -> bool:
    print(f"Installing {' '.join(packages)} with apt-get", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-qq"]
    steps = (["update"], ["install", "-y", "--no-install-recommends", *packages])
    return not any(
        subprocess.run(["apt-get", *patience, *step], env=environment, stdin=subprocess.DEVNULL).returncode
        for step in steps
    )


def _found(name: str) -> bool:
    if name == "venv":  # this process has looked for the module already
        return subprocess.run([sys.executable, "-c", "import ensurepip"]).returncode == 0
    return bool(NEEDS[name][1]())


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["postgresql", "chromium"]
    provide(wanted)
    if "chromium" in wanted:
        hasten_browser()
