"""What is generated from the models is current, complete and true."""

import json
from pathlib import Path

import orjson
import pytest
from pydantic import BaseModel

from gateway import docs_generator
from gateway.activities.protocol import COMMANDS
from gateway.config import Settings
from gateway.core.protocol.decode import CommandDecoder
from gateway.docs_generator import examples, messages
from gateway.docs_generator.asyncapi import asyncapi_document
from gateway.docs_generator.markdown import pretty_json
from gateway.docs_generator.protocol import protocol_page
from gateway.docs_generator.settings import env_example, settings_page
from gateway.docs_generator.typescript import typescript_types

ROOT = Path(__file__).parents[2]


def test_generated_files_are_current():
    """Run `make types` after changing a message, an error, a close code or a setting."""
    assert docs_generator.stale(ROOT) == []


def test_writing_makes_every_file_current(tmp_path: Path):
    """Missing files are written, and only those that are stale are named."""
    assert set(docs_generator.write(tmp_path)) == set(map(str, docs_generator.artefacts()))
    (tmp_path / "docs/settings.md").write_text("old")
    assert docs_generator.write(tmp_path) == ["docs/settings.md"]
    assert docs_generator.write(tmp_path) == []


@pytest.mark.parametrize("command", messages.commands(), ids=lambda command: command.type_name)
def test_every_command_of_the_page_is_decoded(command: messages.CommandMessage):
    """The example passes the gateway's decoder, and is the command it stands for."""
    decoded = CommandDecoder(COMMANDS).decode(orjson.dumps(command.example))
    assert type(decoded) is command.model
    assert decoded.model_dump(mode="json", exclude_unset=True) == command.example


@pytest.mark.parametrize(
    "message", [*messages.events(), *messages.notices()], ids=lambda message: message.type_name
)
def test_every_event_and_notice_of_the_page_is_whole(message: messages.Message):
    """The example has every field of the model, as the gateway writes it."""
    assert_whole(message.model, message.example["data"])


@pytest.mark.parametrize("command", messages.commands(), ids=lambda command: command.type_name)
def test_every_reply_of_the_page_is_whole(command: messages.CommandMessage):
    """Each reply has its example."""
    for reply in command.replies:
        assert_whole(reply, examples.REPLIES[reply.__name__])


@pytest.mark.parametrize("event", messages.events(), ids=lambda event: event.type_name)
def test_every_event_says_whether_it_is_durable(event: messages.Message):
    """The docstring begins with the word, from which the page takes it."""
    assert event.meaning.split(":")[0] in {"Durable", "Ephemeral"}


def assert_whole(model: type[BaseModel], example: object) -> None:
    """Check that the model writes exactly the example."""
    assert json.loads(model.model_validate(example).model_dump_json()) == example


def test_everything_is_in_every_document():
    """No message is missing in the page, the AsyncAPI document or the types."""
    documents = (protocol_page(), asyncapi_document(), typescript_types())
    for message in (*messages.commands(), *messages.events(), *messages.notices()):
        assert all(message.type_name in document for document in documents)


def test_the_asyncapi_document_refers_only_to_what_it_holds():
    """Every reference leads to something."""
    document = json.loads(asyncapi_document())

    def follow(reference: str) -> None:
        part = document
        for step in reference.removeprefix("#/").split("/"):
            part = part[step]

    def look_into(part: object) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                follow(part["$ref"])
            for value in part.values():
                look_into(value)
        elif isinstance(part, list):
            for value in part:
                look_into(value)

    look_into(document)


def test_links_within_the_page_lead_somewhere():
    """Every shape that is linked to has its heading."""
    page = protocol_page()
    headings = {line.removeprefix("### ").lower() for line in page.splitlines() if "### " in line}
    linked = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert linked <= headings


def test_settings_are_all_told_and_secrets_are_empty():
    """Both files name each variable; a secret has no value that somebody might keep."""
    page, env = settings_page(), env_example()
    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in page
        assert f"\n#{name.upper()}=" in env
    for name in ("DATABASE_URL", "REDIS_URL", "DB_PASSWORD", "REDIS_PASSWORD"):
        assert f"\n#{name}=\n" in env


def test_an_example_environment_is_a_valid_one(tmp_path: Path):
    """With every `#` taken off, the file gives the defaults."""
    file = tmp_path / ".env"
    lines = [line[1:] if "=" in line and line[1:2] != " " else line for line in env_lines()]
    file.write_text("\n".join(lines))
    assert Settings(_env_file=file) == Settings(_env_file=None)


def env_lines() -> list[str]:
    """Return the lines of the example."""
    return env_example().splitlines()


def test_json_is_laid_out_for_people():
    """What fits on a line stays on it; what does not is broken into its parts."""
    assert pretty_json({"a": [1, 2]}) == '{"a": [1, 2]}'
    long = {"first": "x" * 60, "second": ["y" * 60]}
    assert pretty_json(long) == (
        '{\n  "first": "' + "x" * 60 + '",\n  "second": ["' + "y" * 60 + '"]\n}'
    )
