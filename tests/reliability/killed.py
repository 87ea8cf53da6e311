"""Does one thing again and again, each time killed at another point of it, and has the doctor look at what is left.

Run as a program over an empty database of its own: `python -m tests.reliability.killed TIMES`. Points are what
changes something outside the process: statements, commits, and calls that change the workspaces' directory.
"""

import io
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from uuid import UUID

import django

FEW = 3  # so few kills are looked at together, more of them one by one
# What the children do it with, imported once before they are forked.
NEEDED = (
    "sessions.operations.doctor.examination",
    "sessions.operations.jobs.doing",
    "sessions.operations.jobs.importing",
    "sessions.operations.jobs.purging",
    "sessions.operations.lifecycle",
    "sessions.operations.transfer.exporting",
    "tests.factories",
    "tests.formats.samples",
)
_CALLS = {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.rmdir", "os.link", "os.truncate"}


class Points:
    """Counts the points of what is done while it is on, and kills this process at one of them."""

    def __init__(self, fatal: int = 0) -> None:
        self.count = 0
        self.is_on = False
        self._fatal = fatal

    def reach(self) -> None:
        if self.is_on:
            self.count += 1
            if self.count == self._fatal:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Look at everything from now on."""
        from django.db import connection

        sys.addaudithook(lambda event, _: self.reach() if event in _CALLS else None)

        def statement(execute, *values):
            self.reach()
            return execute(*values)

        connection.execute_wrappers.append(statement)
        commit = connection._commit

        def committing() -> None:
            self.reach()
            commit()
            self.reach()

        connection._commit = committing


def create() -> Callable[[], object]:
    from tests.factories import make_session

    user = alice()
    return lambda: make_session(user, messages=3, tags=["one", "two"])


def delete() -> Callable[[], object]:
    from sessions.operations.lifecycle import purge_session

    session_id = filled().pk
    return lambda: purge_session(actor=alice(), session_id=session_id)


def trash() -> Callable[[], object]:
    from sessions.operations.lifecycle import trash_session

    session_id = filled().pk
    return lambda: trash_session(actor=alice(), session_id=session_id)


def import_() -> Callable[[], object]:
    from sessions.operations.lifecycle import purge_session
    from sessions.operations.transfer.exporting import export_session
    from sessions.operations.transfer.importing import SourceFile, import_sessions

    session = filled()
    archive = b"".join(export_session(actor=alice(), session_id=session.pk).chunks)
    purge_session(actor=alice(), session_id=session.pk)
    return lambda: import_sessions(actor=alice(), files=[SourceFile("one.zip", io.BytesIO(archive))])


def alice():
    from django.contrib.auth.models import User

    return User.objects.get_or_create(username="alice")[0]


def filled():
    """A session with a transcript, and files in its workspace."""
    from sessions.storage import workspaces
    from tests.factories import make_session

    session = make_session(alice(), "Filled", messages=5, tags=["one"])
    content = workspaces.workspace_path(UUID(str(session.pk))) / "content"
    for name in ("a", "b/c", "b/d/e"):
        (content / name).parent.mkdir(parents=True, exist_ok=True)
        (content / name).write_text(name * 1000)
    return session


def import_by_a_job() -> Callable[[], object]:
    from sessions.operations.jobs.doing import do_next_job
    from sessions.operations.jobs.importing import import_later
    from sessions.operations.transfer.importing import SourceFile
    from tests.formats.samples import as_json, simple_chatgpt

    base = 1000 * os.getpid()  # other conversations each time
    file = io.BytesIO(as_json([simple_chatgpt(base + number) for number in range(3)]))
    import_later(actor=alice(), files=[SourceFile("chats.json", file)])
    return do_next_job


def delete_by_a_job() -> Callable[[], object]:
    from sessions.operations.jobs import purging
    from sessions.operations.jobs.doing import do_next_job

    purging.MANY_MESSAGES = 0
    purging.purge_later(actor=alice(), session_ids=[filled().pk, filled().pk])
    return do_next_job


def merge_by_a_job() -> Callable[[], object]:
    from sessions.operations.jobs.doing import do_next_job
    from sessions.operations.jobs.merging import merge_later

    merge_later(actor=alice(), source_session_ids=[filled().pk, filled().pk], target_name="Merged")
    return do_next_job


def fork_by_a_job() -> Callable[[], object]:
    from sessions.operations.jobs.doing import do_next_job
    from sessions.operations.jobs.forking import fork_later

    fork_later(actor=alice(), session_id=filled().pk, at_index=2, name="Forked", content="edited")
    return do_next_job


def split_by_a_job() -> Callable[[], object]:
    from sessions.operations.jobs.doing import do_next_job
    from sessions.operations.jobs.splitting import split_later
    from sessions.operations.restructure.splitting import Part

    parts = [Part("Part", message_ranges=[(0, 1)], files=["content/b"]), Part("Part", message_ranges=[(2, 3)])]
    split_later(actor=alice(), session_id=filled().pk, parts=parts)
    return do_next_job


def put_file() -> Callable[[], object]:
    from sessions.operations.files import put_file

    session_id = filled().pk
    return lambda: put_file(actor=alice(), session_id=session_id, path="content/b/new", blocks=[b"x"], size=1)


def remove_file() -> Callable[[], object]:
    from sessions.operations.files import remove_file

    session_id = filled().pk
    return lambda: remove_file(actor=alice(), session_id=session_id, path="content/b")


def look_at_files() -> None:
    """A file that was put is there and has its event, or neither; so has one that was removed."""
    from sessions.models import Event, Session
    from sessions.storage import workspaces

    for session in Session.objects.filter(status="active", name="Filled"):
        content = workspaces.workspace_path(session.pk) / "content"
        events = list(
            Event.objects.filter(session_id=session.pk, verb__startswith="file_").values_list("verb", flat=True)
        )
        assert events.count("file_put") == (content / "b" / "new").exists(), (session.pk, events)
        assert events.count("file_removed") == (not (content / "b").exists()), (session.pk, events)


def finish_jobs() -> None:
    """What another worker does once the leases of the killed one have run out."""
    from sessions.models import Import, Job, JobKind, JobState, Session
    from sessions.operations.jobs.doing import do_next_job

    Job.objects.filter(state=JobState.RUNNING).update(leased_until="2026-01-01T00:00Z")
    while do_next_job():
        pass
    assert not Job.objects.exclude(state=JobState.DONE).exists(), list(Job.objects.values())
    for batch in Import.objects.filter(file_name="chats.json"):
        assert (batch.sources.count(), batch.session_count, batch.finished_at is None) == (3, 3, False)
    made_by = ((JobKind.MERGE, "Merged", 10), (JobKind.FORK, "Forked", 3), (JobKind.SPLIT, "Part", 2))
    for kind, name, messages in made_by:
        results = [job.result for job in Job.objects.filter(kind=kind)]
        made = {pk for result in results for pk in result.get("session_ids") or [result["session_id"]]}
        found = Session.objects.filter(name=name).values_list("pk", "message_count")
        assert {(str(pk), count) for pk, count in found} == {(session_id, messages) for session_id in made}


WHAT = {
    "create": create,
    "delete": delete,
    "trash": trash,
    "import": import_,
    "job": import_by_a_job,
    "purge": delete_by_a_job,
    "merge": merge_by_a_job,
    "fork": fork_by_a_job,
    "split": split_by_a_job,
    "put_file": put_file,
    "remove_file": remove_file,
}


def do(what: str, fatal: int = 0) -> int:
    """Do it, dying at a point of it; return how many points it has."""
    points = Points(fatal)
    act = WHAT[what]()
    points.watch()
    points.is_on = True
    act()
    points.is_on = False
    return points.count


def look() -> int:
    """Have the doctor repair what is left, and return how many differences there are then."""
    from sessions.operations.doctor.examination import Found, examine
    from sessions.storage import inventory

    inventory.YOUNG_SECONDS = 0.05
    finish_jobs()
    repaired = [step for step in examine(repair=True) if isinstance(step, Found)]
    left = [step for step in examine() if isinstance(step, Found)]
    look_at_files()
    print("found", [step.difference.kind for step in repaired], "left", left, flush=True)
    return len(left)


def in_a_child(work: Callable[[], int]) -> int:
    """Do some work in a process of its own; return what it returns, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        code = 255
        try:
            code = work()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_halfway(what: str, times: int) -> bool:
    """Kill so many times, at points that are spread over the whole; return whether the doctor left no difference."""
    in_a_child(lambda: do(what))  # the first time makes directories that stay
    points = in_a_child(lambda: do(what))
    chosen = sorted({1 + round(number * (points - 1) / max(1, times - 1)) for number in range(times)})
    print(what, "has", points, "points; killed at", chosen, flush=True)
    for fatal in chosen:
        if in_a_child(lambda fatal=fatal: do(what, fatal)) != -signal.SIGKILL:
            print("not killed at", fatal, flush=True)
            return False
        is_looked_at = times > FEW or fatal == chosen[-1]
        if is_looked_at and in_a_child(look) != 0:
            return False
    return True


def main(times: int) -> int:
    """Do all of it; return 0 if nothing was left."""
    django.setup()
    for name in NEEDED:
        import_module(name)
    return 0 if all(kill_halfway(what, times) for what in WHAT) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
