"""Imports: what came from elsewhere, so that nothing comes twice and a whole import can be taken back."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from sessions.models.json_field import JsonField
from sessions.models.session import Session


class Import(models.Model):
    """One import: some files, and the report of what became of them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    session_count = models.PositiveIntegerField(default=0)
    message_count = models.PositiveBigIntegerField(default=0)
    report = JsonField(default=dict, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "created_at"], name="import_by_owner")]
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.file_name or str(self.pk)


class ImportSource(models.Model):
    """Where a session comes from. It goes with the session, which may be imported again then."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, related_name="import_source")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    batch = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="sources")
    system = models.CharField(max_length=32)
    source_id = models.CharField(max_length=255)
    version = models.PositiveBigIntegerField(default=1, help_text="The session's version when it was imported.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "system", "source_id"], name="import_source_once")]

    def __str__(self) -> str:
        return f"{self.system}: {self.source_id}"
