"""Toasts travel as Django's messages; Django's own are toasts too."""

import pytest
from django.contrib.messages import ERROR, SUCCESS, WARNING
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory

from sessions.views.toasts import Toast, Undo, read, toast


@pytest.fixture
def request_with_messages():
    request = RequestFactory().get("/")
    request.session = {}
    request._messages = FallbackStorage(request)
    return request


def test_there_and_back(request_with_messages):
    toast(request_with_messages, "Archived “a”", undo=("restore", ["1", "2"]), link=("/sign-in/", "Sign in"))
    toast(request_with_messages, "That didn't work", problem=True)
    undone, refused = [read(message) for message in request_with_messages._messages]
    assert undone == Toast("Archived “a”", False, Undo("restore", ["1", "2"]), "/sign-in/", "Sign in")
    assert refused == Toast("That didn't work", True)


@pytest.mark.parametrize(("level", "is_problem"), [(SUCCESS, False), (WARNING, True), (ERROR, True)])
@pytest.mark.parametrize("tags", ["", "safe", "1", "[]", "null"])
def test_messages_of_others_are_plain_sentences(level, is_problem, tags):
    assert read(Message(level, "The session was changed.", extra_tags=tags)) == Toast(
        "The session was changed.", is_problem
    )
