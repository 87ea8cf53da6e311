"""A run, followed live on its session's page and in the fleet, its question answered with a click."""

import os
import subprocess
import sys
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from sessions.models import Run, Session
from sessions.models.progress import read_progress
from sessions.operations.runs.artifacts import set_artifact
from sessions.operations.runs.clarifications import ask
from sessions.operations.runs.phases import fail_run, set_phase
from sessions.operations.runs.reports import NewLine, add_error, add_logs
from sessions.operations.runs.tasks import NewTask, set_tasks, update_task
from tests.browser.conftest import caught_up
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(alice: User) -> Session:
    session = make_session(alice, "Mosses of the north", messages=4, phase="idea")
    set_phase(actor=alice, session_id=session.pk, phase="execution")
    plan = ["Gather sources", "Sort them by region", "Write the first chapter", "x" * 300]
    tasks = [NewTask(str(number), title) for number, title in enumerate(plan)]
    set_tasks(actor=alice, session_id=session.pk, tasks=tasks)
    update_task(actor=alice, session_id=session.pk, task_id="0", status="completed")
    update_task(actor=alice, session_id=session.pk, task_id="1", status="active")
    lines = [NewLine(f"read {number} of 40 sources") for number in range(40)]
    add_logs(actor=alice, session_id=session.pk, lines=lines)
    add_error(actor=alice, session_id=session.pk, error_message="A source refuses robots " + "y" * 300, task_id="1")
    set_artifact(actor=alice, session_id=session.pk, kind="concept", data={"goal": "a field guide", "chapters": 7})
    set_artifact(actor=alice, session_id=session.pk, kind="build_spec", path="content/spec.md")
    return session


def test_followed_and_answered(alice_page: Page, alice: User, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto(f"/sessions/{session.pk}/")
    expect(page.locator("#run-now .pill")).to_have_text("going")
    ask(actor=alice, session_id=session.pk, question="Which region first?", options=["Alps", "Jura"])
    expect(page.get_by_role("button", name="Jura")).to_be_visible()
    page.get_by_text("concept", exact=True).click()
    expect(page.locator(".run-artifact .json")).to_contain_text("a field guide")
    check_axe(page)
    screenshot(page, "run-panel")
    page.get_by_role("button", name="Jura").click()
    expect(page.locator(".answered")).to_contain_text("Jura")
    assert read_progress(session.pk).clarification["answer"] == "Jura"
    update_task(actor=alice, session_id=session.pk, task_id="1", status="completed")
    add_logs(actor=alice, session_id=session.pk, lines=[NewLine("the newest line")])
    expect(page.locator(".run-bar")).to_contain_text("2 of 4")
    expect(page.locator(".run-lines li").last).to_contain_text("the newest line")
    page.wait_for_function("() => Math.abs(document.querySelector('#run-log').scrollTop) < 2")  # it follows its end
    expect(page.locator(".run-artifact .json")).to_be_visible()
    set_phase(actor=alice, session_id=session.pk, phase="complete")
    expect(page.locator("#run-now .pill")).to_have_text("complete")
    expect(page.locator("#run-now[hx-trigger]")).to_have_count(0)


def test_what_is_typed_stays(alice_page: Page, alice: User, session: Session) -> None:
    ask(actor=alice, session_id=session.pk, question="And why?")
    alice_page.goto(f"/sessions/{session.pk}/")
    alice_page.get_by_label("Answer").fill("because")
    add_logs(actor=alice, session_id=session.pk, lines=[NewLine("still here")])
    expect(alice_page.locator(".run-lines li").last).to_contain_text("still here")
    expect(alice_page.get_by_label("Answer")).to_have_value("because")
    expect(alice_page.get_by_label("Answer")).to_be_focused()


def test_the_fleet(alice_page: Page, alice: User, session: Session, check_axe, screenshot) -> None:
    page = alice_page
    page.goto("/")
    page.get_by_role("link", name="Fleet").click()
    expect(page.locator(".ship")).to_have_count(1)
    silent = make_session(alice, "x" * 255, phase="verification")
    failed = make_session(alice, "Failed", phase="execution")
    fail_run(actor=alice, session_id=failed.pk, reason="The compiler is missing. " * 20)
    ask(actor=alice, session_id=make_session(alice, "Asks", phase="idea").pk, question="Which region? " * 30)
    Run.objects.filter(session=silent).update(heartbeat_at=timezone.now() - timedelta(hours=9))
    expect(page.locator(".ship .pill")).to_have_text(["Needs an answer", "Failed", "Silent for 9 h", "Going"])
    for width in (1440, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        screenshot(page, f"fleet-{width}")
        check_axe(page)
    page.get_by_role("link", name="Asks").click()
    page.wait_for_url("**/#run")


def agent_run(base_url: str, token: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, settings.BASE_DIR / "examples/agent_run.py", "--url", base_url, "--pause", "0.02"],
        cwd=settings.WORKSPACE_ROOT.parent, env=os.environ | {"RESEARCHMIND_TOKEN": token},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.each_database
def test_the_example_runs_to_its_end(alice_page: Page, alice: User, base_url: str, alice_token: str) -> None:
    """The agent of examples/ asks, somebody clicks the answer, and it completes; fleet and session page follow."""
    agent = agent_run(base_url, alice_token)
    try:
        page = alice_page
        page.goto("/fleet/")
        expect(page.locator(".ship .pill")).to_have_text("Needs an answer")
        page.get_by_role("link", name="A field guide to mosses").click()
        page.get_by_role("button", name="Jura").click()
        expect(page.locator("#run-now .pill")).to_have_text("complete")
        expect(page.locator(".run-bar")).to_contain_text("4 of 4")
        expect(page.locator("#run-lines")).to_contain_text("Starting with the Jura")
        output, errors = agent.communicate(timeout=120)
        assert agent.returncode == 0, errors
        page.goto("/fleet/")
        expect(page.get_by_role("heading", name="Nothing is running")).to_be_visible()
        assert read_progress(UUID(output.strip())).task_ids("completed") == ["0", "1", "2", "3"]
    finally:
        agent.kill()
        agent.wait()


def test_killed_in_the_middle(alice_page: Page, alice: User, base_url: str, alice_token: str, screenshot) -> None:
    """Nobody goes on after the answer: fleet and session page say silent while one looks, and offer the ways out."""
    page, agent = alice_page, agent_run(base_url, alice_token)
    try:
        page.goto("/fleet/")
        expect(page.locator(".ship .pill")).to_have_text("Needs an answer")
    finally:
        agent.kill()
        agent.wait()
    fleet = page.context.new_page()
    fleet.goto("/fleet/")
    page.get_by_role("link", name="A field guide to mosses").click()
    page.get_by_role("button", name="Jura").click()
    expect(page.locator("#run-now .pill")).to_have_text("going")
    expect(fleet.locator(".ship .pill")).to_have_text("Going")
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(hours=9))  # nine hours go by
    expect(page.locator("#run-now .pill")).to_have_text("silent for 9 h")
    expect(fleet.locator(".ship .pill")).to_have_text("Silent for 9 h")
    screenshot(page, "run-silent")
    expect(page.locator("#run-now").get_by_role("link", name="Export")).to_be_visible()
    page.locator("#run-now").get_by_role("button", name="Stop").click()
    expect(page.locator("#run-now .pill")).to_have_text("stopped")
    caught_up(page, Session.objects.get())
    page.locator("#run-now").get_by_role("button", name="Reopen").click()
    expect(page.locator("#run-now .pill")).to_have_text("going")
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(hours=9))
    page.locator("#run-now").get_by_role("link", name="Restart as a fork").click()
    expect(page.get_by_role("dialog")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_its_own_page(alice_page: Page, session: Session, width: int, check_axe, screenshot) -> None:
    alice_page.set_viewport_size({"width": width, "height": 900})
    for place in ("run/", "run/artifacts/concept/"):
        alice_page.goto(f"/sessions/{session.pk}/{place}")
        assert alice_page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        screenshot(alice_page, f"{place.strip('/').replace('/', '-')}-{width}")
        check_axe(alice_page)
