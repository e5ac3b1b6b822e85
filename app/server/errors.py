"""The error that stops a start."""


class ServiceError(Exception):
    """The service cannot start, or cannot use its database. The message is one line for the operator."""
