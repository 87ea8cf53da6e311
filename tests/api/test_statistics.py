"""/sessions/{id}/stats and /model-usage."""

import pytest

from sessions.operations.files import put_file
from tests.api.contract import assert_problem
from tests.factories import assistant_message, make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def test_what_is_sent_is_added(owner, url):
    owner.put(f"{url}/stats", {"urls_processed": 3, "embeddings_created": 10.0})
    found = owner.put(f"{url}/stats", {"urls_processed": 2, "last_processing_time": "2026-01-02T03:04:05Z"}).json()
    assert (found["urls_processed"], found["embeddings_created"], found["clusters_generated"]) == (5, 10, 0)
    assert found["last_processing_time"] > "2026-01-02T03:04:05Z", "it never moves back"
    used = owner.put(f"{url}/model-usage", {"model_type": "embedding", "model_name": "nomic"}).json()
    assert [(usage["model_name"], usage["uses"]) for usage in used["model_usage"]] == [("nomic", 1)]
    assert used["model_switches"] == {"llm": 0, "embedding": 0}
    assert owner.get(f"{url}/stats").json() == used


def test_all_that_is_known(owner, alice):
    session = make_session(alice, messages=[assistant_message(model="a", prompt_eval_count=7, eval_count=3)])
    put_file(actor=alice, session_id=session.pk, path="content/a", blocks=[b"x" * 5000], size=5000)
    owner.get("/api/v1/me")  # notes the token's use, once a minute
    with assert_statements(at_most=4):
        found = owner.get(f"/api/v1/sessions/{session.short_id}/stats").json()
    assert found["disk_bytes"] >= 5000
    assert found["disk_bytes_are_exact"] is True
    assert (found["prompt_tokens"], found["answer_tokens"], found["message_count"]) == (7, 3, 1)
    assert (found["people"], found["age_days"], found["collection"], found["vector_bytes"]) == (1, 0, None, 0)
    assert found["model_usage"][0]["model_type"] == "llm"


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("stats", {"urls_processed": -1}),
        ("stats", {"urls_processed": 1.5}),
        ("stats", {"urls_processed": None}),
        ("stats", {"pages": 1}),
        ("stats", {"last_processing_time": "yesterday"}),
        ("model-usage", {"model_type": "other", "model_name": "x"}),
        ("model-usage", {"model_type": "llm"}),
        ("model-usage", {"model_type": "llm", "model_name": " "}),
    ],
)
def test_nonsense_is_refused(owner, url, call, body):
    assert_problem(owner.put(f"{url}/{call}", body), 422)
    assert owner.get(f"{url}/stats").json()["model_usage"] == []
