import pytest

from gateway.docs_generator.messages import Schema
from gateway.docs_generator.typescript import declaration, type_of


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "uuid"}, "string"),
        ({"type": "integer"}, "number"),
        ({"const": "chat.send", "type": "string"}, '"chat.send"'),
        ({"enum": ["a", "b"], "type": "string"}, '"a" | "b"'),
        ({"$ref": "#/components/schemas/Person"}, "Person"),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number | null"),
        ({"type": "array", "items": {"type": "string"}}, "ReadonlyArray<string>"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "Record<string, number>"),
        ({"type": "object"}, "Record<string, never>"),
    ],
)
def test_types(schema: Schema, expected: str):
    """Each kind of schema has its type."""
    assert type_of(schema) == expected


def test_an_interface_tells_what_may_be_missing():
    """Fields that are not required have a question mark, and the meaning stands above."""
    schema = {
        "type": "object",
        "description": "Somebody.",
        "properties": {"id": {"type": "string"}, "name": {"type": "string"}},
        "required": ["id"],
    }
    assert declaration("Person", schema) == (
        "/** Somebody. */\nexport interface Person {\n  id: string;\n  name?: string;\n}\n"
    )


def test_a_meaning_cannot_end_its_comment():
    """Text of a docstring stays inside the comment."""
    text = declaration("T", {"type": "string", "description": "one */ two\nthree"})
    assert text == "/**\n * one * / two\n * three\n */\nexport type T = string;\n"
