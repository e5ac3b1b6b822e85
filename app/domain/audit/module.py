"""What the routes on audit events bring to the service."""

from app.domain.audit.controllers import AuditController
from app.domain.module import Module

MODULE = Module(controllers=(AuditController,), tags=("Audit",))
