"""The longest search that the page takes is an address that the server takes too."""

from urllib.parse import quote

from tests.reliability.server import Server


def test_four_hundred_emoji(server: Server):
    answer = server.client().request("GET", f"/api/v1/search?q={quote('🌱' * 400)}")
    assert (answer.status, answer.json()["results"]) == (200, [])
