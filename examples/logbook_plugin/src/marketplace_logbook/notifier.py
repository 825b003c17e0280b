"""The notifier: a line for each notice."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from marketplace_sdk.plugin import Call, Message, NotificationError


class Logbook:
    """Appends to a file, which is made when it is not there.

    Args:
        path: of the file; its folder must exist.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()  # a notifier may be called from several threads at once

    def deliver(self, message: Message, call: Call) -> None:
        """Write one line, and return when the disk has it.

        Raises:
            NotificationError: no time is left, or the file cannot be written; both may pass.
        """
        if call.over:
            raise NotificationError("cannot write a notice: no time is left", retryable=True)
        line = {
            "id": message.id,  # the same on every attempt, so that readers can drop repetitions
            "at": message.at.isoformat(),
            "kind": message.type,
            "for": message.recipient.id if message.recipient else "",
            "about": message.about,
            "text": message.subject,
        }
        data = (json.dumps(line, ensure_ascii=False) + "\n").encode()
        try:
            with self._lock, self._path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotificationError(
                f"cannot write a notice: {error.strerror}", retryable=True
            ) from error

    def close(self) -> None:
        """Nothing is held between two notices."""
