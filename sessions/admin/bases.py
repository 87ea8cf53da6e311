"""Django's generic classes as bases of ours: they take type arguments only while types are being checked."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth import admin as auth_admin
from django.core import paginator
from django.db import DataError
from django.http import HttpRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from sessions.models import Message, Session

    SessionModelAdmin = admin.ModelAdmin[Session]
    MessageInline = admin.TabularInline[Message, Session]
    MessageFormSet = forms.BaseInlineFormSet[Message, Session, Any]
    SessionModelForm = forms.ModelForm[Session]
    UserChoice = forms.ModelChoiceField[User]
    UserModelAdmin = auth_admin.UserAdmin[User]
    RecordModelAdmin = admin.ModelAdmin[Any]
    Pages = paginator.Paginator[Any]
else:
    SessionModelAdmin = RecordModelAdmin = admin.ModelAdmin
    MessageInline = admin.TabularInline
    MessageFormSet = forms.BaseInlineFormSet
    SessionModelForm = forms.ModelForm
    UserChoice = forms.ModelChoiceField
    UserModelAdmin = auth_admin.UserAdmin
    Pages = paginator.Paginator


class ChecksAddresses(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Mixin: an address of a list that holds what no database can look for leads to the whole list."""

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list. Raises IncorrectLookupParameters, upon which Django goes to the list without parameters."""
        try:
            return super().get_changelist_instance(request)
        except (OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error
