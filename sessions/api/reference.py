"""The OpenAPI document as a reader wants it: calls with their parameters, bodies, answers and an example."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

PREFIX = "/api/v1"
_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_FORMATS = {"date-time": "time", "uuid": "id"}
_PLACES = {"Sessions": 0, "Import and export": 2, "Retention": 2, "Jobs": 2, "System": 3}  # of groups; others between
_IN_ADDRESSES = {
    "{session_id}": "$ID", "{index}": "0", "{number}": "1", "{path}": "content/notes.txt", "{kind}": "build_spec",
    "{task_id}": "1", "{user_id}": "2", "{link_id}": "1", "{job_id}": "$JOB", "{import_id}": "$IMPORT",
}  # fmt: skip
_FILES = {"multipart/form-data": "-F file=@conversations.zip", "application/octet-stream": "-T notes.txt"}
_SHOWN_WORDS = 12  # more alternatives than this aren't spelt out in a table

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A field or a parameter."""

    name: str
    kind: str
    required: bool
    text: SafeString


@dataclass(frozen=True, slots=True)
class Form:
    """A body, or a kind of object that answers hold."""

    name: str
    text: SafeString
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a call; `form` is the name of what it holds."""

    status: int
    phrase: str
    form: str


@dataclass(frozen=True, slots=True)
class Call:
    """One method at one address."""

    id: str
    method: str
    path: str
    summary: str
    text: SafeString
    parameters: list[tuple[str, list[Entry]]]
    bodies: list[Form]
    replies: list[Reply]
    example: str

    @property
    def short_path(self) -> str:
        """The address as a list of calls shows it."""
        return self.path.replace("{session_id}", "{id}")

    @property
    def good(self) -> list[Reply]:
        """Answers that aren't errors."""
        return [reply for reply in self.replies if reply.status < HTTPStatus.BAD_REQUEST]

    @property
    def bad(self) -> list[Reply]:
        """Errors."""
        return [reply for reply in self.replies if reply.status >= HTTPStatus.BAD_REQUEST]


@dataclass(frozen=True, slots=True)
class Reference:
    """All calls by their group, and the objects that answers hold."""

    groups: list[tuple[str, list[Call]]]
    forms: list[Form]


def reference(document: Mapping[str, Any]) -> Reference:
    """Read an OpenAPI document of ours."""
    reader = _Reader(document)
    groups: dict[str, list[Call]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(reader.call(method.upper(), path, operation))
    groups.get("Sessions", []).sort(key=lambda call: call.path.count("/"))  # to make and list them comes first
    forms = [reader.form(name) for name in sorted(document["components"]["schemas"]) if name.endswith("Answer")]
    return Reference(sorted(groups.items(), key=lambda group: _PLACES.get(group[0], 1)), forms)


def readable(name: str) -> str:
    """`SessionListAnswer` is the "session list", as a name."""
    return re.sub("(Answer|Form)$", "", name)


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]

    def call(self, method: str, path: str, operation: Mapping[str, Any]) -> Call:
        content = operation.get("requestBody", {}).get("content", {})
        body = content.get("application/json", {}).get("schema")
        names = [] if body is None else _references(body)
        return Call(
            id=operation["operationId"],
            method=method,
            path=path.removeprefix(PREFIX),
            summary=operation["summary"],
            text=_marked(operation["description"]),
            parameters=self._parameters(operation["parameters"]),
            bodies=[self.form(name) for name in names],
            replies=[self._reply(status, reply) for status, reply in operation["responses"].items()],
            example=_curl(
                method,
                path,
                self._example(names[0]) if names else None,
                next((_FILES[kind] for kind in content if kind in _FILES), ""),
            ),
        )

    def _example(self, name: str) -> Any:
        schema = self._schemas[name]
        return {field: schema["example"][field] for field in schema["properties"] if field in schema["example"]}

    def form(self, name: str) -> Form:
        schema = self._schemas[name]
        return Form(readable(name), _marked(schema.get("description", "")), list(self._entries(schema)))

    def _entries(self, schema: Schema) -> Iterator[Entry]:
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            yield Entry(name, self._kind(field), name in required, _marked(field.get("description", "")))

    def _parameters(self, parameters: list[Mapping[str, Any]]) -> list[tuple[str, list[Entry]]]:
        places: dict[str, list[Entry]] = {"path": [], "query": [], "header": []}
        for found in parameters:
            text = found.get("description", found["schema"].get("description", ""))
            default = found["schema"].get("default")
            if default is not None:
                text = f"{text} {json.dumps(default)} if left out.".strip()
            places[found["in"]].append(
                Entry(found["name"], self._kind(found["schema"]), found["required"], _marked(text))
            )
        titles = {"path": "In the address", "query": "Parameters", "header": "Headers"}
        return [(titles[place], entries) for place, entries in places.items() if entries]

    def _reply(self, status: str, reply: Mapping[str, Any]) -> Reply:
        contents: list[Mapping[str, Any]] = list(reply.get("content", {}).values())
        names = _references(contents[0]["schema"]) if contents else []
        return Reply(int(status), HTTPStatus(int(status)).phrase, readable(names[0]) if names else "")

    def _kind(self, schema: Schema) -> str:
        if "$ref" in schema:
            return self._named(schema["$ref"].rsplit("/", 1)[1])
        alternatives = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if alternatives:
            return " or ".join(dict.fromkeys(self._kind(alternative) for alternative in alternatives))
        if "enum" in schema or "const" in schema:
            return _words(schema.get("enum", [schema.get("const")]))
        if schema.get("type") == "array":
            return f"list of {self._kind(schema.get('items', {}))}"
        if schema.get("type") == "object":
            return "object"
        return _limited(_FORMATS.get(schema.get("format", ""), _KINDS.get(schema.get("type", ""), "anything")), schema)

    def _named(self, name: str) -> str:
        if name.endswith("Answer"):
            return readable(name)
        fields = ", ".join(self._schemas[name]["properties"])
        return f"{{{fields}}}"


def _references(schema: Schema) -> list[str]:
    """The names of the objects that a body may be."""
    found = [schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return [part["$ref"].rsplit("/", 1)[1] for part in found if "$ref" in part]


def _words(values: list[Any]) -> str:
    words = [str(value) for value in values]
    return ", ".join(words) if len(words) <= _SHOWN_WORDS else f"one of {len(words)} words"


def _limited(kind: str, schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if "maxLength" in schema:
        return f"{kind}, at most {schema['maxLength']} characters"
    if least is not None and most is not None and most < 2**31 - 1:
        return f"{kind}, {least} to {most}"
    return f"{kind}, {least} or more" if least is not None else kind


def _marked(text: str) -> SafeString:
    """A text in which what stands between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if number % 2 else part,) for number, part in parts)
    )


def _curl(method: str, path: str, body: Any, file: str) -> str:
    """The call as a line for a shell, in which URL, TOKEN and ID are set; `file` are curl's words for sending one."""
    address = path.removeprefix(PREFIX)
    for name, value in _IN_ADDRESSES.items():
        address = address.replace(name, value)
    is_plain = method == "GET" or file or (body is not None and method == "POST")
    line = f'{"curl" if is_plain else f"curl -X {method}"} "$URL{address}" -H "Authorization: Bearer $TOKEN"'
    if file:
        return f"{line} {file}"
    if body is not None:
        text = json.dumps(body, ensure_ascii=False).replace("'", "’")
        line += f" \\\n  -H 'Content-Type: application/json' \\\n  -d '{text}'"
    return line
