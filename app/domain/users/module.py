"""What the users' domain brings to the service."""

from app.domain.module import Module
from app.domain.users.controllers import UserController

MODULE = Module(
    controllers=(UserController,),
    tags=("Users",),
    audit_actions={"user.change": "A profile was changed; `fields` says what of it."},
)
