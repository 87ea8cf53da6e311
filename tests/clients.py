"""A client of the JSON API."""

from typing import Any

from django.test import Client

JSON = "application/json"


class ApiClient(Client):
    """Django's test client that speaks JSON, with a bearer token if it is given one.

    `ApiClient(token).post("/api/v1/sessions", {"name": "One"})` sends JSON; `.json()` of an
    answer reads it. An unhandled error is raised, as in Django's client; with
    `raise_request_exception=False` it is the answer 500 that a caller would get.
    """

    def __init__(self, token: str | None = None, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(headers=headers | options.pop("headers", {}), **options)

    def post(self, path: str, data: Any = None, content_type: str = JSON, **extra: Any) -> Any:
        return super().post(path, data, content_type, **extra)

    def put(self, path: str, data: Any = "", content_type: str = JSON, **extra: Any) -> Any:
        return super().put(path, data, content_type, **extra)

    def patch(self, path: str, data: Any = "", content_type: str = JSON, **extra: Any) -> Any:
        return super().patch(path, data, content_type, **extra)

    def delete(self, path: str, data: Any = "", content_type: str = JSON, **extra: Any) -> Any:
        return super().delete(path, data, content_type, **extra)
