"""The application's registration with Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete, pre_migrate


class SessionsConfig(AppConfig):
    """Package `sessions`, label `research`: django.contrib.sessions owns the label `sessions`."""

    name = "sessions"
    label = "research"
    verbose_name = "Research"

    def ready(self) -> None:
        """Register checks and the signals that no way of writing gets around."""
        from sessions import checks  # noqa: F401  (registers itself)
        from sessions.models import Session, session_count
        from sessions.operations.vectors.removals import leave_tombstone as leave_tombstone_of_vectors
        from sessions.operations.workspaces import leave_tombstone
        from sessions.search import index

        pre_delete.connect(leave_tombstone, sender=Session, dispatch_uid="research.leave_tombstone")
        pre_delete.connect(
            leave_tombstone_of_vectors, sender=Session, dispatch_uid="research.leave_tombstone_of_vectors"
        )
        pre_migrate.connect(session_count.make_way, sender=self, dispatch_uid="research.session_count.make_way")
        post_migrate.connect(session_count.install, sender=self, dispatch_uid="research.session_count")
        pre_migrate.connect(index.make_way, sender=self, dispatch_uid="research.search.make_way")
        post_migrate.connect(index.install, sender=self, dispatch_uid="research.search")
