"""The routes of audit events."""

from app.domain.audit.controllers import AuditController
from app.domain.module import Module

MODULE = Module(controllers=(AuditController,), tags=("Audit",))
