"""The ``file`` channel: each message a readable file in a folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import duly

LONGEST_NAME = 120


class File(duly.Channel):
    """One file a message in a folder of the workspace, to open and read."""

    name = "file"
    idempotent = True  # the same message is the same file

    class Config(duly.Config):
        """Where the messages go."""

        folder: str = duly.field("The folder for the messages, relative to the workspace", min_length=1)

    config: Config

    def send(self, message: duly.Message) -> duly.Verdict:
        """Write the message, whole or not at all."""
        folder = self.home / self.config.folder
        name = _file_name(message.id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write_whole(folder / name, _readable(message))
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise duly.ChannelDown(f"the folder {self.config.folder} cannot be written: {why}") from None
        return duly.Accepted(name)


def _file_name(message_id: str) -> str:
    safe = quote(message_id, safe="")
    if len(safe) > LONGEST_NAME:
        safe = hashlib.sha256(message_id.encode()).hexdigest()
    return f"{safe}.txt"


def _readable(message: duly.Message) -> str:
    head = {"To": message.to, "Name": message.name, "Subject": message.subject, "Lang": message.lang}
    lines = [f"{name}: {' '.join(value.split())}".rstrip() for name, value in head.items()]
    return "\n".join([*lines, "", message.text.rstrip("\n"), ""])


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=".", suffix=".part", delete=False) as part:
        written = Path(part.name)
        try:
            part.write(text.encode())
            part.close()
            written.replace(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise


@duly.hookimpl
def register_channels(register: Callable[[type[duly.Channel]], None]) -> None:
    """Offer the channel."""
    register(File)
