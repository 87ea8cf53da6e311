"""First run, signing in and out, and the settings, as people do them."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from sessions.models import ApiToken
from sessions.operations.accounts import first_run_token
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_dir(tmp_path, settings):
    settings.DATA_DIR = tmp_path


def test_from_the_first_run_to_signing_out_and_in_again(page: Page, screenshot) -> None:
    page.goto("/")
    expect(page.get_by_text("Nobody has an account here yet.")).to_be_visible()
    page.goto(f"/welcome/{first_run_token()}/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill("something else")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator(".errors")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("root")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator(".toast")).to_contain_text("Welcome, root")
    expect(page.get_by_role("heading", name="No sessions yet")).to_be_visible()
    screenshot(page, "first-run")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")
    page.goto("/archived/")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"://[^/]+/archived/$"))


def test_a_wrong_password_is_said(page: Page, alice: User) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    expect(page.get_by_label("Username")).to_have_value("alice")


def test_the_theme_is_chosen_and_kept(alice_page: Page) -> None:
    page = alice_page
    page.emulate_media(color_scheme="light")
    page.goto("/settings/")
    body = page.locator("body")
    light, dark = "rgb(250, 249, 247)", "rgb(19, 19, 18)"
    expect(body).to_have_css("background-color", light)
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    expect(body).to_have_css("background-color", dark)
    page.goto("/")
    expect(body).to_have_css("background-color", dark)
    page.goto("/settings/")
    page.get_by_role("button", name="System").click()
    expect(page.get_by_role("button", name="System")).to_have_attribute("aria-pressed", "true")
    expect(body).to_have_css("background-color", light)
    page.emulate_media(color_scheme="dark")
    expect(body).to_have_css("background-color", dark)


def test_a_token_is_made_copied_and_revoked(alice_page: Page, base_url: str) -> None:
    page = alice_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    page.goto("/settings/tokens/")
    page.get_by_label("Name").fill("nightly <i>import</i>")
    page.get_by_label("Read", exact=True).check()
    page.get_by_role("button", name="Make the token").click()
    field = page.get_by_label("The new token")
    expect(field).to_be_focused()
    expect(field).to_have_value(re.compile(r"^rm_.{43}$"))
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == field.input_value()
    expect(page.locator(".card h3")).to_contain_text("nightly <i>import</i>")
    page.reload()
    expect(page.get_by_label("The new token")).to_have_count(0)
    page.locator(".card summary").click()
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.locator(".toast")).to_contain_text("Revoked")
    expect(page.get_by_text("You have no tokens that work.")).to_be_visible()
    assert ApiToken.objects.get().revoked_at is not None


def test_signing_in_elsewhere_does_not_spoil_an_open_page(alice_page: Page) -> None:
    """The proof of origin changes with every sign-in; the page sends the newest one."""
    page = alice_page
    page.goto("/settings/tokens/")
    other = page.context.new_page()
    other.goto("/settings/")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("Username").fill("alice")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other).to_have_url(re.compile(r"://[^/]+/$"))
    page.get_by_label("Name").fill("still open")
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_label("The new token")).to_be_visible()
