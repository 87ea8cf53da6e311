"""The project's settings, with data of the tests' own. TEST_DATABASE chooses sqlite (default) or postgresql.

The processes of one run share the directory: the first one makes it, and its environment tells the others. Each has a
server of its own, as the transactions of a neighbour would hold back the feed of events; the first one's serves the
programs that tests start.
"""

import atexit
import os
import shutil
import sys
import tempfile

from tests import postgresql_server

# Where the environment forbids to keep compiled modules, each of the many processes would compile all of them again.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False

if "TEST_DATA_DIR" not in os.environ:
    os.environ["TEST_DATA_DIR"] = tempfile.mkdtemp(prefix="researchmind-tests-")
    atexit.register(shutil.rmtree, os.environ["TEST_DATA_DIR"], ignore_errors=True)
os.environ["RESEARCHMIND_DATA_DIR"] = os.environ["TEST_DATA_DIR"]
if os.environ.get("TEST_DATABASE", "sqlite") == "sqlite":
    os.environ["DATABASE_URL"] = ""
else:
    postgresql_server.start_for_this_process()

from researchmind.postgresql import base as postgresql
from researchmind.settings import *  # after the environment that they read

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
LOGGING = {**LOGGING, "root": {**LOGGING["root"], "level": "ERROR"}}

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    _database = DATABASES["default"]
    # A file, as in production: threads and other processes see the same database, in WAL mode.
    _database["TEST"] = {"NAME": f"{os.environ['TEST_DATA_DIR']}/tests.sqlite3"}
    # No test cuts the power; those that kill servers start them with the real settings.
    _database["OPTIONS"]["init_command"] = _database["OPTIONS"]["init_command"].replace("=FULL", "=OFF")
    # A machine that is busy with other tests is slow; its database is neither locked
    _database["OPTIONS"]["timeout"] = 15
else:
    # nor away.
    _options = DATABASES["default"]["OPTIONS"]
    _options["connect_timeout"] = postgresql.ANSWER_SECONDS = 30
    _options["pool"] |= {"timeout": 60, "reconnect_timeout": 60}
