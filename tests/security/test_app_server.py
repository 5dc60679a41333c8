"""Rows 1 and 25 of the security table, and what held, against ``smskit app`` itself over HTTP."""

from __future__ import annotations

import hmac
import html
import itertools
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from smskit.allowed import allow
from smskit.errors import SettingsError
from smskit.notebook.app import AppSettings, door
from smskit.notebook.app.server import configuration
from smskit.settings import Environment
from tests.app import TOKEN, App, served
from tests.e2e.lab import project_copy

# Takes the place of a library, where a working folder is ahead of them.
LILY = "a-token-of-lily-alone"
_ADDRESSES = itertools.count()
_TRAP = "raise SystemExit('the trap was imported')\n"
_PROBE = """
import json, os, sys, pandas
print("PROBE" + json.dumps([os.getcwd(), os.listdir(), sys.path, pandas.__file__, dict(os.environ)]) + "END")
"""
_ECHO = """
targets = get_ipython().kernel.comm_manager
targets.register_target("echo", lambda comm, _: comm.send({}, buffers=[b"12345678"]))
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One of two kernels that soon end, with a page that looks around and a picture beside it."""
    folder = project_copy(tmp_path_factory.mktemp("app"))
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    for name, code in (("probe", _PROBE), ("echo", _ECHO), ("broken", "secret = 'a secret'; 1 / 0")):
        page = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(code)], metadata={"kernelspec": kernel}
        )
        nbformat.write(page, folder / "notebooks" / f"{name}.ipynb")
    (folder / "notebooks" / "picture.png").write_bytes(b"a picture")
    with served(folder, kernels=2, idle_s=4, people={"lily": LILY}) as running:
        for place in (folder, folder / "notebooks"):
            (place / "pandas.py").write_text(_TRAP)
        yield running


@pytest.fixture
def visitor(app: App) -> Iterator[httpx.Client]:
    """Somebody who has logged in."""
    with httpx.Client(base_url=app.base, timeout=120) as client:
        client.get("/", params={"token": TOKEN})
        yield client


def rendered(visitor: httpx.Client, app: App, name: str = "probe") -> httpx.Response:
    """The page that looks around, or another, as soon as there may be another kernel."""
    deadline = time.monotonic() + 60
    while True:
        page = visitor.get(f"/voila/render/{name}.ipynb")
        if page.status_code != 503:
            return page
        assert time.monotonic() < deadline, app.log
        time.sleep(0.5)


# -- the login ----------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "fifteen-letters"])
def test_row_25_short_tokens_are_refused(token: str) -> None:
    """A token that can be guessed is refused before anything listens, and not repeated."""
    with pytest.raises(SettingsError, match="fewer than 16") as refused:
        AppSettings.of(Environment({"SMSKIT_APP_TOKEN": token}))

    assert token not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["lily", "lily:short", ":" + "t" * 16, "a:{0}, a:{0}x", "a:{0},b:{0}", "a:{0},A:{0}x"]
)
def test_names_of_visitors_need_tokens_of_their_own(text: str) -> None:
    """What is no list of names with a token each is refused before anything listens, and not repeated."""
    with pytest.raises(SettingsError, match="SMSKIT_APP_USERS has to read") as refused:
        AppSettings.of(Environment({"SMSKIT_APP_USERS": text.format("t" * 16)}))

    assert "t" * 16 not in str(refused.value)


@pytest.mark.parametrize("name", ["TOKEN", "USERS", "URL", "KERNELS", "CREDENTIALS", "QUERIES"])
def test_row_25_no_file_rules_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a ``.env`` says of the app is not taken, allowed or not, and the app says so before it listens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"SMSKIT_APP_{name}=from-a-file-of-16\n")
    allow(tmp_path / ".env")
    environment = Environment()
    with pytest.raises(
        SettingsError, match=rf"\.env sets SMSKIT_APP_{name}, which counts only in"
    ) as refused:
        AppSettings.of(environment)

    assert environment.get(f"SMSKIT_APP_{name}") == ""
    assert "from-a-file" not in str(refused.value)
    monkeypatch.setenv(f"SMSKIT_APP_{name}", "of-the-process")
    assert Environment().get(f"SMSKIT_APP_{name}") == "of-the-process"


def test_row_25_a_token_is_made_up() -> None:
    """Without one there is one all the same, each time another."""
    made = {AppSettings.of(Environment({})).token for _ in range(3)}

    assert len(made) == 3
    assert min(map(len, made)) >= 32


@pytest.mark.parametrize(
    ("ip", "url", "warned"),
    [
        ("127.0.0.1", "", False),
        ("localhost", "", False),
        ("0.0.0.0", "", True),
        ("", "", True),
        ("10.0.0.5", "http://sms.example.cn", True),
        ("0.0.0.0", "https://sms.example.cn", False),
    ],
)
def test_row_25_other_machines_need_tls(tmp_path: Path, ip: str, url: str, warned: bool) -> None:
    """Listening to others without TLS is said to be HTTP; a token that somebody set is not printed."""
    settings = AppSettings(TOKEN, url=url)
    made = configuration(settings, workspace=tmp_path, ip=ip, port=1, browser=False)

    assert ("HTTP" in made.SmskitApp.opening) is warned
    assert TOKEN not in made.SmskitApp.opening
    assert (made.Login.secure_cookie is True) is url.startswith("https")


def test_row_25_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the address, a header and the form alike: by ``hmac.compare_digest`` and by nothing else."""
    compared: list[bytes] = []
    in_constant_time = hmac.compare_digest

    def spy(a: bytes, b: bytes) -> bool:
        compared.append(a)
        return in_constant_time(a, b)

    class Handler:
        def get_argument(self, name: str, default: str = "") -> str:
            return "given"

    class Uncomparable(str):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared by ==")

        __hash__ = str.__hash__

    monkeypatch.setattr(door.hmac, "compare_digest", spy)
    login = door.Login(token=TOKEN)
    login.token = Uncomparable(TOKEN)

    assert login.get_token(Handler()) is None
    assert login.process_login_form(Handler()) is None
    assert compared == [b"given", b"given"]


@pytest.mark.kernel
def test_row_25_cookies_and_policy(app: App) -> None:
    """The login's cookie is for this server's pages alone; a page may connect to no other host."""
    answer = httpx.get(app.base, params={"token": TOKEN})
    cookies = answer.headers.get_list("set-cookie")
    policy = answer.headers["content-security-policy"]
    sources = re.search(r"connect-src ([^;]*)", policy)

    assert sources is not None
    assert sources[1].split() == ["'self'"]
    assert not re.search(r"\bwss?:", policy)
    assert [c for c in cookies if "username" in c and "HttpOnly" in c] != []
    assert [c for c in cookies if "SameSite=Lax" not in c] == []


@pytest.mark.kernel
@pytest.mark.parametrize("path", ["/", "/voila/tree", "/voila/render/probe.ipynb?who=lily", "/login?next=/"])
def test_an_address_loses_its_token(app: App, path: str) -> None:
    """The first visit's token becomes a cookie, and the address goes on without it, whatever else it says."""
    with httpx.Client(base_url=app.base) as client:
        answer = client.get(f"{path}{'&' if '?' in path else '?'}token={TOKEN}")

    assert answer.status_code == 302
    assert TOKEN not in answer.headers["location"]
    assert ("who=lily" in answer.headers["location"]) is ("who" in path)
    assert any("username" in name for name in client.cookies)


@pytest.mark.kernel
def test_a_wrong_token_is_told_and_not_repeated(app: App) -> None:
    """A stranger's address leads to the login without what it held; the form says that a token was wrong."""
    headers = {"X-Forwarded-For": "10.0.0.1"}
    with httpx.Client(base_url=app.base, headers=headers) as client:
        led = client.get("/voila/tree?token=mistyped-mistyped")
        page = client.get("/login")
        said = client.post("/login", data={"password": "mistyped-mistyped", "_xsrf": client.cookies["_xsrf"]})

    assert (led.status_code, said.status_code) == (302, 401)
    assert "mistyped" not in led.headers["location"] + said.text
    assert "令牌由管理员提供。" in page.text
    assert "This token is not right." in said.text
    assert "jupyter" not in (page.text + said.text).lower()


@pytest.mark.kernel
def test_wrong_tokens_are_limited(app: App) -> None:
    """After ten within a minute none is looked at from there, the right one neither; others come in."""

    def tried(client: httpx.Client, token: str) -> httpx.Response:
        return client.post("/login", data={"password": token, "_xsrf": client.cookies["_xsrf"]})

    with (
        httpx.Client(base_url=app.base, headers={"X-Forwarded-For": "10.0.0.2"}) as one,
        httpx.Client(base_url=app.base, headers={"X-Forwarded-For": "10.0.0.3"}) as other,
    ):
        for client in (one, other):
            client.get("/login")
        for n in range(5):
            assert one.get("/", params={"token": f"guess-{n}"}).status_code == 302
        wrong = [tried(one, f"guess-{n}").status_code for n in range(5)]
        late = tried(one, TOKEN)
        by_address = one.get("/", params={"token": TOKEN})

        assert wrong == [401] * 5
        assert late.status_code == 429
        assert "Wait a minute" in late.text
        assert "username" not in " ".join([*one.cookies, *by_address.headers.get_list("set-cookie")])
        assert tried(other, TOKEN).status_code == 302


def test_tries_are_forgotten_after_a_minute() -> None:
    """Wrong tokens count by address and for sixty seconds."""
    now = 0.0
    tries = door.Tries(2, clock=lambda: now)
    for address in ("a", "a", "b"):
        tries.note(address)

    assert [tries.too_many(address) for address in "abc"] == [True, False, False]
    now = 60.0
    assert not tries.too_many("a")


@pytest.mark.kernel
@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/voila/render/nothing.ipynb", 404)])
def test_errors_are_in_our_words(app: App, visitor: httpx.Client, path: str, status: int) -> None:
    """What is not there is said in both languages, with the way home, and asks no other host."""
    page = visitor.get(path)

    assert page.status_code == status
    assert "There is no such page" in page.text
    assert "没有这个页面" in page.text
    assert 'href="/"' in page.text
    assert "https://" not in page.text


@pytest.mark.kernel
def test_a_page_that_fails_says_so_in_our_words(app: App, visitor: httpx.Client) -> None:
    """A cell that fails is a sentence with what to do, and neither code nor a traceback."""
    text = rendered(visitor, app, "broken").text

    assert "This page could not be shown" in text
    assert "此页无法显示" in text
    for never in ("ZeroDivisionError", "a secret", "show_tracebacks", "error when executing"):
        assert never not in text


@pytest.mark.kernel
def test_the_way_out(app: App) -> None:
    """After logging out the pages ask for the token again."""
    with httpx.Client(base_url=app.base) as client:
        client.get("/", params={"token": TOKEN})
        assert client.get("/").status_code == 200
        client.get("/logout")

        assert client.get("/").status_code == 302


@pytest.mark.kernel
@pytest.mark.parametrize(("kept", "expected"), [("zh", "zh"), ("en", "en"), ("fr", "en"), ("", "en")])
def test_kernels_start_in_the_language_that_was_chosen(
    app: App, visitor: httpx.Client, kept: str, expected: str
) -> None:
    """A page's kernel begins in the language of the cookie, else in the operator's."""
    visitor.cookies.set("smskit-language", kept)
    found = re.search("PROBE(.*)END", html.unescape(rendered(visitor, app).text))

    assert found
    assert json.loads(found[1])[-1]["SMSKIT_LANG"] == expected


@pytest.mark.kernel
def test_row_25_tokens_are_in_no_log(app: App) -> None:
    """Neither an error's line nor a referrer's holds what was behind the ``?`` of an address."""
    for path in ("/nothing", "/voila/render/nothing.ipynb", "/login"):
        httpx.get(f"{app.base}{path}?token={TOKEN}&who=somebody", headers={"Referer": f"http://x/?q={TOKEN}"})
        httpx.get(f"{app.base}{path}?next=/{TOKEN}")
    httpx.post(f"{app.base}/login?next=http://elsewhere/?token={TOKEN}", data={"password": TOKEN})

    assert "/nothing" in app.log
    assert TOKEN not in app.log
    assert "somebody" not in app.log


@pytest.mark.kernel
def test_row_25_pictures_need_a_login(app: App, visitor: httpx.Client) -> None:
    """A picture beside the notebooks is for those who may see the pages."""
    stranger = httpx.get(f"{app.base}/voila/files/picture.png")

    assert stranger.status_code in (302, 403)
    assert b"a picture" not in stranger.content
    assert visitor.get("/voila/files/picture.png").content == b"a picture"


# -- kernels ------------------------------------------------------------------------------


@pytest.mark.kernel
def test_row_01_kernels_run_in_an_empty_folder(app: App, visitor: httpx.Client) -> None:
    """Modules come from where they were installed, not from a folder of people's files; no token is there."""
    page = rendered(visitor, app)
    found = re.search("PROBE(.*)END", html.unescape(page.text))
    assert found, page.text[-2000:]
    folder, files, path, pandas, environ = json.loads(found[1])

    assert files == []
    assert not {"", ".", folder, str(app.folder), str(app.folder / "notebooks")} & set(path)
    assert "site-packages" in pandas
    assert environ["PYTHONSAFEPATH"] == "1"
    assert [name for name, value in environ.items() if TOKEN in value] == []


@pytest.mark.kernel
@pytest.mark.parametrize("by_form", [False, True])
def test_a_visitor_with_a_token_of_their_own_has_a_name(app: App, by_form: bool) -> None:
    """The kernel knows who logged in, as who plans and approves; everybody's token has no name."""

    def name(token: str) -> str | None:
        with httpx.Client(base_url=app.base, timeout=120, follow_redirects=True) as client:
            if by_form:
                client.get("/login")
                client.post("/login", data={"password": token, "_xsrf": client.cookies.get("_xsrf", "")})
            else:
                client.get("/", params={"token": token})
            found = re.search("PROBE(.*)END", html.unescape(rendered(client, app).text))
        assert found
        environ = json.loads(found[1])[-1]
        assert [n for n, value in environ.items() if TOKEN in value or LILY in value] == []
        known: str | None = environ.get("SMSKIT_USER")
        return known

    assert (name(LILY), name(TOKEN)) == ("lily", None)


@pytest.mark.kernel
def test_row_25_kernels_are_limited_and_end(app: App, visitor: httpx.Client) -> None:
    """More pages than there is room for get a sentence; what nobody looks at ends and makes room."""
    answers = [visitor.get("/voila/render/probe.ipynb") for _ in range(3)]
    refused = answers[-1]
    again = rendered(visitor, app)

    assert refused.status_code == 503
    assert "Too many pages are open" in refused.text
    assert again.status_code == 200


# -- what held ----------------------------------------------------------------------------


@pytest.mark.kernel
async def test_held_kernels_run_no_code_of_visitors(app: App, visitor: httpx.Client, tmp_path: Path) -> None:
    """Over the page's own socket nothing is executed, whatever is asked; what may pass is answered."""
    page = rendered(visitor, app)
    kernel = re.search(r'"kernelId": ?"([0-9a-f-]{36})"', page.text)
    assert kernel, page.text[:2000]
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    url = app.base.replace("http", "ws") + f"/api/kernels/{kernel[1]}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie}))
    trap = tmp_path / "executed"
    code = f"open({str(trap)!r}, 'w')"

    def message(kind: str, channel: str, **content: Any) -> str:
        header = {"msg_id": kind, "msg_type": kind, "session": "s", "username": "", "version": "5.3"}
        whole = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": channel,
        }
        return json.dumps(whole | {"buffers": []})

    asked = {"code": code, "silent": False, "user_expressions": {"x": code}, "cursor_pos": 1}
    for kind in ("execute_request", "inspect_request", "complete_request", "history_request"):
        for channel in ("shell", "control"):
            await socket.write_message(message(kind, channel, **asked))
    await socket.write_message(message("debug_request", "control", command="evaluate", arguments=asked))
    await socket.write_message(message("kernel_info_request", "shell"))
    answered: set[str] = set()
    while "kernel_info_reply" not in answered:
        answer = await socket.read_message()
        assert answer is not None, "the socket was closed"
        answered.add(json.loads(answer)["header"]["msg_type"])
    socket.close()
    while await socket.read_message() is not None:
        pass  # until it is closed

    assert not trap.exists()
    assert {kind for kind in answered if kind.endswith("_reply")} == {"kernel_info_reply"}


@pytest.mark.kernel
async def test_held_a_socket_of_the_older_framing(app: App, visitor: httpx.Client) -> None:
    """A visitor may ask for it; messages with buffers come over it."""
    page = rendered(visitor, app, "echo")
    kernel = re.search(r'"kernelId": ?"([0-9a-f-]{36})"', page.text)
    assert kernel, page.text[:2000]
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    url = app.base.replace("http", "ws") + f"/api/kernels/{kernel[1]}/channels"
    socket = await websocket_connect(HTTPRequest(url, headers={"Cookie": cookie}))
    header = {"msg_id": "o", "msg_type": "comm_open", "session": "s", "username": "", "version": "5.3"}
    opened = {"header": header, "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": []}
    await socket.write_message(json.dumps(opened | {"content": {"comm_id": "c", "target_name": "echo"}}))
    answer: str | bytes | None = ""
    while not isinstance(answer, bytes):
        answer = await socket.read_message()
        assert answer is not None, "the socket was closed"
    socket.close()
    while await socket.read_message() is not None:
        pass  # until it is closed

    assert answer.endswith(b"12345678")


@pytest.mark.kernel
@pytest.mark.parametrize(
    "path",
    [
        "/api/kernels",
        "/api/contents",
        "/api/terminals",
        "/api/sessions",
        "/voila/files/..%2fenvironment.yml",
        "/voila/files/probe.ipynb",
        "/voila/files//etc/passwd",
    ],
)
def test_held_nothing_else_is_served(app: App, visitor: httpx.Client, path: str) -> None:
    """Kernels, contents, terminals cannot be listed, and files cannot be fetched, with a login neither."""
    assert visitor.get(path).status_code in (302, 400, 403, 404)


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/voila/tree"),
        ("GET", "/campaigns"),
        ("GET", "/voila/render/probe.ipynb"),
        ("GET", "/voila/api/contents/"),
        ("GET", "/api/kernels/{kernel}/channels"),
        ("DELETE", "/api/kernels/{kernel}"),
        ("POST", "/voila/api/shutdown/{kernel}"),
    ],
)
def test_held_strangers_get_nothing(app: App, method: str, path: str) -> None:
    """Without the right token a request leads to the login or is refused, and starts no kernel."""
    kernel = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    before = app.children
    for token in ({}, {"token": TOKEN[:-1]}, {"token": ""}):
        headers = {"X-Forwarded-For": str(next(_ADDRESSES))}  # so that the login's limit stays out of it
        answer = httpx.request(method, app.base + path.format(kernel=kernel), params=token, headers=headers)

        assert answer.status_code in (302, 403, 404, 405)
        assert "/login" in answer.headers.get("location", "/login")
    assert app.children <= before


@pytest.mark.kernel
def test_held_other_origins_end_nothing(app: App, visitor: httpx.Client) -> None:
    """Another site's page can neither end a kernel nor open its socket."""
    kernel = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    evil = {"Origin": "http://evil.example"}

    for method, path in (("DELETE", f"/api/kernels/{kernel}"), ("POST", f"/voila/api/shutdown/{kernel}")):
        assert visitor.request(method, path, headers=evil).status_code in (403, 404)
    assert visitor.get(f"/api/kernels/{kernel}/channels", headers=evil).status_code in (400, 403, 404)


@pytest.mark.kernel
def test_a_page_can_end_its_kernel_however_it_was_opened(app: App) -> None:
    """Also where its address held the token, and neither login nor first page was seen."""
    with httpx.Client(base_url=app.base, timeout=120) as client:
        client.get("/voila/render/probe.ipynb", params={"token": TOKEN})
        page = rendered(client, app)
        kernel = re.search(r'"kernelId": ?"([0-9a-f-]{36})"', page.text)
        assert kernel is not None
        data = {"_xsrf": client.cookies["_xsrf"]}
        answer = client.post(f"/voila/api/shutdown/{kernel[1]}", data=data)

    assert answer.status_code == 204
