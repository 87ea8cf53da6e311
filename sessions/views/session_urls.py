"""Addresses of one session's page. (A stub until the session page is here.)"""

from django.urls import path

from sessions.views.lists import session_list

urlpatterns = [path("sessions/<str:session_id>/", session_list, name="session_detail")]
