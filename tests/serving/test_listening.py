"""A port that workers share, and nobody else."""

import contextlib
import socket

import pytest

from gateway.core.errors import ConfigurationError
from gateway.serving.listening import hold_port, listen, listen_beside, url_of


def test_workers_listen_side_by_side_and_nobody_else():
    """Neither another program nor another gateway with workers, with workers there or without."""
    with hold_port("127.0.0.1", 0) as address, contextlib.ExitStack() as stack:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="Cannot listen"):
                listen(*address)
            with pytest.raises(ConfigurationError, match="Choose another port"):
                stack.enter_context(hold_port(*address))
            stack.enter_context(contextlib.closing(listen_beside(*address)))


def test_the_holder_takes_no_connection():
    """While no worker is there, clients are refused and do not wait."""
    with hold_port("127.0.0.1", 0) as address:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
        with contextlib.closing(listen_beside(*address)):
            socket.create_connection(address).close()


def test_the_port_is_free_again_although_connections_are_timing_out():
    """The side that closes first keeps the address for a minute (TIME_WAIT)."""
    with (
        hold_port("127.0.0.1", 0) as address,
        contextlib.closing(listen_beside(*address)) as worker,
        socket.create_connection(address) as client,
    ):
        worker.accept()[0].close()
        assert client.recv(1) == b""
    with hold_port(*address) as again, contextlib.closing(listen_beside(*again)):
        assert again == address
    listen(*address).close()


def test_connections_are_dealt_out_to_all():
    """By the kernel: evenly, but for chance."""
    with hold_port("127.0.0.1", 0) as address, contextlib.ExitStack() as stack:
        workers = [stack.enter_context(contextlib.closing(listen_beside(*address))) for _ in "12"]
        for _ in range(100):
            stack.enter_context(socket.create_connection(address))
        for worker in workers:
            worker.setblocking(False)
            for _ in range(20):
                stack.enter_context(worker.accept()[0])


def test_a_url_holds_addresses_of_both_families():
    """IPv6 stands in brackets."""
    assert url_of(("127.0.0.1", 80)) == "http://127.0.0.1:80"
    assert url_of(("::1", 80)) == "http://[::1]:80"
