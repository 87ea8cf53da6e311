"""POST /sessions"""

import pytest

from sessions.models import Event, Message, Session
from sessions.operations.naming import UNTITLED
from sessions.storage import workspaces
from tests.api.contract import assert_problem
from tests.factories import make_session

URL = "/api/v1/sessions"
FIELDS = [
    "session_id",
    "short_id",
    "name",
    "description",
    "status",
    "archived",
    "pinned",
    "owner",
    "owner_id",
    "tags",
    "model",
    "phase",
    "message_count",
    "preview",
    "summary",
    "summary_model",
    "tool_settings",
    "agent_settings",
    "context_window_config",
    "configuration",
    "metadata",
    "ttl_seconds",
    "expires_at",
    "workspace_path",
    "is_indexed",
    "content_count",
    "is_shared",
    "role",
    "created_at",
    "updated_at",
    "last_accessed",
    "archived_at",
    "deleted_at",
    "version",
]
EVERYTHING = {
    "name": "Index recall",
    "description": "Which index keeps recall above 0.95?",
    "tags": ["Recall", " ann  search "],
    "model": "qwen3:14b",
    "system_prompt": "Be brief.",
    "system_prompt_source_file": "prompts/brief.md",
    "tool_settings": {
        "tools": ["search"],
        "tool_group": "web",
        "execution_policy": "always_confirm",
        "tool_policies": {"search": "never_confirm"},
    },
    "agent_settings": {"enabled_agents": ["planner"]},
    "context_window_config": {"max_tokens": 8192, "keep": [1, 2.5, None, True]},
    "configuration": {
        "clustering_params": {"k": 8},
        "embedding_model": "nomic-embed-text",
        "llm_model": "qwen3:14b",
        "processing_options": {},
    },
    "metadata": {"origin": "a script", "nested": {"ünï": ["✓"]}},
    "ttl_seconds": 3600,
    "phase": "BUILD_SPEC",
    "messages": [
        {"role": "user", "content": "Which?", "created_at": "2026-03-01T09:00:00+01:00"},
        {
            "role": "assistant",
            "content": "HNSW.",
            "model": "qwen3:14b",
            "thinking": "Hm.",
            "tool_calls": [{"id": "1", "name": "search", "arguments": {"q": "hnsw"}}],
            "prompt_eval_count": 12,
            "eval_count": 34,
            "metadata": {"a": 1},
        },
        {"role": "tool", "content": "{}", "tool_name": "search", "tool_call_id": "1"},
    ],
}


def test_a_name_is_enough(owner, alice):
    answer = owner.post(URL, {"name": "  One  "})
    assert answer.status_code == 201
    body = answer.json()
    assert list(body) == FIELDS
    assert body["name"] == "One"
    assert body["owner"] == "alice"
    assert body["owner_id"] == alice.pk
    assert body["role"] == "owner"
    assert body["short_id"] == body["session_id"].replace("-", "")[:10]
    assert body["version"] == 1
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"{URL}/{body['session_id']}"
    unset = {name for name in FIELDS if body[name] in (None, "", {}, [])}
    assert unset == {
        *("description", "tags", "model", "phase", "preview", "summary", "summary_model", "tool_settings"),
        *("agent_settings", "context_window_config", "configuration", "metadata", "ttl_seconds", "expires_at"),
        *("archived_at", "deleted_at"),
    }
    session = Session.objects.get(pk=body["session_id"])
    assert body["workspace_path"] == str(workspaces.workspace_path(session.pk))
    assert workspaces.workspace_path(session.pk).is_dir()
    assert Event.objects.filter(session_id=session.pk).get().token_name == "alice's token"


def test_everything_is_kept(owner):
    body = owner.post(URL, EVERYTHING).json()
    read = owner.get(f"{URL}/{body['session_id']}").json()
    messages = read.pop("messages")
    assert read.pop("messages_next") is None
    assert read == body
    for name in ("name", "description", "model", "context_window_config", "metadata", "ttl_seconds"):
        assert body[name] == EVERYTHING[name]
    for name in ("tool_settings", "agent_settings", "configuration"):
        assert body[name] == EVERYTHING[name]
    assert body["tags"] == ["ann search", "recall"]
    assert body["phase"] == "build_spec"
    assert body["preview"] == "Which?"
    assert body["message_count"] == 4
    assert body["expires_at"] > body["last_accessed"]
    system, user, assistant, tool = messages
    assert (system["role"], system["content"], system["source_file"]) == ("system", "Be brief.", "prompts/brief.md")
    assert user["created_at"] == "2026-03-01T08:00:00Z"
    assert (user["author"], assistant["author"]) == ("alice", None)
    assert assistant | {"message_id": "", "created_at": ""} == {
        "message_id": "",
        "index": 2,
        "role": "assistant",
        "content": "HNSW.",
        "created_at": "",
        "edited_at": None,
        "author": None,
        "model": "qwen3:14b",
        "thinking": "Hm.",
        "tool_name": None,
        "tool_calls": [{"id": "1", "name": "search", "arguments": {"q": "hnsw"}}],
        "tool_call_id": None,
        "source_file": None,
        "prompt_eval_count": 12,
        "eval_count": 34,
        "metadata": {"a": 1},
        "origin": None,
    }
    assert (tool["tool_name"], tool["tool_call_id"]) == ("search", "1")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"model": "qwen3:14b"}, UNTITLED),
        ({"messages": [{"role": "assistant", "content": "Hello."}]}, UNTITLED),
        ({"messages": [{"role": "user", "content": "What is\nthis?"}]}, "What is"),
    ],
)
def test_the_name_comes_from_the_first_user_message(owner, body, name):
    answer = owner.post(URL, body)
    assert answer.json()["name"] == name


@pytest.mark.parametrize(
    "body", [{}, {"description": "x"}, {"name": None}, {"model": None, "messages": []}, {"model": ""}]
)
def test_a_name_is_required_without_model_and_messages(owner, body):
    problem = assert_problem(owner.post(URL, body), 422, "invalid")
    assert [error["loc"] for error in problem["errors"]] == ["name"]
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "description": "x" * 1025}, "description"),
        ({"name": "x", "tags": "a,b"}, "tags"),
        ({"name": "x", "tags": ["a,b"]}, "tags[0]"),
        ({"name": "x", "tags": ["a", " "]}, "tags[1]"),
        ({"name": "x", "ttl_seconds": 1.5}, "ttl_seconds"),
        ({"name": "x", "tags": [str(number) for number in range(51)]}, "tags"),
        ({"name": "x", "model": "x" * 256}, "model"),
        ({"name": "x", "ttl_seconds": 0}, "ttl_seconds"),
        ({"name": "x", "ttl_seconds": 2**31}, "ttl_seconds"),
        ({"name": "x", "ttl_seconds": "60"}, "ttl_seconds"),
        ({"name": "x", "phase": "lunch"}, "phase"),
        ({"name": "x", "metadata": []}, "metadata"),
        ({"name": "x", "tool_settings": {"tool": []}}, "tool_settings.tool"),
        ({"name": "x", "tool_settings": {"execution_policy": "ask"}}, "tool_settings.execution_policy"),
        ({"name": "x", "agent_settings": {"enabled_agents": [1]}}, "agent_settings.enabled_agents[0]"),
        ({"name": "x", "configuration": {"llm": "y"}}, "configuration.llm"),
        ({"name": "x", "messages": {}}, "messages"),
        ({"name": "x", "messages": [{"role": "user"}]}, "messages[0].content"),
        ({"name": "x", "messages": [{"role": "narrator", "content": ""}]}, "messages[0].role"),
        ({"name": "x", "messages": [{"role": "user", "content": "", "index": 3}]}, "messages[0].index"),
        ({"name": "x", "messages": [{"role": "user", "content": "", "eval_count": -1}]}, "messages[0].eval_count"),
        ({"name": "x", "summary": "y"}, "summary"),
        ({"name": "x", "pinned": True}, "pinned"),
        ({"name": "x", "owner": "mallory"}, "owner"),
        ({"name": "x", "workspace_path": "/etc"}, "workspace_path"),
        ({"name": "x", "session_id": "00000000-0000-0000-0000-000000000000"}, "session_id"),
    ],
)
def test_bad_values_are_named_and_nothing_is_made(owner, workspace_root, body, loc):
    problem = assert_problem(owner.post(URL, body), 422)
    assert loc in [error["loc"] for error in problem["errors"]]
    assert not Session.objects.exists()
    assert not Message.objects.exists()
    assert not workspace_root.exists() or not list(workspace_root.iterdir())


def test_who_may(anybody, reader, stranger):
    assert_problem(anybody.post(URL, {"name": "x"}), 401, "not_authenticated")
    assert_problem(reader.post(URL, {"name": "x"}), 403, "read_only_token")
    assert stranger.post(URL, {"name": "x"}).json()["owner"] == "mallory"


def test_a_token_of_one_session_makes_no_others(api, alice, session):
    from sessions.operations.tokens import create_token

    limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
    assert_problem(limited.post(URL, {"name": "x"}), 403, "not_allowed")


def test_the_same_fields_as_in_lists(owner, alice):
    made = owner.post(URL, EVERYTHING).json()
    make_session(alice, "another")
    listed = owner.get(URL).json()["sessions"]
    assert made == next(row for row in listed if row["session_id"] == made["session_id"])


def test_a_thousand_messages_at_once(owner):
    messages = [{"role": "user", "content": str(number)} for number in range(1000)]
    assert owner.post(URL, {"messages": messages}).json()["message_count"] == 1000
    problem = assert_problem(owner.post(URL, {"messages": [*messages, messages[0]]}), 422)
    assert problem["errors"] == [{"loc": "messages", "message": "At most 1000 of them."}]


def test_a_disk_that_refuses(owner, workspace_root):
    workspace_root.write_text("not a directory")
    assert_problem(owner.post(URL, {"name": "x"}), 503, "storage_unavailable")
    assert not Session.objects.exists()
