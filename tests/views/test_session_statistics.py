"""/sessions/{id}/statistics/: the panel's numbers, and a page of them."""

import pytest

from sessions.operations.statistics import add_statistics
from tests.factories import assistant_message, make_session
from tests.views.pages import html, htmx

pytestmark = pytest.mark.django_db


def test_a_fragment_for_the_panel_and_a_page(alice, alice_client, mallory_client):
    session = make_session(alice, messages=[assistant_message(model="<b>m", prompt_eval_count=1200, eval_count=30)])
    add_statistics(actor=alice, session_id=session.pk, counts={"urls_processed": 4})
    address = f"/sessions/{session.pk}/statistics/"
    page = html(alice_client.get(address))
    part = html(alice_client.get(address, headers=htmx(f"/sessions/{session.pk}/")))
    assert "<html" in page
    assert "<html" not in part
    for shown in (page, part):
        assert "1,200 read, 30 written" in shown
        assert "&lt;b&gt;m" in shown
        assert "1 answer," in shown
    assert f'hx-get="{address}"' in html(alice_client.get(f"/sessions/{session.pk}/"))
    assert mallory_client.get(address).status_code == 404
