"""A session's vectors: one collection a session, in this database or in Qdrant."""

from uuid import UUID

from django.db import models

from sessions.models.json_field import JsonField
from sessions.models.session import Session

FLOAT_BYTES = 4
_DIGITS = 20  # of the largest point id


class Distance(models.TextChoices):
    """How near two vectors are: the angle between them, their product, or the way from one to the other."""

    COSINE = "cosine"
    DOT = "dot"
    EUCLID = "euclid"


class Place(models.TextChoices):
    """Where a collection's points are kept."""

    DATABASE = "database"
    QDRANT = "qdrant"


class VectorCollection(models.Model):
    """What the first points chose. Those in the database are counted there, those in Qdrant after each write."""

    session = models.OneToOneField(
        Session, primary_key=True, on_delete=models.CASCADE, related_name="vector_collection"
    )
    size = models.PositiveIntegerField(help_text="Numbers in each vector.")
    distance = models.CharField(max_length=8, choices=Distance)
    place = models.CharField(max_length=8, choices=Place)
    point_count = models.PositiveIntegerField(default=0, help_text="Points in Qdrant, as the last write found them.")
    revision = models.PositiveBigIntegerField(default=0, help_text="Grows with every write.")
    writers = models.PositiveIntegerField(default=0, help_text="Writes to Qdrant that are under way.")
    writing_since = models.DateTimeField(null=True, blank=True)
    moving_since = models.DateTimeField(null=True, blank=True, help_text="Since when it is being moved to Qdrant.")
    unwanted = JsonField(null=True, blank=True, help_text="Keys of points that a split took and Qdrant still has.")
    removing_since = models.DateTimeField(null=True, blank=True, help_text="Since when they are being removed.")

    class Meta:
        verbose_name = "vector collection"

    def __str__(self) -> str:
        return f"{self.session_id}: {self.distance} {self.size}"


class VectorPoint(models.Model):
    """A point of a collection in the database. `vector` is little-endian float32; `key` orders as Qdrant orders ids."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="vector_points", db_index=False)
    key = models.CharField(max_length=33)
    vector = models.BinaryField()
    payload = JsonField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "key"], name="vector_point_once")]
        ordering = ["session", "key"]

    def __str__(self) -> str:
        return f"{self.session_id}: {point_id_of(self.key)}"


def key_of(point_id: int | UUID) -> str:
    """The key of a point: numbers by their value, then UUIDs by theirs, in any collation."""
    return f"{point_id:0{_DIGITS}}" if isinstance(point_id, int) else f"u{point_id.hex}"


def point_id_of(key: str) -> int | str:
    """The point's id as people and Qdrant write it."""
    return str(UUID(key[1:])) if key.startswith("u") else int(key)


def key_of_text(point_id: int | str) -> str:
    """The key of a point whose UUID is a text."""
    return key_of(point_id if isinstance(point_id, int) else UUID(point_id))
