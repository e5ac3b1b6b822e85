"""The audit actions that the domains declare."""

from app.asgi import MODULES

AUDIT_ACTIONS = {action: meaning for module in MODULES for action, meaning in module.audit_actions.items()}
