"""The routes, clean-up and audit actions of sessions."""

from app.domain.module import Module
from app.domain.sessions.controllers import SessionController
from app.domain.sessions.repository import delete_expired

MODULE = Module(
    controllers=(SessionController,),
    tags=("Sessions",),
    sweeps=(delete_expired,),
    audit_actions={"session.start": "Somebody signed in; `method` says how."},
)
