"""Settings of tokens of another service: what does not fit together stops the start."""

import pytest

from gateway.config import load_settings
from gateway.core.errors import ConfigurationError

PEM = "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n"
SECRET = "x" * 32
URL = "https://login.example.com/.well-known/jwks.json"


def test_without_any_of_them_no_other_service_is_believed():
    """That is the default."""
    assert load_settings().jwt() is None


def test_line_ends_of_a_key_may_be_written_out():
    """As in a file of settings, where a value has one line."""
    settings = load_settings(jwt_public_key=PEM.replace("\n", "\\n"), jwt_issuer="me").jwt()
    assert settings is not None
    assert (settings.public_key, settings.issuer) == (PEM, "me")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"jwt_secret": SECRET, "jwt_jwks_url": URL}, "JWT_SECRET, JWT_JWKS_URL"),
        ({"jwt_secret": SECRET, "jwt_public_key": PEM}, "JWT_SECRET, JWT_PUBLIC_KEY"),
        ({"jwt_secret": "too short"}, "JWT_SECRET"),
        ({"jwt_public_key": "-----BEGIN PRIVATE KEY-----\nhidden"}, "JWT_PUBLIC_KEY"),
        ({"jwt_jwks_url": "login.example.com"}, "JWT_JWKS_URL"),
        ({"jwt_jwks_url": "file:///etc/passwd"}, "JWT_JWKS_URL"),
        ({"jwt_audience": "parley"}, "JWT_AUDIENCE"),
        ({"jwt_issuer": "me"}, "JWT_ISSUER"),
    ],
)
def test_a_wrong_setting_is_named_with_an_example_and_without_its_secret(
    given: dict[str, str], name: str
):
    """The start ends with this line."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**given)
    message = str(caught.value)
    assert message.startswith(f"{name}: ")
    assert "for example" in message
    assert not any(value in message for value in (SECRET, "too short", "hidden"))
