"""The form of a session in the admin. The operations say what they would not take, and that is shown in place."""

import json
from typing import Any

from django import forms
from django.contrib.auth import get_user_model

from sessions.admin.bases import SessionModelForm, UserChoice
from sessions.exceptions import Invalid
from sessions.models import Session
from sessions.operations.sessions import checked_fields
from sessions.operations.tags import checked_tags, tags_of

OBJECTS = ("metadata", "configuration", "tool_settings", "agent_settings", "context_window_config")
_TEXTS = ("name", "description", "model", "phase", "summary_model")
EDITABLE = (*_TEXTS, "ttl_seconds", *OBJECTS)


class _JsonObjectField(forms.JSONField):
    """A JSON object, shown over several lines; empty is {}."""

    default_error_messages = {
        "invalid": "This isn’t JSON, or a number in it is too long, or it is nested too deeply.",
        "object": "A JSON object in braces, such as {}.",
    }

    def prepare_value(self, value: Any) -> Any:
        """Indent what is shown, and leave alone what was typed."""
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else value

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, as it was typed, right or wrong."""
        return initial if self.disabled else data

    def to_python(self, value: Any) -> Any:
        """Read an object. Raises ValidationError for anything else."""
        try:
            read = super().to_python(value)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error
        if read is None:
            return {}
        if not isinstance(read, dict):
            raise forms.ValidationError(self.error_messages["object"], code="object")
        return read


class _UserNameField(UserChoice):
    """A user by name: a list of all of them would be long, and a search box wants scripts and styles of its own."""

    widget = forms.TextInput
    default_error_messages = {"invalid_choice": "There is no user with this name."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(get_user_model().objects.all(), to_field_name="username", **kwargs)


class SessionForm(SessionModelForm):
    """What an operator may change about a session, or set on a new one."""

    owner = _UserNameField(help_text="A user name.")
    tag_words = forms.CharField(required=False, label="Tags", help_text="Words with commas between them.")
    version_seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    metadata = _JsonObjectField(required=False)
    configuration = _JsonObjectField(required=False)
    tool_settings = _JsonObjectField(required=False)
    agent_settings = _JsonObjectField(required=False)
    context_window_config = _JsonObjectField(required=False)

    class Meta:
        model = Session
        fields = ("owner", "pinned", *EDITABLE)
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        labels = {"ttl_seconds": "Time to live"}
        help_texts = {"ttl_seconds": "Seconds after the last access at which the session expires. Empty: never."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["tag_words"] = ", ".join(tags_of(self.instance))
            self.initial["version_seen"] = self.instance.version
        elif "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = "Without one it is called after its first user message."

    def clean(self) -> dict[str, Any]:
        """Ask the operations whether they would take it, and show their answer beside the field."""
        cleaned = super().clean() or self.cleaned_data
        if (
            self.instance.version != cleaned.get("version_seen", self.instance.version)
            and not self.instance._state.adding
        ):
            self.add_error(
                None, "The session has changed since this page was opened. Copy what you typed, and open it again."
            )
        changes = self.changes()
        for check, value in ((checked_tags, changes.pop("tags", [])), (checked_fields, changes)):
            try:
                check(value)
            except Invalid as problem:
                self._show(problem)
        return cleaned

    def _show(self, problem: Invalid) -> None:
        for where, sentence in problem.errors:
            field = "tag_words" if where == "tags" else where
            self.add_error(field if field in self.fields else None, sentence)

    def changes(self) -> dict[str, Any]:
        """What was changed, as `update_session` and `create_session` take it."""
        typed = self.cleaned_data
        changes = {name: typed[name] for name in (*EDITABLE, "pinned") if name in self.changed_data and name in typed}
        if "metadata" in changes and not self.instance._state.adding:
            kept = Session.objects.values_list("metadata", flat=True).get(pk=self.instance.pk)
            changes["metadata"] = dict.fromkeys(kept) | changes["metadata"]  # it is merged: what is gone is removed
        if "tag_words" in self.changed_data and "tag_words" in typed:
            changes["tags"] = [word for word in typed["tag_words"].split(",") if word.strip()]
        if not changes.get("name", True):
            del changes["name"]
        return changes
