"""Settings from the environment and ``.env``. The only module that knows a variable's name.

``docs/settings.md`` is generated from here (``make types``).
"""

import ssl
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gateway.activities.accounts.external import MIN_SECRET_BYTES, JwtSettings
from gateway.backplane.settings import RedisSettings
from gateway.core.errors import ConfigurationError
from gateway.runtime.admission import AdmissionSettings
from gateway.runtime.endpoint import ConnectionSettings
from gateway.storage.database import DatabaseSettings

SslMode = Literal["off", "verify", "no-verify"]

_JWT_KEYS: Final = ("JWT_SECRET", "JWT_PUBLIC_KEY", "JWT_JWKS_URL")
_JWT_URL_EXAMPLE: Final = "JWT_JWKS_URL=https://login.example.com/.well-known/jwks.json"


class Settings(BaseSettings):
    """Everything that can be set. Each field is a variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8000, description="Port to listen on.")
    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        1, description="Processes that share the port, each an instance: one for each core."
    )
    environment: Literal["development", "production"] = Field(
        "development",
        description="In production the log is JSON and the pool defaults to 20 connections.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged."
    )
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded PostgreSQL and Redis, where used."
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Other sites whose pages may use this gateway with their visitors' cookies: "
        "a comma-separated list such as https://app.example.com.",
    )

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL, e.g. postgresql://parley:secret@db:5432/parley. Wins."
    )
    db_host: str | None = Field(None, description="PostgreSQL's host, where no URL is given.")
    db_port: Annotated[int, Field(ge=1, le=65535)] = Field(5432, description="Its port.")
    db_name: str = Field("parley", description="Its database.")
    db_user: str = Field("parley", description="Its user.")
    db_password: SecretStr | None = Field(None, description="That user's password.")
    database_pool_min: Annotated[int, Field(ge=1, le=1000)] = Field(
        5, description="Connections kept open: a storm is no time to make them."
    )
    database_pool_max: Annotated[int, Field(ge=5, le=1000)] | None = Field(
        None,
        description="Most connections; 20 in production, 10 in development. Each worker has so "
        "many, or fewer where PostgreSQL would not take all of them.",
    )
    database_ssl: SslMode = Field(
        "off", description="TLS to PostgreSQL; `verify` checks the certificate."
    )

    redis_url: SecretStr | None = Field(
        None, description="Redis, e.g. rediss://:secret@redis:6380/0. Wins."
    )
    redis_host: str | None = Field(None, description="Redis's host, where no URL is given.")
    redis_port: Annotated[int, Field(ge=1, le=65535)] = Field(6379, description="Its port.")
    redis_password: SecretStr | None = Field(None, description="Its password.")

    max_message_bytes: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = Field(
        64 * 1024, description="Largest message taken from a client."
    )
    max_connections: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        15_000, description="Most WebSocket connections of this instance; of each worker."
    )
    max_connections_per_address: Annotated[int, Field(ge=1)] = Field(
        10_000, description="Of these, most from one address; an IPv6 network (/64) counts as one."
    )
    max_connections_per_user: Annotated[int, Field(ge=1)] = Field(
        100, description="Of these, most of one person."
    )
    max_entering: Annotated[int, Field(ge=1)] = Field(
        32,
        description="Sign-ins and joins under way at once; while there are so many, new "
        "connections wait, but for 200 a second. Fewer spare those who are in during a storm, "
        "more shorten it.",
    )
    retry_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        15, description="Who is turned away is told to come back within so many seconds, at random."
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1,::1",
        description="Proxies that are believed whom they speak for (`X-Forwarded-For`, "
        "`X-Forwarded-Proto`): comma-separated addresses and networks, or `*`.",
    )
    commands_per_second: Annotated[float, Field(gt=0)] = Field(
        50.0, description="Commands of one connection in the long run."
    )
    heartbeat_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        25.0, description="Silence after which a connection is pinged; twice that ends it."
    )
    away_after_seconds: Annotated[float, Field(gt=0)] = Field(
        300.0,
        description="A connection on which nothing is said or changed for so long is away.",
    )
    compression: bool = Field(
        False,
        description="Whether longer messages to rooms are compressed for clients that can "
        "(permessage-deflate): less traffic, more CPU.",
    )
    arrivals_per_minute: Annotated[int, Field(ge=1)] = Field(
        20, description="New accounts and guests of one address a minute."
    )
    bcrypt_rounds: Annotated[int, Field(ge=12, le=20)] = Field(
        12, description="Cost of a password's hash: each round doubles it."
    )

    jwt_secret: SecretStr | None = Field(
        None,
        description="Accept tokens (JWT) of another service beside the gateway's own: signed with "
        f"this shared secret (HS256) of {MIN_SECRET_BYTES} bytes or more.",
    )
    jwt_public_key: str | None = Field(
        None,
        description="Instead of the secret: that service's public RSA key in PEM (RS256), where "
        "line ends may be written as `\\n`.",
    )
    jwt_jwks_url: str | None = Field(
        None,
        description="Instead of either: where it tells its RSA keys (JWKS; RS256), e.g. "
        "https://login.example.com/.well-known/jwks.json.",
    )
    jwt_audience: str | None = Field(
        None,
        description="Whom those tokens must be for (`aud`). Without it, those that are for "
        "somebody in particular are refused.",
    )
    jwt_issuer: str | None = Field(None, description="Whose they must be (`iss`).")

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:  # noqa: ANN401 - whatever the environment holds
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _pool_is_ordered(self) -> Self:
        if self.database_pool_min > self.pool_max:
            raise ValueError(
                f"DATABASE_POOL_MIN ({self.database_pool_min}) is above "
                f"DATABASE_POOL_MAX ({self.pool_max})"
            )
        return self

    @model_validator(mode="after")
    def _jwt_fits_together(self) -> Self:
        if problem := self._jwt_problem():
            raise ValueError(problem)
        return self

    def _jwt_problem(self) -> str | None:
        """Tell what is wrong with the settings of external tokens, without any key in it."""
        given = [name for name in _JWT_KEYS if getattr(self, name.lower()) is not None]
        if len(given) > 1:
            return f"{', '.join(given)}: each says where keys are from; for example {given[0]} only"
        for name in ("JWT_AUDIENCE", "JWT_ISSUER"):
            if not given and getattr(self, name.lower()) is not None:
                return f"{name}: no key to check tokens with; for example {_JWT_URL_EXAMPLE}"
        secret = _secret(self.jwt_secret)
        if secret is not None and len(secret.encode()) < MIN_SECRET_BYTES:
            return (
                f"JWT_SECRET: shorter than {MIN_SECRET_BYTES} bytes; for example what "
                "`openssl rand -hex 32` writes"
            )
        if self.jwt_public_key is not None and "PUBLIC KEY-----" not in self.jwt_public_key:
            return (
                "JWT_PUBLIC_KEY: not a public key in PEM; for example what "
                "`openssl rsa -in key.pem -pubout` writes"
            )
        url = urlsplit(self.jwt_jwks_url or _JWT_URL_EXAMPLE.partition("=")[2])
        if url.scheme not in {"http", "https"} or not url.netloc:
            return f"JWT_JWKS_URL: not an address of the web; for example {_JWT_URL_EXAMPLE}"
        return None

    @property
    def pool_max(self) -> int:
        """Most connections to PostgreSQL."""
        default = 20 if self.environment == "production" else 10
        return self.database_pool_max or default

    def database(self) -> DatabaseSettings | None:
        """Return how to reach PostgreSQL, or ``None`` where nothing says where it is."""
        url = _secret(self.database_url) or self._database_url_of_parts()
        return self.database_at(url) if url is not None else None

    def database_at(self, url: str) -> DatabaseSettings:
        """Return how to reach the PostgreSQL of ``url``."""
        return DatabaseSettings(
            url=url,
            pool_min=self.database_pool_min,
            pool_max=self.pool_max,
            ssl=_tls(self.database_ssl),
        )

    def redis(self) -> RedisSettings | None:
        """Return how to reach Redis, or ``None`` where nothing says where it is."""
        url = _secret(self.redis_url) or self._redis_url_of_parts()
        return self.redis_at(url) if url is not None else None

    def redis_at(self, url: str) -> RedisSettings:
        """Return how to reach the Redis of ``url``; ``ConfigurationError`` if it cannot be read."""
        settings = RedisSettings(url=url)
        try:
            _ = settings.address
        except ValueError as error:
            raise ConfigurationError(
                f"REDIS_URL: {error}; for example REDIS_URL=redis://:password@localhost:6379/0"
            ) from None
        return settings

    def jwt(self) -> JwtSettings | None:
        """Return how tokens of another service are checked, or ``None`` where there is none."""
        settings = JwtSettings(
            secret=_secret(self.jwt_secret),
            public_key=self.jwt_public_key and self.jwt_public_key.replace("\\n", "\n"),
            jwks_url=self.jwt_jwks_url,
            audience=self.jwt_audience,
            issuer=self.jwt_issuer,
        )
        return settings if settings != JwtSettings() else None

    def connections(self) -> ConnectionSettings:
        """Return what one connection may do, and how many there may be."""
        return ConnectionSettings(
            max_message_bytes=self.max_message_bytes,
            max_frame_bytes=max(self.max_message_bytes, 1024 * 1024),
            commands_per_second=self.commands_per_second,
            commands_burst=4 * self.commands_per_second,
            heartbeat_seconds=self.heartbeat_seconds,
            away_after_seconds=self.away_after_seconds,
            compression=self.compression,
            admission=AdmissionSettings(
                max_connections=self.max_connections,
                max_connections_per_address=self.max_connections_per_address,
                max_connections_per_user=self.max_connections_per_user,
                max_entering=self.max_entering,
                retry_seconds=self.retry_seconds,
            ),
        )

    def _database_url_of_parts(self) -> str | None:
        if self.db_host is None:
            return None
        login = quote(self.db_user, safe="")
        if password := _secret(self.db_password):
            login += ":" + quote(password, safe="")
        return f"postgresql://{login}@{self.db_host}:{self.db_port}/{quote(self.db_name, safe='')}"

    def _redis_url_of_parts(self) -> str | None:
        if self.redis_host is None:
            return None
        password = _secret(self.redis_password)
        login = f":{quote(password, safe='')}@" if password else ""
        return f"redis://{login}{self.redis_host}:{self.redis_port}/0"


def load_settings(**overrides: object) -> Settings:
    """Read the settings, or raise ``ConfigurationError`` that names the variable and the problem.

    ``overrides`` come from the command line and win; ``None`` leaves a setting as it is.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        if name not in Settings.model_fields:
            lines.append(message)
            continue
        field = Settings.model_fields[name]
        example = field.default if field.default is not None else "see .env.example"
        secret = "secret" in str(field.annotation).lower()
        shown = "" if secret else f" (it is {problem['input']!r})"
        lines.append(f"{name.upper()}: {message}{shown}; for example {name.upper()}={example}")
    return "\n".join(lines)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value is not None else None


def _tls(mode: SslMode) -> ssl.SSLContext | bool | None:
    if mode == "off":
        return None
    context = ssl.create_default_context()
    if mode == "no-verify":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
