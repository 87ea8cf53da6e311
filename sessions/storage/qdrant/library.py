"""The part of qdrant-client that speaks HTTP, and nothing else of it.

`import qdrant_client` brings gRPC, protobuf, numpy and a database of its own along, and builds two hundred models at
once: 65 MiB for each worker. Its REST client needs none of that and builds a model when it is used first.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

__all__ = [
    "ApiClient",
    "ApiException",
    "QdrantException",
    "ResponseHandlingException",
    "SyncApis",
    "UnexpectedResponse",
    "models",
]


@contextmanager
def _bare_packages() -> Iterator[None]:
    """Import modules of qdrant-client without what its packages import; afterwards they can be imported whole.

    The models that are built meanwhile don't take arrays of numpy for vectors, which is what numpy is imported for.
    """
    bare = []
    spec = None if "qdrant_client" in sys.modules else find_spec("qdrant_client")
    for root in (spec.submodule_search_locations or ())[:1] if spec else ():
        for name, path in (("qdrant_client", Path(root)), ("qdrant_client.http", Path(root, "http"))):
            module = ModuleType(name)
            module.__path__ = [str(path)]
            sys.modules[name] = module
            bare.append(name)
        numbers = ModuleType("qdrant_client._numpy_vectors")
        numbers.__dict__["NumpyVectorsToLists"] = None
        sys.modules[numbers.__name__] = numbers
        bare.append(numbers.__name__)
    try:
        yield
    finally:
        for name in bare:
            del sys.modules[name]


with _bare_packages():
    from qdrant_client.common.client_exceptions import QdrantException
    from qdrant_client.http.api_client import ApiClient, SyncApis
    from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse
    from qdrant_client.http.models import models
