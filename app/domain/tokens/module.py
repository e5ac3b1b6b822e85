"""The routes, clean-up and audit actions of tokens."""

from app.domain.module import Module
from app.domain.tokens.controllers import TokenController
from app.domain.tokens.repository import delete_unpublished

MODULE = Module(
    controllers=(TokenController,),
    tags=("Tokens",),
    sweeps=(delete_unpublished,),
    audit_actions={
        "signing_key.create": "A key that signs tokens was made; `algorithm` and `signsFrom` say which.",
        "signing_key.withdraw": "A key that signs tokens was deleted at once.",
    },
)
