"""The routes and audit actions of service accounts."""

from app.domain.module import Module
from app.domain.service_accounts.controllers import ServiceAccountController

MODULE = Module(
    controllers=(ServiceAccountController,),
    tags=("Service accounts",),
    audit_actions={
        "service_account.create": "A service account was made.",
        "api_key.create": "An API key of a service account was made; `keyId` says which.",
        "api_key.revoke": "An API key of a service account was deleted; `keyId` says which.",
    },
)
