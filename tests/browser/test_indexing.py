"""Indexing in the browser: started beside the files, followed live while it works, stopped."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import Job, JobState
from sessions.storage import workspaces
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "Proceed with initialization? [Y/n]: Indexing\n" + "".join(f"Indexed paper-{n:03}.md\n" for n in range(60))


def test_from_the_button_to_the_index(alice_page: Page, alice: User, indexer: Path, check_axe, screenshot) -> None:
    page = alice_page
    session = make_session(alice, "Mosses of the north", messages=2)
    page.goto(f"/sessions/{session.pk}/")
    index = page.locator("#index")
    index.get_by_role("button", name="Index", exact=True).click()
    expect(index).to_contain_text("Waiting for the worker")
    Job.objects.update(state=JobState.RUNNING, output=SAID)
    expect(index).to_contain_text("paper-059.md")
    expect(page.locator(".index-output")).to_be_in_viewport()
    check_axe(page)
    screenshot(page, "index-panel")
    index.get_by_role("link", name="All that it says").click()
    expect(page.get_by_role("heading", name="Index", exact=True)).to_be_visible()
    (workspaces.workspace_path(session.pk) / ".mcp-vector-search").mkdir()
    error = "`mcp-vector-search index` ended with exit code 3. What it said tells why."
    Job.objects.update(state=JobState.FAILED, result={"exit_code": 3}, error=error)
    expect(index).to_contain_text("exit code 3")
    index.get_by_role("button", name="Index again").click()
    expect(index).to_contain_text("Waiting for the worker")
    index.get_by_role("button", name="Cancel").click()
    expect(index).to_contain_text("Cancelled")
    check_axe(page)
    screenshot(page, "index-page")
