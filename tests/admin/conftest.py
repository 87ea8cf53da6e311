"""The admin's addresses, and an administrator with few rights."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse


@pytest.fixture
def sam(db) -> User:
    """Sam helps out in the admin; what Sam may do, each test says."""
    return User.objects.create_user("sam", password="a long enough pass phrase", is_staff=True)


@pytest.fixture
def sam_client(sam: User) -> Callable[..., Client]:
    """`sam_client("view_session")` is a browser in which Sam is signed in with these rights."""

    def client(*rights: str) -> Client:
        sam.user_permissions.set(Permission.objects.filter(codename__in=rights))
        signed_in = Client()
        signed_in.force_login(sam, backend="django.contrib.auth.backends.ModelBackend")
        return signed_in

    return client


@pytest.fixture
def act(ada_client: Client) -> Callable[..., str]:
    """`act("archive", session, …)` does one of the list's actions as Ada; return the page that follows."""

    def do(action: str, *chosen: object, confirmed: bool = False) -> str:
        data = {"action": action, "_selected_action": [str(one.pk) for one in chosen]}
        if confirmed:
            data["post"] = "yes"
        answer = ada_client.post(reverse("admin:research_session_changelist"), data, follow=True)
        assert answer.status_code == 200
        return answer.content.decode()

    return do
