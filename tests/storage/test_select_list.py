import pytest

from gateway.storage.codegen.select_list import Item, Mention, items, mentions


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from rooms", [Mention("rooms", "rooms", False)]),
        ("select 1 from rooms r where true", [Mention("rooms", "r", False)]),
        ("select 1 from poker.votes", [Mention("poker.votes", "votes", False)]),
        ("update rooms set name = ''", [Mention("rooms", "rooms", False)]),
        ("delete from rooms as r where true", [Mention("rooms", "r", False)]),
        ("insert into rooms values (1)", [Mention("rooms", "rooms", False)]),
        ("select 1 -- from users\n from rooms", [Mention("rooms", "rooms", False)]),
        ("select ' from users ' from rooms", [Mention("rooms", "rooms", False)]),
        (
            "select 1 from rooms r LEFT OUTER JOIN users u on true",
            [Mention("rooms", "r", False), Mention("users", "u", True)],
        ),
        (
            "select 1 from rooms r right join users u on true",
            [Mention("rooms", "r", True), Mention("users", "u", True)],
        ),
    ],
)
def test_tables_are_found_with_their_names_in_the_statement(
    sql: str, expected: list[Mention]
) -> None:
    """Comments and literals are no tables; the far side of an outer join is optional."""
    assert mentions(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select id, u.name from t", [Item("id", None, "id"), Item("name", "u", "name")]),
        ("select u.id as user_id from users u", [Item("user_id", "u", "id")]),
        ("select r.* from rooms r", [Item("*", "r", "*")]),
        ("select count(*), max(seq, 2) as top from t", [
            Item("", None, None), Item("top", None, None)
        ]),
        ("insert into t (a) values (1) returning id;", [Item("id", None, "id")]),
        ("select distinct a from t", [Item("a", None, "a")]),
        ("select (select b from u) as c from t", [Item("c", None, None), Item("b", None, "b")]),
        ("select 'a, b from c' as d, from_user from t", [
            Item("d", None, None), Item("from_user", None, "from_user")
        ]),
    ],
)  # fmt: skip
def test_result_columns_are_found_with_their_origin(sql: str, expected: list[Item]) -> None:
    """A column taken as it is has an origin; an expression has none."""
    assert items(sql) == expected
