"""Fetching the records, from a server on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nsr_core.data import mitbih
from nsr_core.data.mitbih import BASE_URL, CHECKSUMS, RECORDS, download, verify
from nsr_core.errors import UserError
from nsr_core.files import process_mark

CONTENTS = {
    f"{record}.{end}": f"{record} {end} ".encode() * 500 for record in (900, 901) for end in ("dat", "hea", "atr")
}


class Server:
    """Serves ``files``; answers ``dies_after`` requests and breaks the connection on every later one.

    ``asked`` lists the names that were asked for. ``breaks`` names a file that ends halfway. ``leads_to`` is where
    every request is sent on to.
    """

    def __init__(self, files):
        self.files, self.asked, self.dies_after, self.breaks = dict(files), [], None, None
        self.leads_to = None
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rpartition("/")[2]
                served.asked.append(name)
                if served.dies_after is not None and len(served.asked) > served.dies_after:
                    self.close_connection = True  # without a word: the client sees the connection end
                    return
                if name not in served.files:
                    self.send_error(404)
                    return
                if served.leads_to:
                    self.send_response(302)
                    self.send_header("Location", served.leads_to)
                    self.end_headers()
                    return
                content = served.files[name]
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2] if name == served.breaks else content)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/mitdb/"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server(monkeypatch):
    """A server with six small files, which stand in for the 144; no proxy between it and the test."""
    monkeypatch.setattr(
        mitbih, "CHECKSUMS", {name: hashlib.sha256(data).hexdigest() for name, data in CONTENTS.items()}
    )
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = Server(CONTENTS)
    yield running
    running.close()


def fetch(server, folder, **options):
    return download(folder, server.url, attempts=1, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_fetches_all_files(server, tmp_path):
    result = []
    folder = fetch(server, tmp_path / "mitdb", progress=lambda done, total, what: result.append((done, total, what)))
    assert folder == tmp_path / "mitdb"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENTS
    assert result[0] == (0, 6, "downloading 900.dat")
    assert result[-1] == (6, 6, "all files downloaded")
    verify(folder)


def test_goes_to_the_cache_by_default(server, tmp_path):
    assert fetch(server, None) == tmp_path / "cache" / "mitdb-1.0.0"


def test_a_second_call_asks_for_nothing(server, tmp_path):
    fetch(server, tmp_path / "mitdb")
    server.asked.clear()
    fetch(server, tmp_path / "mitdb")
    assert server.asked == []


def test_resumes_after_the_server_died(server, tmp_path):
    folder = tmp_path / "mitdb"
    server.dies_after = 4
    with pytest.raises(UserError, match=r"901\.hea could not be downloaded from .*; 4 of 6 files are there and kept"):
        fetch(server, folder)
    assert names(folder) == ["900.atr", "900.dat", "900.hea", "901.dat"]
    server.dies_after = None
    server.asked.clear()
    fetch(server, folder)
    assert server.asked == ["901.hea", "901.atr"]
    verify(folder)


def test_tries_again_by_itself(server, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server.files.pop("900.hea")
    with pytest.raises(UserError):
        download(tmp_path / "mitdb", server.url, attempts=3)
    assert server.asked == ["900.dat", "900.hea", "900.hea", "900.hea"]


def test_a_file_that_ends_halfway_is_not_kept(server, tmp_path):
    server.breaks = "900.atr"
    with pytest.raises(UserError, match=r"900\.atr could not be downloaded.*2 of 6 files"):
        fetch(server, tmp_path / "mitdb")
    assert names(tmp_path / "mitdb") == ["900.dat", "900.hea"]


def test_a_file_with_another_checksum_is_named_and_not_kept(server, tmp_path):
    server.files["900.hea"] = b"something else"
    with pytest.raises(UserError, match=r"900\.hea from .* does not have the published SHA-256 and was deleted"):
        fetch(server, tmp_path / "mitdb")
    assert names(tmp_path / "mitdb") == ["900.dat"]


def test_an_altered_file_in_the_folder_is_fetched_again(server, tmp_path):
    fetch(server, tmp_path / "mitdb")
    (tmp_path / "mitdb" / "901.atr").write_bytes(b"damaged")
    server.asked.clear()
    verify(fetch(server, tmp_path / "mitdb"))
    assert server.asked == ["901.atr"]


def test_no_server(server, tmp_path):
    server.close()
    with pytest.raises(
        UserError, match=r"ConnectionError.*0 of 6 files are there and kept\. Check the connection to the internet"
    ):
        fetch(server, tmp_path / "mitdb")


def test_a_callback_that_stops_keeps_what_is_there(server, tmp_path):
    def stop(done, total, what):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server, tmp_path / "mitdb", progress=stop)
    assert names(tmp_path / "mitdb") == ["900.dat", "900.hea"]


def test_the_list_of_the_published_files():
    assert len(RECORDS) == 48
    assert len(CHECKSUMS) == 144
    assert set(CHECKSUMS) == {f"{record}.{end}" for record in RECORDS for end in ("dat", "hea", "atr")}
    assert all(len(digest) == 64 for digest in CHECKSUMS.values())
    assert BASE_URL == "https://physionet.org/files/mitdb/1.0.0/"


def test_an_answer_that_leads_to_a_file_of_this_machine_is_not_followed(server, tmp_path):
    (tmp_path / "own.txt").write_text("secret")
    server.leads_to = f"file://{tmp_path}/own.txt"
    with pytest.raises(UserError, match=r"900\.dat could not be downloaded .*InvalidSchema.*own\.txt"):
        fetch(server, tmp_path / "mitdb")
    assert not (tmp_path / "mitdb" / "900.dat").exists()


def test_a_proxy_that_is_none(server, tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("http_proxy", "rubbish://[")
    with pytest.raises(UserError, match=r"could not be downloaded .* Check the connection"):
        fetch(server, tmp_path / "mitdb")


def test_a_page_in_the_place_of_a_file_is_said_to_be_one(server, tmp_path):
    server.files["900.dat"] = b"<html>Please log in</html>"
    with pytest.raises(UserError, match="it is a web page, perhaps of a proxy or of a login"):
        fetch(server, tmp_path / "mitdb")


def test_no_more_is_read_than_a_file_can_have(server, tmp_path, monkeypatch):
    monkeypatch.setattr(mitbih, "LARGEST_FILE", 1_000)
    with pytest.raises(UserError, match="it has more than 1,000 bytes"):
        fetch(server, tmp_path / "mitdb")


def test_a_file_that_trickles_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(mitbih, "FILE_SECONDS", -1.0)
    with pytest.raises(UserError, match="it took longer than"):
        fetch(server, tmp_path / "mitdb")


def test_what_a_killed_download_left_is_removed(server, tmp_path):
    (tmp_path / "mitdb").mkdir()
    (tmp_path / "mitdb" / f".900.{process_mark().split('.')[0]}.99999999.0123abcd.partial.dat").write_bytes(b"half")
    fetch(server, tmp_path / "mitdb")
    assert names(tmp_path / "mitdb") == sorted(CONTENTS)
