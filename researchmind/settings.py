"""Django settings. Operators set environment variables (docs/settings.md); nothing else is read."""

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from csp.constants import NONE, SELF

from researchmind import env
from researchmind.databases import database
from researchmind.logs import configure_structlog, logging_config

BASE_DIR = env.BASE_DIR
_values = cast("dict[str, Any]", env.read())

# Where things are
DATA_DIR: Path = _values["DATA_DIR"]
WORKSPACE_ROOT: Path = _values["WORKSPACE_ROOT"] or DATA_DIR / "workspaces"
SECRET_KEY: str = _values["SECRET_KEY"] or env.secret_key(DATA_DIR)
DEBUG: bool = _values["DEBUG"]
ALLOWED_HOSTS: list[str] = _values["ALLOWED_HOSTS"]
CSRF_TRUSTED_ORIGINS: list[str] = _values["CSRF_TRUSTED_ORIGINS"]
HTTPS: bool = _values["HTTPS"]
TRUSTED_PROXY: bool = _values["TRUSTED_PROXY"]
METRICS_ADDRESSES: list[str] = _values["METRICS_ADDRESSES"]

# Limits
SERVER_WORKERS: int = _values["WORKERS"] or min(8, 2 * (os.cpu_count() or 1))
SERVER_THREADS: int = _values["THREADS"]
DATA_UPLOAD_MAX_MEMORY_SIZE: int = _values["MAX_REQUEST_MB"] * 2**20
MAX_MESSAGE_BYTES: int = _values["MAX_MESSAGE_MB"] * 2**20
MAX_IMPORT_BYTES: int = _values["MAX_IMPORT_MB"] * 2**20

# The model server
MODEL_SERVER: str = _values["MODEL_SERVER"]
MODEL_SERVER_KEY: str = _values["MODEL_SERVER_KEY"]
MODEL_SERVER_KEY_FILE: Path | None = _values["MODEL_SERVER_KEY_FILE"]
MODEL_SERVER_CONNECT_SECONDS: float = _values["MODEL_SERVER_CONNECT_SECONDS"]
MODEL_SERVER_WAIT_SECONDS: float = _values["MODEL_SERVER_WAIT_SECONDS"]
MODEL_SERVER_TOTAL_SECONDS: float = _values["MODEL_SERVER_TOTAL_SECONDS"]
MODEL_SERVER_MAX_BYTES: int = _values["MODEL_SERVER_MAX_MB"] * 2**20
MODEL_SERVER_MAX_WINDOW: int = _values["MODEL_SERVER_MAX_WINDOW"]
MODEL_SERVER_REQUESTS: int = _values["MODEL_SERVER_REQUESTS"] or max(1, SERVER_THREADS // 2)
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "sessions.storage.uploads.StagedUploadHandler",
]
MAX_UPLOAD_BYTES: int = _values["MAX_UPLOAD_MB"] * 2**20
WORKSPACE_QUOTA_BYTES: int = _values["WORKSPACE_QUOTA_MB"] * 2**20
INDEX_COMMAND: str = _values["INDEX_COMMAND"]
INDEX_SECONDS: int = _values["INDEX_SECONDS"]
RUN_SILENT_AFTER = timedelta(minutes=_values["RUN_SILENT_MINUTES"])
MAX_NESTING = 64

# Vectors
QDRANT_URL: str = os.environ.get("QDRANT_URL", "")
QDRANT_KEY: str = _values["QDRANT_KEY"]
QDRANT_KEY_FILE: Path | None = _values["QDRANT_KEY_FILE"]
QDRANT_SECONDS: float = _values["QDRANT_SECONDS"]
MAX_POINTS: int = _values["MAX_POINTS"]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.admin",
    "axes",
    "csp",
    "django_htmx",
    "django_structlog",
    "sessions",
]

# What belongs to pages (logins, forms, toasts) is left out of API calls that carry a token.
MIDDLEWARE = [
    "researchmind.metrics.RequestMetrics",
    "researchmind.middleware.NoBodyForHead",
    "researchmind.middleware.UnversionedApi",
    "researchmind.middleware.RequestLog",
    "researchmind.middleware.ApiProblems",
    "researchmind.middleware.UploadLimit",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "researchmind.middleware.PageSessions",
    "researchmind.middleware.CheckedHost",
    "django.middleware.csrf.CsrfViewMiddleware",  # of pages; the API asks for it when a browser's login is used
    "researchmind.middleware.PageAuthentication",
    "researchmind.middleware.PageMessages",
    "researchmind.middleware.PageHtmx",
    "researchmind.middleware.PrivatePages",
    "researchmind.middleware.ReaderTimeZone",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "researchmind.urls"
WSGI_APPLICATION = "researchmind.wsgi.application"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL", ""),
        sqlite_path=DATA_DIR / "db.sqlite3",
        synchronous=_values["SQLITE_SYNCHRONOUS"],
        threads=SERVER_THREADS,
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["models.W040"]  # the covering index is PostgreSQL's alone, SQLite does without

# Signing in
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "session_list"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_COOKIE_AGE = 14 * 24 * 3600
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "sessions.views.accounts.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_IPWARE_PROXY_COUNT = 1 if TRUSTED_PROXY else 0
AXES_IPWARE_META_PRECEDENCE_ORDER = ["HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"] if TRUSTED_PROXY else ["REMOTE_ADDR"]

# What browsers may do
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = False  # htmx sends it back as a header
CSRF_FAILURE_VIEW = "sessions.views.errors.csrf_failure"
if TRUSTED_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Language and time: the server speaks UTC; pages show the reader's own time zone
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

# Static files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # every page names them by their hash

LOGGING = logging_config(_values["LOG_LEVEL"], _values["LOG_FORMAT"])
configure_structlog()
DJANGO_STRUCTLOG_USER_ID_FIELD = None
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line a request says it all
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
