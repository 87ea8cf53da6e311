"""The API put together: its routers, who may call, how bodies are read, what errors become."""

from django.http import Http404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja.errors import HttpError, ValidationError

from sessions.api.auth import AUTHENTICATION
from sessions.api.contract import keep_contract, refuse_unknown_length
from sessions.api.docs import Docs
from sessions.api.errors import handle
from sessions.api.openapi import Api
from sessions.api.parsing import StrictParser
from sessions.api.routers import (
    chat,
    comparison,
    events,
    files,
    indexing,
    jobs,
    messages,
    people,
    points,
    restructure,
    retention,
    revisions,
    run_records,
    runs,
    search,
    sessions,
    statistics,
    system,
    transfer,
    turns,
)

DESCRIPTION = """\
Sessions with their transcripts and workspaces, for scripts and agents.

Send `Authorization: Bearer rm_…`; a token is made under Settings, API tokens. Times are UTC. Errors are
`application/problem+json` with a stable `code`. Writes take `If-Match`, every POST takes `Idempotency-Key`.
"""

api = Api(
    title="ResearchMind",
    version="1",
    description=DESCRIPTION,
    auth=list(AUTHENTICATION),
    parser=StrictParser(),
    docs=Docs(),
    docs_decorator=lambda view: csrf_exempt(require_safe(view)),
)
for _error in (Exception, Http404, HttpError, ValidationError):  # ninja has handlers of its own for each of them
    api.add_exception_handler(_error, handle)
api.add_decorator(refuse_unknown_length, mode="view")
api.add_decorator(keep_contract, mode="operation")
for _router in (
    transfer.router,
    restructure.router,
    comparison.router,
    retention.router,
    sessions.router,
    messages.router,
    turns.router,
    chat.router,
    revisions.router,
    people.router,
    runs.router,
    run_records.router,
    files.router,
    indexing.router,
    points.router,
    statistics.router,
    search.router,
    events.router,
    jobs.router,
    system.router,
):
    api.add_router("", _router)
