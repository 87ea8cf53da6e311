"""Files of a form on their way in: too large for memory, and beside the workspaces, where the room for them is."""

import tempfile
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler

from sessions.storage.staging import STAGING
from sessions.storage.workspaces import root

_PRIVATE = 0o700


class StagedUploadHandler(TemporaryFileUploadHandler):
    """Django's own, but its files have no name: nothing is left of them when their process ends, however it does.

    On a disk that knows no file without a name they lose it at once; what a kill leaves in between is cleared with
    everything else that was staged.
    """

    file: Any

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open the file that a part of the form goes into. Raises OSError."""
        FileUploadHandler.new_file(self, *args, **kwargs)
        for place in (root(), root() / STAGING):
            place.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        received = tempfile.TemporaryFile(prefix="upload-", dir=root() / STAGING)  # noqa: SIM115  (the request closes it)
        self.file = UploadedFile(received, self.file_name, self.content_type, 0, self.charset, self.content_type_extra)

    def upload_interrupted(self) -> None:
        """Let go of what was received."""
        if hasattr(self, "file"):
            self.file.close()
