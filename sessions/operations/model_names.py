"""Which models there are, and whether a name is one of them. Without a model server any name is taken."""

from typing import TYPE_CHECKING

from django.db import connection

from sessions.access import Actor, require_write
from sessions.exceptions import UnknownModel
from sessions.storage import model_server
from sessions.storage.model_server import Model

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_NAMED_AT_MOST = 20


def let_the_database_go() -> None:
    """Give a connection of PostgreSQL's pool back while somebody else is waited for; in a transaction it stays."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def list_models() -> list[Model]:
    """The model server's models; none without a server. Raises ModelServerError."""
    server = model_server.configured()
    if server is None:
        return []
    let_the_database_go()
    return server.models()


def check_model(*, actor: "Actor | User", name: str | None) -> None:
    """Raise UnknownModel if there is a model server that doesn't have the model; no name is fine.

    The server is asked each time, so this comes before a change's transaction and never inside it.
    Raises ReadOnlyToken for who may change nothing, ModelServerError if the server can't be asked.
    """
    require_write(Actor.of(actor))
    server = model_server.configured()
    if not name or server is None:
        return
    let_the_database_go()
    if not server.has_model(name):
        names = [model.name for model in server.models()]
        others = f"{', '.join(names[:_NAMED_AT_MOST]) or 'none'}{', …' if len(names) > _NAMED_AT_MOST else ''}"
        raise UnknownModel(f"The model server has no model “{name}”. It has: {others}.", model=name)


def usual_model() -> str:
    """The model that answers where nobody chose one: the first that the server lists. Raises UnknownModel."""
    models = list_models()
    if not models:
        raise UnknownModel("The model server has no models yet. Load one, then ask again.")
    return models[0].name
