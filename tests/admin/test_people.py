"""Members and links in the admin: looked at without a secret, and taken back by the same operations."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from sessions.exceptions import LinkNotFound
from sessions.models import Event, Membership, ShareLink
from sessions.operations.sharing import linked_session, make_link
from tests.factories import make_session, share

pytestmark = pytest.mark.django_db


def test_members_are_taken_out_and_links_revoked_by_the_same_operations(ada_client, alice, bob):
    session = share(make_session(alice), editor=bob)
    link, secret = make_link(actor=alice, session_id=session.pk)
    for model, action in ((Membership, "take_out"), (ShareLink, "revoke")):
        name = f"admin:research_{model._meta.model_name}"
        row = model.objects.get()
        for address in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
            page = ada_client.get(address).content.decode()
            assert secret not in page
            assert link.digest not in page
            assert 'name="_save"' not in page
        assert ada_client.get(reverse(f"{name}_add")).status_code == 403
        assert ada_client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        ada_client.post(reverse(f"{name}_changelist"), {"action": action, "_selected_action": [row.pk]})
    assert not Membership.objects.exists()
    with pytest.raises(LinkNotFound):
        linked_session(secret)
    done = Event.objects.filter(actor_name="ada").order_by("id").values_list("verb", flat=True)
    assert list(done) == ["unshared", "link_revoked"]


def test_a_user_goes_with_memberships_and_links(ada_client, alice, bob):
    make_link(actor=alice, session_id=share(make_session(alice), editor=bob).pk)
    for user in (bob, alice):
        ada_client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
    assert (Membership.objects.count(), ShareLink.objects.count()) == (0, 0)


def test_what_administrators_do_to_accounts_is_in_their_history(ada_client, ada, bob):
    secret = {"usable_password": "true", "password1": "a long enough one", "password2": "a long enough one"}
    ada_client.post(reverse("admin:auth_user_add"), {"username": "cleo"} | secret)
    cleo = User.objects.get(username="cleo")
    form = ada_client.get(reverse("admin:auth_user_change", args=[bob.pk])).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value and name not in ("password", "last_login")}
    joined = {"date_joined_0": f"{bob.date_joined:%Y-%m-%d}", "date_joined_1": f"{bob.date_joined:%H:%M:%S}"}
    joined |= {f"initial-{name}": value for name, value in joined.items()}  # the form holds these too
    values = {name: value for name, value in values.items() if name not in ("date_joined", "is_active")} | joined
    for data in (values | {"is_staff": "on"}, values | {"is_staff": "on"}):  # closed and made staff; then nothing new
        assert ada_client.post(reverse("admin:auth_user_change", args=[bob.pk]), data).status_code == 302
    address = reverse("admin:auth_user_password_change", args=[bob.pk])
    assert ada_client.post(address, secret | {"set-password": "1"}).status_code == 302
    ada_client.post(reverse("admin:auth_user_delete", args=[cleo.pk]), {"post": "yes"})
    events = list(Event.objects.filter(actor_name="ada", session_id=None).order_by("id"))
    assert [(event.verb, event.detail["username"], event.owner_id) for event in events] == [
        ("account_created", "cleo", cleo.pk),
        ("account_changed", "bob", bob.pk),
        ("password_changed", "bob", bob.pk),
        ("account_deleted", "cleo", ada.pk),
    ]
    assert events[1].detail == {
        "username": "bob", "fields": ["is_active", "is_staff"], "is_active": False, "is_staff": True,
    }  # fmt: skip
    found = ada_client.get(reverse("admin:research_event_changelist"), {"q": "bob"}).content.decode()
    assert found.count("password_changed") + found.count("Password Changed") >= 1
