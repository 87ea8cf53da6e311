"""What the site does with sessions that nobody needs any more: one policy for all of them."""

from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

LONGEST_DAYS = 36_500
MOST_SESSIONS = 2**31 - 1
_THE_ONE = 1


class RetentionPolicyQuerySet(models.QuerySet["RetentionPolicy"]):
    """There is one row, or none as long as nobody has changed anything."""

    def current(self) -> "RetentionPolicy":
        """The policy as it is; the defaults, unsaved, before anybody has set one."""
        return self.filter(pk=_THE_ONE).first() or RetentionPolicy()

    def note_applied(self) -> None:
        """Write down that it has just been applied."""
        self.bulk_create([RetentionPolicy()], ignore_conflicts=True)
        self.filter(pk=_THE_ONE).update(applied_at=timezone.now())


def _days(default: int | None, help_text: str) -> "models.PositiveIntegerField[int | None, int | None]":
    return models.PositiveIntegerField(
        null=True,
        blank=True,
        default=default,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text=help_text,
    )


class RetentionPolicy(models.Model):
    """When sessions are archived, moved to the trash and purged. A rule without a number is off."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=_THE_ONE, editable=False)
    enabled = models.BooleanField(default=False, help_text="Without it nothing happens by itself.")
    auto_archive_inactive_days = _days(30, "Counted from when a session was last opened or changed.")
    auto_delete_archived_days = _days(90, "Counted from when it was archived.")
    trash_days = _days(30, "Counted from when it was moved to the trash. Nobody can bring it back then.")
    max_age_days = _days(None, "Counted from when it was made, whether it is used or not.")
    max_sessions_per_user = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SESSIONS)],
        help_text="Of more, those that were not opened for the longest time go to the trash.",
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    applied_at = models.DateTimeField(null=True, editable=False, help_text="When it was applied last, by anybody.")

    objects = RetentionPolicyQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=_THE_ONE), name="retention_policy_is_one")]
        verbose_name = "retention policy"
        verbose_name_plural = "retention policy"

    def __str__(self) -> str:
        return "Retention policy"

    def purges_at(self, deleted_at: datetime | None, *, pinned: bool) -> datetime | None:
        """When a session that lies in the trash is deleted for ever by itself; None if it isn't."""
        if not self.enabled or self.trash_days is None or deleted_at is None or pinned:
            return None
        return deleted_at + timedelta(days=self.trash_days)


POLICY_FIELDS = (
    "enabled",
    "auto_archive_inactive_days",
    "auto_delete_archived_days",
    "trash_days",
    "max_age_days",
    "max_sessions_per_user",
)
