"""`invitation`: a link with which an invited person completes their account.

An invitation that is bound to no address is the setup link of a new installation: its holder becomes the first
platform admin, once.
"""

from app.domain.flows.accept_invitation import accept_invitation, needed_fields
from app.domain.flows.invite import INVITATION, invitation_lifetime
from app.domain.flows.purpose import Purpose

PURPOSE = Purpose(
    name=INVITATION,
    redeem=accept_invitation,
    link_lifetime=invitation_lifetime,
    needs=needed_fields,
    # Somebody else sends it, and a browser may be shared: the wrong person would complete the account.
    asks_to_switch=True,
    optional=("name", "phone", "locale"),
)
