"""API tokens: shown once, kept as a digest."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.session import Session

TOKEN_MARK = "rm_"  # noqa: S105  (the prefix that every token carries)


class Scope(models.TextChoices):
    """What a token may do."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"


def new_token() -> str:
    """Return a token of 256 random bits."""
    return TOKEN_MARK + secrets.token_urlsafe(32)


def is_usable(*, revoked_at: datetime | None, expires_at: datetime | None) -> bool:
    """Whether a token is neither revoked nor expired."""
    return revoked_at is None and (expires_at is None or expires_at > timezone.now())


def token_digest(token: str) -> str:
    """Return what is stored of a token: its SHA-256 in hex. It is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiToken(models.Model):
    """A script's key to one user's sessions."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="The first characters, to recognise it by.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.WRITE)
    session = models.ForeignKey(
        Session,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The only session it opens.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired."""
        return is_usable(revoked_at=self.revoked_at, expires_at=self.expires_at)
