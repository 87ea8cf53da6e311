"""A stand-in for `mcp-vector-search`: its commands, its questions, its exit codes, its config of absolute paths.

What it does besides is written in `content/behaviour` of the workspace, because its environment is nobody's to set.
"""

import sys
from pathlib import Path

_PROGRAM = """\
#!{python} -IS
import json, os, signal, subprocess, sys, time
place, index = os.getcwd(), os.path.join(os.getcwd(), ".mcp-vector-search")
config = os.path.join(index, "config.json")
try:
    behaviour = open("content/behaviour").read().split()
except FileNotFoundError:
    behaviour = [""]

def init(*flags):
    assert flags == ("--no-mcp", "--no-auto-index", "--no-auto-indexing"), flags
    if os.path.exists(config):
        sys.exit(print("Project is already initialized") or 1)
    if input("Proceed with initialization? [Y/n]: ") != "y":
        sys.exit(print("Initialization cancelled") or 0)
    os.makedirs(index, exist_ok=True)
    with open(config, "w") as file:
        json.dump(dict(project_root=place, index_path=index, made=str(time.time())), file)
    print("Project initialized successfully!")

def do_index():
    if not os.path.exists(config):
        sys.exit(print("Project not initialized") or 1)
    print("Indexing", place, flush=True)
    getattr(sys.modules[__name__], "be_" + behaviour[0], lambda: None)()
    with open(config) as file:
        where = json.load(file)["index_path"]
    files = sorted(name for _, _, names in os.walk("content") for name in names)
    with open(os.path.join(where, "index.json"), "w") as file:
        json.dump(files, file)
    print("Indexed", len(files), "files")

def be_failing():
    print("out of memory")
    sys.exit(int(behaviour[1]))

def be_lost():  # once
    os.remove(config)
    os.remove("content/behaviour")
    sys.exit(print("Project not initialized") or 1)

def be_hanging():
    time.sleep(600)

def be_deaf():  # with a child, and a grandchild in a session of its own
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    script = "from signal import *; import subprocess, sys, time; signal(SIGTERM, SIG_IGN);"
    grandchild = script + "open(sys.argv[1], 'w').write('x'); time.sleep(600)"
    again = "[sys.executable, '-IS', '-c', sys.argv[2], sys.argv[1]]"
    child = script + f"subprocess.Popen({again}, start_new_session=True); time.sleep(600)"
    subprocess.Popen([sys.executable, "-IS", "-c", child, "content/alive", grandchild])
    time.sleep(600)

def be_background():  # leaves something running that holds the output, and ends well
    subprocess.Popen([sys.executable, "-IS", "-c", "import time; time.sleep(600)"], start_new_session=True)

def be_flooding():
    for number in range(10 * 16):
        sys.stdout.write(("%08d " % number + "x" * 54 + "\\n") * 1024)
    sys.stdout.write("10%\\r20%\\r\\x1b[32mdone\\x1b[0m \\x00\\xff the end\\n")

def be_telling():
    print(json.dumps(dict(os.environ)), os.umask(0), sorted(os.listdir("/proc/self/fd")), flush=True)

def be_digging():  # writes where the workspace was, until it is ended
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            os.makedirs(os.path.join(index, "deep"), exist_ok=True)
            open(os.path.join(index, "deep", str(time.time())), "w").close()
        except OSError:
            pass  # somebody is removing it
        time.sleep(0.01)

command = sys.argv[1:]
if command[:1] == ["init"]:
    init(*command[1:])
elif command == ["index"]:
    do_index()
else:
    sys.exit(2)
"""


def install(directory: Path, name: str = "mcp-vector-search") -> Path:
    """Put it into a directory; return its path."""
    path = directory / name
    path.write_text(_PROGRAM.replace("{python}", sys.executable))
    path.chmod(0o755)
    return path


def running(place: Path) -> list[int]:
    """The processes that work in a directory, or did until it was removed or moved."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            here = (entry / "cwd").readlink() if entry.name.isdigit() else None
        except OSError:
            continue
        if here is not None and place.name in str(here):
            found.append(int(entry.name))
    return found
