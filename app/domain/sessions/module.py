"""The routes, clean-up and audit actions of sessions."""

from app.domain.module import Module
from app.domain.sessions.controllers import SessionController
from app.domain.sessions.repository import delete_ended, end_expired

MODULE = Module(
    controllers=(SessionController,),
    tags=("Sessions",),
    sweeps=(end_expired, delete_ended),
    audit_actions={
        "session.start": "Somebody signed in; `method` says how.",
        "session.disown": "A reader of the user's mail ended a session on a new device: it was not theirs.",
    },
)
