"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from researchmind.open_pages import OpenPages

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "researchmind.settings")

application = OpenPages(get_wsgi_application())
