"""`GET /api/config`: what a front end must know of the deployment before anybody signs in."""

from typing import get_args, get_type_hints

import pytest

from app.domain.users.fields import FORMATS
from app.settings.model import Settings
from tests.support.app import RunningApp
from tests.support.mailbox import ask

PATH = "/api/config"


async def test_the_config_says_what_the_deployment_offers(app: RunningApp) -> None:
    answer = await app.client().get(PATH)
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Ostiary",
        "signInMethods": ["code", "link", "password"],
        "signUp": "invite",
        "requiredProfileFields": [{"name": "name", "type": "string", "format": "name"}],
        "password": {"minLength": 15, "maxLength": 128},
        "codeDigits": 8,
        "lifetimes": {
            "codes": {"email_change": 600, "password_reset": 600, "sign_in": 600, "sign_up": 600},
            "links": {
                "email_change_undo": 604_800,
                "invitation": 604_800,
                "password_reset": 3600,
                "sign_in": 600,
                "sign_up": 600,
            },
            "resendAfter": 30,
            "stepUp": 900,
        },
        "locales": ["de", "en"],
        "sessionEvents": True,
    }


async def test_a_deployment_without_passwords_has_no_rules_of_passwords(open_app: RunningApp) -> None:
    config = (await open_app.client().get(PATH)).json()
    assert (config["signInMethods"], config["signUp"], config["password"]) == (["code", "link"], "open", None)
    assert "password_reset" not in config["lifetimes"]["codes"] | config["lifetimes"]["links"]


async def test_the_config_has_the_lifetimes_that_a_request_for_a_key_answers(app: RunningApp) -> None:
    lifetimes = (await app.client().get(PATH)).json()["lifetimes"]
    asked = (await ask(app.client(), "sign_in")).json()
    assert (asked["resendAfter"], asked["expiresIn"]) == (lifetimes["resendAfter"], lifetimes["codes"]["sign_in"])


async def test_the_config_is_the_same_for_everybody_and_can_be_cached(app: RunningApp) -> None:
    anonymous, signed_in = await app.client().get(PATH), await (await app.signed_in()).get(PATH)
    assert anonymous.content == signed_in.content
    assert anonymous.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in signed_in.headers
    again = await app.client().get(PATH, headers={"If-None-Match": anonymous.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == anonymous.headers["etag"]


@pytest.mark.parametrize("name", get_args(get_args(get_type_hints(Settings)["required_profile_fields"])[0]))
def test_every_profile_field_that_can_be_required_has_a_format(name: str) -> None:
    assert name in FORMATS
