"""`email_change_undo`: a link, mailed to the previous address of an account, that puts this address back.

Nobody can request such a key, and nothing that a thief of the account does later voids it (`PROTECTED_PURPOSES`).
"""

from app.domain.flows.change_email import UNDO_LIFETIME, undo_email_change
from app.domain.flows.purpose import Purpose
from app.domain.keys.service import EMAIL_CHANGE_UNDO

PURPOSE = Purpose(name=EMAIL_CHANGE_UNDO, redeem=undo_email_change, link_lifetime=lambda _: UNDO_LIFETIME)
