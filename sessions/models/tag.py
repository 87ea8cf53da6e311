"""Tags: words that an owner gives to sessions."""

import unicodedata

from django.conf import settings
from django.db import models

MAX_TAG_LENGTH = 100


def normalise_tag(name: str) -> str:
    """Return the one spelling under which a tag is kept: NFC, trimmed, inner white space folded, case-folded."""
    return unicodedata.normalize("NFC", " ".join(unicodedata.normalize("NFC", name).split()).casefold())


class Tag(models.Model):
    """One word of one owner."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="research_tags")
    name = models.CharField(max_length=MAX_TAG_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="tag_once_per_owner")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
