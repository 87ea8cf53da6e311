"""Addresses of the browser's pages."""

from django.urls import include, path

from sessions.views import (
    accounts,
    actions,
    compare,
    exporting,
    fleet,
    importing,
    insights,
    jobs,
    lists,
    live,
    merging,
    new_session,
    palette,
    public,
    retention,
    search,
    settings,
    tags,
    tokens,
    trash,
)

urlpatterns = [
    # Signing in
    path("welcome/<str:token>/", accounts.welcome, name="welcome"),
    path("sign-in/", accounts.sign_in, name="sign_in"),
    path("sign-out/", accounts.sign_out, name="sign_out"),
    # Lists
    path("", lists.session_list, name="session_list"),
    path("pinned/", lists.pinned, name="pinned_sessions"),
    path("archived/", lists.archived, name="archived_sessions"),
    path("trash/", lists.trashed, name="trash"),
    path("shared-with-me/", lists.shared, name="shared_sessions"),
    path("trash/empty/", trash.empty, name="empty_trash"),
    path("fleet/", fleet.fleet, name="fleet"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<str:job_id>/", jobs.job, name="job"),
    path("jobs/<str:job_id>/cancel/", jobs.cancel, name="cancel_job"),
    path("live/", live.of_lists, name="list_live"),
    path("insights/", insights.insights, name="insights"),
    path("tags/", tags.all_tags, name="tags"),
    path("search/", search.search, name="search"),
    # From anywhere
    path("palette/", palette.palette, name="palette"),
    path("keys/", palette.keys, name="keys"),
    # Sessions
    path("sessions/new/", new_session.new, name="session_new"),
    path("merge/", merging.merge, name="session_merge"),
    path("compare/", compare.compare, name="compare"),
    path("sessions/actions/", actions.act, name="session_actions"),
    path("sessions/delete/", trash.purge, name="session_purge"),
    path("sessions/<str:session_id>/rename/", actions.rename, name="session_rename"),
    path("", include("sessions.views.session_urls")),
    # In and out
    path("import/", importing.import_page, name="import"),
    path("import/progress/", importing.progress, name="import_progress"),
    path("import/<str:import_id>/", importing.import_report, name="import_report"),
    path("import/<str:import_id>/undo/", importing.undo, name="undo_import"),
    path("export/", exporting.export_many, name="export_sessions"),
    # What anybody reads who has the address
    path("shared/<str:secret>/", public.detail, name="shared_session"),
    path("shared/<str:secret>/messages/<int:index>/text/", public.text, name="shared_text"),
    path("shared/<str:secret>/files/", public.browse, name="shared_files"),
    path("shared/<str:secret>/files/raw/", public.raw, name="shared_raw"),
    # Settings
    path("settings/", settings.profile, name="settings"),
    path("settings/password/", settings.password, name="change_password"),
    path("settings/theme/", settings.theme, name="theme"),
    path("settings/retention/", retention.retention, name="retention"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke/", tokens.revoke, name="revoke_token"),
]
