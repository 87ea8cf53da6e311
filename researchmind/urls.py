"""Addresses: the API, the admin, probes, and pages."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("sessions.urls")),
]

handler403 = "sessions.views.errors.forbidden"
handler404 = "sessions.views.errors.not_found"
handler500 = "sessions.views.errors.server_error"
