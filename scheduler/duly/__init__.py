"""Duly: a rules-driven scheduler for service desks. This module is the public API for plugin authors."""

from duly.api.action import Action, Task, Tell
from duly.api.channel import Channel
from duly.api.config import Config, Secret, field
from duly.api.hookspec import hookimpl
from duly.api.http import Http, Reply
from duly.api.message import Attachment, Message
from duly.api.person import Person
from duly.api.verdict import Accepted, ChannelDown, MaybeSent, NotSent, Rejected, Retry, Verdict

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "Action",
    "Attachment",
    "Channel",
    "ChannelDown",
    "Config",
    "Http",
    "MaybeSent",
    "Message",
    "NotSent",
    "Person",
    "Rejected",
    "Reply",
    "Retry",
    "Secret",
    "Task",
    "Tell",
    "Verdict",
    "field",
    "hookimpl",
]
