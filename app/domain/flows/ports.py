"""What the purposes work with."""

from msgspec import Struct

from app.clock import Clock
from app.mail.mailer import SendMail
from app.settings.model import Settings


class Services(Struct, frozen=True):
    """Handed to every purpose; the transaction comes beside it."""

    settings: Settings
    clock: Clock
    send_mail: SendMail
