"""The route that proxies ask before they pass a request on to another back end."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.datastructures import ResponseHeader
from litestar.params import HeaderParameter, QueryParameter

from app.auth.middleware import ASKED_BY_PROXY
from app.domain.policy.schemas import Check
from app.domain.policy.service import decide_own
from app.errors import FieldError, Problem
from app.guards.authorize import ONBOARDED, Request, ability_of
from app.guards.policy import Action, SubjectType
from app.http.forward_auth import IDENTITY_HEADERS, IdentityAnswers, identity_headers, keep_answer
from app.http.requests import actor_of

AskedAction = Annotated[Action | None, QueryParameter(name="action", description="Ask the policy too; with `subject`.")]
AskedSubject = Annotated[
    SubjectType | None, QueryParameter(name="subject", description="The type of the subject that is asked about.")
]
AskedId = Annotated[
    str | None,
    QueryParameter(
        name="id", min_length=1, max_length=1000, description="The subject; without it, the type is asked about."
    ),
]
ForwardedMethod = Annotated[
    str | None,
    HeaderParameter(name="X-Forwarded-Method", description="The method of the request that the proxy has received."),
]
TOLD = [
    ResponseHeader(name=name, description="Percent-encoded UTF-8; it may be empty.", documentation_only=True)
    for name in IDENTITY_HEADERS
]


class ForwardAuthController(Controller):
    """Forward authentication."""

    tags = ("Forward authentication",)

    @get(
        "/api/verify",
        guards=[ONBOARDED],
        middleware=[IdentityAnswers()],
        opt={ASKED_BY_PROXY: True},
        status_code=204,
        sync_to_thread=False,
        response_headers=TOLD,
    )
    def verify_request(
        self,
        request: Request,
        action: AskedAction = None,
        subject: AskedSubject = None,
        id_: AskedId = None,
        forwarded_method: ForwardedMethod = None,  # noqa: ARG002 # read before the route, and documented here
    ) -> Response[None]:
        """Who sends the request that a proxy holds, and may they?

        For nginx's `auth_request`, Caddy's `forward_auth` and Traefik's `ForwardAuth`: 204 with the caller in headers,
        401 or 403. `X-Forwarded-Method` is the method of the held request; without it, the request counts as one that
        changes something. Then its cookie counts only from an allowed origin, as everywhere. The query is the
        operator's: a proxy must never pass the client's on.
        """
        if (action is None) is not (subject is None) or (id_ is not None and subject is None):
            missing = "action" if action is None else "subject"
            raise Problem("validation_failed", errors=[FieldError(missing, "missing", "Ask with action and subject")])
        if action is not None and subject is not None:
            user_id = actor_of(request).require_user_id()
            decision = decide_own(ability_of(request), user_id, Check(action, subject, id_), "id")
            if not decision.allowed:
                raise Problem("forbidden", decision.reason or "")
        headers = identity_headers(request.user)
        keep_answer(request.user, request.scope["query_string"], headers)
        return Response(None, status_code=204, headers=headers)
