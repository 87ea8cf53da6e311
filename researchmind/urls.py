"""Addresses: the API, the admin, probes, and pages."""

from django.contrib import admin
from django.urls import include, path, re_path

from researchmind import health, metrics
from researchmind.errors import unknown_address
from sessions.api.api import api

urlpatterns = [
    path("admin/", admin.site.urls),
    re_path(r"^api(?:/|/v1/)?$", unknown_address),
    path("api/v1/", api.urls),
    path("api/<path:rest>", unknown_address),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("", include("sessions.urls")),
]

handler403 = "researchmind.errors.forbidden"
handler404 = "researchmind.errors.not_found"
handler500 = "researchmind.errors.server_error"
