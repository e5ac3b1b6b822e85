"""The routes, jobs and audit actions of the flows."""

from app.domain.flows.controllers import KeyFlowController, UserAdministrationController
from app.domain.flows.request_key import ISSUE_KEY, issue_key_handler
from app.domain.flows.sign_in.controllers import SignInController
from app.domain.module import Module

MODULE = Module(
    controllers=(SignInController, KeyFlowController, UserAdministrationController),
    job_handlers={ISSUE_KEY: issue_key_handler},
    audit_actions={
        "session.end_all": "A platform admin ended all sessions of the user.",
        "user.create": "An account was made.",
        "user.suspend": "An account was suspended.",
        "user.restore": "A suspension was undone.",
        "user.grant_admin": "The platform role was granted.",
        "user.revoke_admin": "The platform role was removed.",
        "user.delete": "An account was deleted.",
    },
)
