"""Looking people up over HTTP, and changing how one is seen oneself."""

from uuid import uuid4

import httpx
from fastapi import FastAPI

from tests.web.api_client import NewGuest, connect, error_of


async def test_anybody_signed_in_may_look_a_person_up(new_guest: NewGuest):
    """Name, picture, whether they are connected, and since when they are not."""
    ada, grace = await new_guest("Ada"), await new_guest("Grace")
    view = (await ada.client.get(f"/v1/people/{grace.id}")).json()
    assert set(view) == {"id", "name", "avatar_url", "is_online", "last_seen"}
    assert (view["name"], view["is_online"]) == (grace.name, False)
    listed = await ada.client.get("/v1/people", params={"ids": f"{grace.id},{uuid4()},{grace.id}"})
    assert listed.json() == {"people": [view]}


async def test_who_is_not_there_is_unknown_and_too_many_are_refused(new_guest: NewGuest):
    """And so is what is no id."""
    ada = await new_guest("Ada")
    assert error_of(await ada.client.get(f"/v1/people/{uuid4()}")) == (404, "unknown_person")
    assert (await ada.client.get("/v1/people")).json() == {"people": []}
    crowd = ",".join(str(uuid4()) for _ in range(101))
    for ids in (crowd, "ada"):
        answer = await ada.client.get("/v1/people", params={"ids": ids})
        assert error_of(answer) == (400, "invalid_field")


async def test_a_stranger_may_not_look_anybody_up(stranger: httpx.AsyncClient):
    """People are for people."""
    assert error_of(await stranger.get(f"/v1/people/{uuid4()}")) == (401, "unauthenticated")
    assert error_of(await stranger.get("/v1/people")) == (401, "unauthenticated")


async def test_a_profile_is_changed_at_once(app: FastAPI, new_guest: NewGuest):
    """In the next answer, though the session was remembered; what is left out stays."""
    ada = await new_guest("Ada")
    await ada.client.get("/v1/me")
    name, picture = f"Ada {uuid4().hex[:8]}", "https://example.com/ada.png"
    changed = await ada.client.patch("/v1/me", json={"username": name, "avatar_url": picture})
    assert changed.json()["user"] == {"id": ada.id, "name": name, "avatar_url": picture}
    assert (await ada.client.get("/v1/me")).json() == changed.json()
    same = await ada.client.patch("/v1/me", json={})
    assert same.json() == changed.json()
    plain = await ada.client.patch("/v1/me", json={"avatar_url": None})
    assert plain.json()["user"] == {"id": ada.id, "name": name, "avatar_url": None}
    async with connect(app, "10.9.9.9", ada.token) as other:
        assert (await other.get("/v1/me")).json() == plain.json()


async def test_a_name_or_picture_that_cannot_be_is_refused(new_guest: NewGuest):
    """Another's name, and an address that a browser would run."""
    ada, grace = await new_guest("Ada"), await new_guest("Grace")
    answer = await ada.client.patch("/v1/me", json={"username": grace.name})
    assert error_of(answer) == (409, "username_taken")
    for body in ({"avatar_url": "javascript:alert(1)"}, {"username": "\u0000"}, {"name": "Ada"}):
        answer = await ada.client.patch("/v1/me", json=body)
        assert error_of(answer) == (400, "invalid_field")
    assert (await ada.client.get("/v1/me")).json()["user"]["name"] == ada.name
