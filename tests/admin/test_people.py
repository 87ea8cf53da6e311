"""Members and links in the admin: looked at without a secret, and taken back by the same operations."""

import pytest
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
