import socket
import sys

import pytest

from supportplane_cli.embedded.ports import free_port, is_bindable


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a server listen beside who keeps its port")
def test_a_port_is_kept_for_the_server_that_names_it() -> None:
    port = free_port()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(("127.0.0.1", port))
    assert is_bindable("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)):
        assert not is_bindable("127.0.0.1", port)
        socket.create_connection(("127.0.0.1", port)).close()
