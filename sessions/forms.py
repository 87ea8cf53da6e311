"""Forms of the browser: what people type, checked before an operation gets it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.utils import timezone

from sessions.exceptions import Invalid, SessionError
from sessions.formats.recognition import NAMES
from sessions.models import RetentionPolicy, Scope
from sessions.models.retention import POLICY_FIELDS

_EXPIRIES = [("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Never")]


def add_refusal(form: forms.BaseForm, error: SessionError, fields: Mapping[str, str] | None = None) -> None:
    """Show an operation's refusal at the fields it speaks of, or above the form.

    `fields` maps the operation's names to the form's, where they differ.
    """
    reasons = error.errors if isinstance(error, Invalid) and error.errors else [("", error.detail)]
    for where, advice in reasons:
        name = where.partition(".")[0].partition("[")[0]
        name = (fields or {}).get(name, name)
        form.add_error(name if name in form.fields else None, advice)


class PointsAtErrors(forms.BaseForm):
    """Mixin: the first field that was refused has the focus, instead of the usual one."""

    def add_error(self, field: str | None, error: Any) -> None:
        """Note the error, and move the focus."""
        super().add_error(field, error)
        refused = [name for name in self.fields if name in self.errors]
        if refused:
            for name, each in self.fields.items():
                each.widget.attrs.pop("autofocus", None)
                if name == refused[0]:
                    each.widget.attrs["autofocus"] = True


class SignInForm(AuthenticationForm):
    """Username and password."""

    error_messages = {
        "invalid_login": "The username or the password is wrong. Both tell capital from small letters.",
        "inactive": "This account is closed.",
    }


if TYPE_CHECKING:
    _NewUserForm = BaseUserCreationForm[User]
else:
    _NewUserForm = BaseUserCreationForm  # takes a type argument only while types are being checked


class FirstAdministratorForm(PointsAtErrors, _NewUserForm):
    """The first administrator's name and password."""

    class Meta:
        model = User
        fields = ("username",)
        help_texts = {"username": "Letters, digits and @ . + - _"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = "At least 8 characters, and not one of the common passwords."
        self.fields["password2"].help_text = ""
        self.fields["password2"].label = "Password again"


class NewPasswordForm(PointsAtErrors, PasswordChangeForm):
    """The old password and a new one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = "Current password"
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.fields["new_password1"].help_text = "At least 8 characters, and not one of the common passwords."
        self.fields["new_password2"].help_text = ""
        self.fields["new_password2"].label = "New password again"


class ProfileForm(PointsAtErrors, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What a user is called."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email")
        help_texts = {"username": "You sign in with it. Letters, digits and @ . + - _"}


class NewSessionForm(PointsAtErrors, forms.Form):
    """A session to be made."""

    name = forms.CharField(
        required=False,
        max_length=255,
        help_text="Without one it is called after its first message.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    description = forms.CharField(required=False, max_length=1024, widget=forms.Textarea(attrs={"rows": 2}))
    tags = forms.CharField(
        required=False, help_text="With commas between them.", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    model = forms.CharField(
        required=False,
        max_length=255,
        help_text="The one that answers, such as llama3:8b.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    system_prompt = forms.CharField(
        required=False,
        strip=False,
        help_text="Becomes the first message of the transcript.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    @property
    def tag_names(self) -> list[str]:
        """The tags one by one."""
        return [tag for tag in self.cleaned_data["tags"].split(",") if tag.strip()]


class TokenForm(PointsAtErrors, forms.Form):
    """An API token to be made."""

    name = forms.CharField(
        max_length=100,
        help_text="What will use it, such as “nightly import”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(choices=Scope.choices, initial=Scope.WRITE, widget=forms.RadioSelect)
    expires = forms.ChoiceField(choices=_EXPIRIES, initial="90", required=False)
    session_id = forms.CharField(
        label="Only for one session",
        required=False,
        max_length=64,
        help_text="Its id or the first ten digits of it. With such a token nothing else can be seen.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    @property
    def expires_at(self) -> datetime | None:
        """The end of the chosen time; None for never."""
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class RetentionForm(PointsAtErrors, forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The retention policy."""

    class Meta:
        model = RetentionPolicy
        fields = POLICY_FIELDS
        labels = {
            "auto_archive_inactive_days": "Archive unused sessions after",
            "auto_delete_archived_days": "Trash archived sessions after",
            "trash_days": "Delete trashed sessions for ever after",
            "max_age_days": "Trash sessions older than",
            "max_sessions_per_user": "Keep for each user at most",
        }


class _ManyFiles(forms.FileField):
    """Files, at least one."""

    widget = forms.ClearableFileInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each file as Django's field wants it."""
        files = data if isinstance(data, list | tuple) else [data]
        return [super(_ManyFiles, self).clean(file, initial) for file in files] if files else [super().clean(None)]


class _ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ImportForm(PointsAtErrors, forms.Form):
    """Files to import."""

    file = _ManyFiles(
        label="Files",
        allow_empty_file=True,
        max_length=None,
        widget=_ManyFilesInput(attrs={"class": "drop", "accept": ".json,.jsonl,.ndjson,.zip"}),
    )
    format = forms.ChoiceField(required=False, choices=[("", "Recognise it"), *NAMES.items()])
    new_name = forms.CharField(
        label="Another name", required=False, max_length=255, help_text="For a file of one session."
    )
