import subprocess
import sys


def test_the_command_line_begins_without_what_its_commands_need():
    """`gateway --help` waits for no framework, no driver and no part of the gateway."""
    program = "import sys, gateway.cli; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True).split()
    heavy = {"asyncpg", "fastapi", "httpx", "pydantic", "redis", "rich.console", "uvicorn"}
    assert not heavy.intersection(loaded)
    assert not {"gateway.app", "gateway.client", "gateway.config"}.intersection(loaded)
