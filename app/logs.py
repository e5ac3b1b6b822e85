"""Logs: one JSON object per line on standard error. Secrets, headers and query strings are never logged."""

import sys

import msgspec
import structlog


def configure_logging() -> None:
    """Configure structlog for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_encode),
        ],
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _encode(event: dict[str, object], **_: object) -> bytes:
    """The event as JSON. A value without a JSON type is its `repr`; so is a Struct, whose `repr` hides secrets."""
    shown = {name: repr(value) if isinstance(value, msgspec.Struct) else value for name, value in event.items()}
    return msgspec.json.encode(shown, enc_hook=repr)
