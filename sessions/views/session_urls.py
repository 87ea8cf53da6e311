"""Addresses of one session's page."""

from django.urls import path

from sessions.views import (
    asking,
    exporting,
    live,
    session_activity,
    session_details,
    session_files,
    session_fork,
    session_messages,
    session_page,
    session_people,
    session_revisions,
    session_run,
    session_split,
    session_statistics,
)

_SESSION = "sessions/<str:session_id>/"

urlpatterns = [
    path(_SESSION, session_page.detail, name="session_detail"),
    path(f"{_SESSION}live/", live.of_session, name="session_live"),
    path(f"{_SESSION}append/", session_page.append, name="session_append"),
    path(f"{_SESSION}ask/", asking.ask, name="session_ask"),
    path(f"{_SESSION}name/", session_page.name, name="session_name"),
    path(f"{_SESSION}details/", session_details.details, name="session_details"),
    path(f"{_SESSION}tags/", session_details.tags, name="session_tags"),
    path(f"{_SESSION}people/", session_people.people, name="session_people"),
    path(f"{_SESSION}links/", session_people.links, name="session_links"),
    path(f"{_SESSION}leave/", session_people.leave, name="session_leave"),
    path(f"{_SESSION}files/", session_files.browse, name="session_files"),
    path(f"{_SESSION}files/view/", session_files.view, name="session_file"),
    path(f"{_SESSION}files/raw/", session_files.raw, name="session_raw"),
    path(f"{_SESSION}files/zip/", session_files.zip_directory, name="session_zip"),
    path(f"{_SESSION}files/remove/", session_files.remove, name="session_file_remove"),
    path(f"{_SESSION}run/", session_run.run, name="session_run"),
    path(f"{_SESSION}run/answer/", session_run.answer, name="run_answer"),
    path(f"{_SESSION}run/stop/", session_run.stop, name="run_stop"),
    path(f"{_SESSION}run/reopen/", session_run.reopen, name="run_reopen"),
    path(f"{_SESSION}run/artifacts/<str:kind>/", session_run.artifact, name="run_artifact"),
    path(f"{_SESSION}statistics/", session_statistics.statistics, name="session_statistics"),
    path(f"{_SESSION}system-prompt/", session_messages.system_prompt, name="system_prompt"),
    path(f"{_SESSION}messages/<int:index>/", session_messages.message, name="session_message"),
    path(f"{_SESSION}messages/<int:index>/text/", session_messages.message_text, name="message_text"),
    path(f"{_SESSION}messages/<int:index>/edit/", session_messages.edit, name="message_edit"),
    path(f"{_SESSION}fork/", session_fork.fork, name="session_fork"),
    path(f"{_SESSION}split/", session_split.split, name="session_split"),
    path(f"{_SESSION}export/", exporting.export_one, name="session_export"),
    path(f"{_SESSION}activity/", session_activity.whole, name="session_activity"),
    path(f"{_SESSION}revisions/", session_revisions.revisions, name="session_revisions"),
    path(f"{_SESSION}revisions/<int:number>/", session_revisions.revision, name="session_revision"),
    path(f"{_SESSION}revisions/<int:number>/messages/<int:index>/text/", session_revisions.text, name="revision_text"),
    path(f"{_SESSION}revisions/<int:number>/restore/", session_revisions.restore, name="revision_restore"),
]
