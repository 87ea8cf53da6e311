"""What the admin only shows: tags, events, tokens, and removals that wait."""

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from sessions.models import (
    ApiToken,
    Event,
    IdempotencyKey,
    Job,
    JobKind,
    Run,
    SessionCount,
    Tag,
    VectorRemoval,
    Verb,
    WorkspaceRemoval,
)
from sessions.operations.jobs.queue import start_job
from sessions.operations.lifecycle import purge_session
from sessions.operations.tokens import create_token
from sessions.storage import workspaces
from tests.factories import make_session
from tests.statements import counted_statements

pytestmark = pytest.mark.django_db(transaction=True)
MODELS = ("tag", "event", "job", "run", "apitoken", "workspaceremoval", "vectorremoval")


def rows_of(model: str, alice):
    session = make_session(alice, tags=["moss"], phase="idea")
    create_token(actor=alice, name="laptop")
    WorkspaceRemoval.objects.create(session_id=session.pk)
    VectorRemoval.objects.create(session_id=session.pk)
    start_job(actor=alice, kind=JobKind.EMPTY_TRASH, subject="1 session")
    own = {"tag": Tag, "event": Event, "job": Job, "run": Run, "apitoken": ApiToken}
    tables = own | {"workspaceremoval": WorkspaceRemoval, "vectorremoval": VectorRemoval}
    return tables[model].objects


@pytest.mark.parametrize("model", MODELS)
def test_they_are_looked_at_and_nothing_else(ada_client, alice, model):
    row = rows_of(model, alice).first()
    assert ada_client.get(reverse(f"admin:research_{model}_changelist")).status_code == 200
    page = ada_client.get(reverse(f"admin:research_{model}_change", args=[row.pk]))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert ada_client.get(reverse(f"admin:research_{model}_add")).status_code == 403
    assert ada_client.post(reverse(f"admin:research_{model}_change", args=[row.pk]), {"name": "x"}).status_code == 403
    assert ada_client.post(reverse(f"admin:research_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert rows_of(model, alice).filter(pk=row.pk).exists()
    listed = ada_client.get(reverse(f"admin:research_{model}_changelist")).content.decode()
    assert "delete_selected" not in listed


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("tag", {"owner": "9" * 25}),
        ("session", {"owner": "9" * 25}),
        ("session", {"created_at__gte": "0001-01-01T00:00:00+23:59"}),
        ("event", {"q": "a\x00b"}),
    ],
)
def test_addresses_with_impossible_values_still_show_a_list(ada_client, alice, model, parameters):
    make_session(alice)
    answer = ada_client.get(reverse(f"admin:research_{model}_changelist"), parameters, follow=True)
    assert answer.status_code == 200


def test_the_machinery_is_not_there():
    for model in (IdempotencyKey, SessionCount):
        assert not admin.site.is_registered(model)
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:research_{model._meta.model_name}_changelist")


def test_tokens_show_nothing_that_could_be_used(ada_client, alice):
    token, plain = create_token(actor=alice, name="laptop")
    for address in (
        reverse("admin:research_apitoken_changelist"),
        reverse("admin:research_apitoken_change", args=[token.pk]),
    ):
        text = ada_client.get(address).content.decode()
        assert "laptop" in text
        assert plain not in text
        assert token.digest not in text
        assert plain[9:] not in text


def test_revoking_tokens(ada_client, ada, alice):
    tokens = [create_token(actor=alice, name=name)[0] for name in ("one", "two")]
    data = {"action": "revoke", "_selected_action": [token.pk for token in tokens]}
    text = ada_client.post(reverse("admin:research_apitoken_changelist"), data, follow=True).content.decode()
    assert "2 tokens revoked." in text
    assert not any(token.is_usable for token in ApiToken.objects.all())
    assert set(Event.objects.filter(verb=Verb.TOKEN_REVOKED).values_list("actor_name", flat=True)) == {"ada"}
    text = ada_client.post(reverse("admin:research_apitoken_changelist"), data, follow=True).content.decode()
    assert "0 tokens revoked." in text


def test_revoking_needs_the_right_to(sam_client, alice):
    token, _ = create_token(actor=alice, name="one")
    data = {"action": "revoke", "_selected_action": [token.pk]}
    sam_client("view_apitoken").post(reverse("admin:research_apitoken_changelist"), data)
    assert ApiToken.objects.get().is_usable
    sam_client("view_apitoken", "change_apitoken").post(reverse("admin:research_apitoken_changelist"), data)
    assert not ApiToken.objects.get().is_usable


def test_tags_say_how_many_sessions_have_them(ada_client, alice, mallory):
    for owner, tags in ((alice, ["moss", "peat"]), (alice, ["moss"]), (mallory, ["moss"])):
        make_session(owner, tags=tags)
    with counted_statements() as statements:
        text = ada_client.get(reverse("admin:research_tag_changelist")).content.decode()
    assert text.count('<td class="field-on_sessions">2</td>') == 1
    assert text.count('<td class="field-on_sessions">1</td>') == 2
    assert len(statements) <= 6


def test_events_are_found_by_session_and_by_name(ada_client, ada, alice, mallory):
    session = make_session(alice)
    make_session(mallory)
    address = reverse("admin:research_event_changelist")

    def found(query: str) -> int:
        return ada_client.get(address, {"q": query}).content.decode().count('class="field-actor_name"')

    assert found("") == 2
    assert found(str(session.pk)) == found(session.short_id) == found("alice") == 1
    assert found("nobody") == 0
    purge_session(actor=alice, session_id=session.pk)
    assert found(session.short_id) == 2


def test_events_of_no_session_are_shown_too(ada_client, alice):
    create_token(actor=alice, name="<b>x</b>")
    text = ada_client.get(reverse("admin:research_event_changelist")).content.decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>x</b>" not in text


def test_trying_removals_now(ada_client, alice):
    session = make_session(alice)
    path = workspaces.workspace_path(session.pk)
    purge_session(actor=alice, session_id=session.pk)
    path.mkdir(parents=True)
    removal = WorkspaceRemoval.objects.create(session_id=session.pk, attempts=3, last_error="busy")
    address = reverse("admin:research_workspaceremoval_changelist")
    assert "busy" in ada_client.get(address).content.decode()
    data = {"action": "try_now", "_selected_action": [removal.pk]}
    text = ada_client.post(address, data, follow=True).content.decode()
    assert "1 workspace removed." in text
    assert not path.exists()
    assert not WorkspaceRemoval.objects.exists()


def test_a_removal_that_still_fails_says_so(ada_client, alice, workspace_root):
    session = make_session(alice)
    purge_session(actor=alice, session_id=session.pk)
    removal = WorkspaceRemoval.objects.create(session_id=session.pk)
    workspace_root.rename(workspace_root.with_name("elsewhere"))
    workspace_root.write_text("a file where the directory should be")
    data = {"action": "try_now", "_selected_action": [removal.pk]}
    text = ada_client.post(reverse("admin:research_workspaceremoval_changelist"), data, follow=True).content.decode()
    assert "1 workspace still there" in text
    assert WorkspaceRemoval.objects.get().attempts == 1
