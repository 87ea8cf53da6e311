"""The project's settings, with data of the tests' own. TEST_DATABASE chooses sqlite (default) or postgresql."""

import os
import tempfile

from tests import postgresql_server

os.environ["RESEARCHMIND_DATA_DIR"] = os.environ.get("TEST_DATA_DIR") or tempfile.mkdtemp(prefix="researchmind-tests-")
os.environ["TEST_DATA_DIR"] = os.environ["RESEARCHMIND_DATA_DIR"]
if os.environ.get("TEST_DATABASE") == "postgresql" and not os.environ.get("DATABASE_URL"):
    os.environ["DATABASE_URL"] = postgresql_server.start()

from researchmind.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
