"""The routes, clean-up and audit actions of keys."""

from app.domain.keys.controllers import KeyController
from app.domain.keys.single_use_repository import delete_expired
from app.domain.module import Module

MODULE = Module(
    controllers=(KeyController,),
    tags=("Keys",),
    sweeps=(delete_expired,),
    audit_actions={
        "key.issue": (
            "A one-time code or link was issued, for the purpose that `purpose` names. A code replaced the earlier one "
            "of the same flow, an invitation the earlier one to the same language."
        ),
        "key.use": "A one-time code or link was used.",
        "key.revoke": "A one-time code or link was voided before it was used.",
        "key.set_secret": "A secret was set or changed.",
        "key.clear_secret": "A secret was removed.",
        "key.rename": "The address that signs in was changed.",
    },
)
