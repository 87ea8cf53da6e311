"""Retention: the policy, and applying it. For administrators."""

from typing import Any

from django.http import HttpResponse

from sessions.api.answers import answer
from sessions.api.auth import ApiRequest
from sessions.api.idempotency import once, sees_to_its_key
from sessions.api.openapi import ApiRouter, documented
from sessions.api.schemas.retention import CleanupAnswer, CleanupForm, RetentionPolicyAnswer, RetentionPolicyForm
from sessions.models import RetentionPolicy
from sessions.models.retention import POLICY_FIELDS
from sessions.operations.retention.applying import Report, apply_policy, preview
from sessions.operations.retention.policy import read_policy, set_policy, with_changes
from sessions.operations.retention.rules import Act

router = ApiRouter(tags=["Retention"])

_READ = documented({200: RetentionPolicyAnswer}, 403)
_WRITE = documented({200: RetentionPolicyAnswer}, writes=True)
_CLEANUP = documented({200: CleanupAnswer}, writes=True)


def read_retention_policy(request: ApiRequest) -> HttpResponse:
    """For administrators."""
    return _policy_answer(read_policy(actor=request.auth))


def set_retention_policy(request: ApiRequest, form: RetentionPolicyForm) -> HttpResponse:
    """Only what is sent changes; null turns a rule off. Nothing happens by itself while `enabled` is false."""
    return _policy_answer(set_policy(actor=request.auth, **_sent(form)))


@sees_to_its_key
def clean_up(request: ApiRequest, form: CleanupForm) -> HttpResponse:
    """Whether the policy is enabled or not. Pinned sessions are left alone, and each session is touched once."""

    def work() -> HttpResponse:
        policy = with_changes(read_policy(actor=request.auth), _sent(form.policy) if form.policy else {})
        act = preview if form.dry_run else apply_policy
        return answer(_report(act(actor=request.auth, policy=policy)))

    return once(request, work, is_one_transaction=False)


for _prefix, _other in (("", ""), ("/sessions", "_of_sessions")):
    router.get(
        f"{_prefix}/retention-policy",
        summary="Read the retention policy",
        operation_id=f"read_retention_policy{_other}",
        **_READ,
    )(read_retention_policy)
    router.put(
        f"{_prefix}/retention-policy",
        summary="Change the retention policy",
        operation_id=f"set_retention_policy{_other}",
        **_WRITE,
    )(set_retention_policy)
    router.post(
        f"{_prefix}/cleanup",
        summary="Apply the retention policy now, or see what that would do",
        operation_id=f"clean_up{_other}",
        **_CLEANUP,
    )(clean_up)


def _sent(form: RetentionPolicyForm) -> dict[str, Any]:
    return {name: getattr(form, name) for name in form.model_fields_set}


def _policy_answer(policy: RetentionPolicy) -> HttpResponse:
    return answer({name: getattr(policy, name) for name in POLICY_FIELDS})


_NAMES = {Act.ARCHIVE: "archived", Act.TRASH: "trashed", Act.PURGE: "purged"}


def _report(report: Report) -> dict[str, Any]:
    sessions = {name: report.parts[act].sessions for act, name in _NAMES.items()}
    counts = {f"{name}_count": report.parts[act].count for act, name in _NAMES.items()}
    rest = ("bytes", "bytes_are_exact", "is_complete")
    return {"dry_run": report.dry_run} | sessions | counts | {name: getattr(report, name) for name in rest}
