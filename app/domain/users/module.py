"""The routes and audit actions of users."""

from app.domain.module import Module
from app.domain.users.controllers import UserController

MODULE = Module(
    controllers=(UserController,),
    tags=("Users",),
    audit_actions={"user.change": "A profile was changed; `fields` says what of it."},
)
