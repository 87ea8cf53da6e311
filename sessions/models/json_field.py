"""JSON columns that read the same from both databases."""

from typing import Any

import orjson
from django.db import models
from django.db.models.fields.json import KeyTransform


class JsonField(models.JSONField):
    """Django's field; but a number of more than 64 bits is read as the float that was stored.

    PostgreSQL's jsonb gives 1e300 back as a one with three hundred zeros, which Python would
    read as an integer that nothing else here can write.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Read a column's text."""
        if isinstance(value, str) and not isinstance(expression, KeyTransform):
            return orjson.loads(value)
        return super().from_db_value(value, expression, connection)

    def deconstruct(self) -> Any:
        """For migrations it is Django's own field: the column is the same."""
        name, _, arguments, options = super().deconstruct()
        return name, "django.db.models.JSONField", arguments, options
