"""`manage.py create_token`."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from sessions.models import ApiToken, Event, Scope, Verb
from sessions.models.token import token_digest
from tests.factories import make_session


def test_it_prints_the_token_alone(alice: User, capsys) -> None:
    call_command("create_token", "alice")
    printed = capsys.readouterr()
    token = ApiToken.objects.get()
    assert printed.out.endswith("\n")
    assert token.digest == token_digest(printed.out[:-1])
    assert printed.err == ""
    assert (token.user, token.scope, token.name) == (alice, Scope.WRITE, "Command line")


def test_scope_and_name_are_what_was_asked_for(alice: User, capsys) -> None:
    call_command("create_token", "alice", "--scope", "read", "--name", "backup job")
    token = ApiToken.objects.get()
    assert (token.scope, token.name) == (Scope.READ, "backup job")


def test_for_one_session_alone(alice: User, capsys) -> None:
    session = make_session(alice)
    call_command("create_token", "alice", "--session", session.short_id)
    assert ApiToken.objects.get().session == session
    with pytest.raises(CommandError):
        call_command("create_token", "alice", "--session", "ffffffffff")


def test_it_is_an_event_of_the_user(alice: User, capsys) -> None:
    call_command("create_token", "alice")
    event = Event.objects.get(verb=Verb.TOKEN_CREATED)
    assert event.actor == alice
    assert capsys.readouterr().out.strip() not in str(event.detail)


def test_an_unknown_user_is_an_error_that_says_how_to_make_one(db, capsys) -> None:
    with pytest.raises(CommandError, match=r"There is no user 'nobody'.*createsuperuser"):
        call_command("create_token", "nobody")
    assert capsys.readouterr().out == ""


def test_a_disabled_user_gets_none(alice: User) -> None:
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="disabled"):
        call_command("create_token", "alice")
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b"])
def test_a_name_that_can_not_be_kept_is_refused_in_one_line(alice: User, name: str) -> None:
    with pytest.raises(CommandError) as refused:
        call_command("create_token", "alice", "--name", name)
    assert "name" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not ApiToken.objects.exists()


def test_another_scope_is_refused(alice: User) -> None:
    with pytest.raises(CommandError, match="invalid choice: 'admin'"):
        call_command("create_token", "alice", "--scope", "admin")
