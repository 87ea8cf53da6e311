"""The project's settings with patience, for programs that other tests slow down: a busy database isn't locked or away.

The tests of one that is have the real settings (test_database_away.py).
"""

from researchmind.postgresql import base as postgresql
from researchmind.settings import *
from researchmind.sqlite3 import base as sqlite

SECONDS = 30

_options = DATABASES["default"]["OPTIONS"]
if DATABASES["default"]["ENGINE"] == "researchmind.postgresql":
    postgresql.ANSWER_SECONDS = SECONDS
    _options["connect_timeout"] = SECONDS
    _options["pool"] |= {"timeout": SECONDS, "reconnect_timeout": SECONDS}
else:
    _options["timeout"] = SECONDS
    sqlite.PATIENCE_SECONDS = 2 * SECONDS
