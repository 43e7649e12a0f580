"""The demo's messages and pages, as a browser and the renderer of cards show them: `make pictures`.

They become `docs/pictures/*.png`, each in light, in dark and on a phone. Needs Chromium and pngquant, from Debian's
packages where they are absent; cards also need node, npm, and the folder of the renderer in PMO_WATCH_CARD_RENDERER.
What cannot be had is said, and its pictures stay as they are.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from pathlib import Path

import pytest
from debian import debian_folder, debian_program

from pmo_watch.demo.replay import run_demo
from pmo_watch.in_force import load
from pmo_watch.paged import in_use
from pmo_watch.store import TransitionQuery, open_store
from pmo_watch.templates import built_in_text
from pmo_watch.web_forms import Tokens
from pmo_watch.web_page_alerts import alerts, portfolio
from pmo_watch.web_reader import Behind, Reader
from pmo_watch.web_view import html
from pmo_watch.words import words

HERE = Path(__file__).parents[1]
PICTURES = HERE / "docs" / "pictures"
RENDERER = Path(os.environ.get("PMO_WATCH_CARD_RENDERER") or HERE.parent / "shared" / "tools" / "render_card")
# Name of a picture -> reader, how the subject begins, and which of the mails that fit.
MAILS = {
    "alert-en": ("tom.haddad", "", 0),
    "alert-fr": ("elise.lambert", "GEM-01", 0),
    "alert-nl": ("an.wouters", "[ROOD]", 0),
    "recovered": ("an.wouters", "[HERSTELD]", 0),
    "source": ("ict", "[RED]", 0),
    "digest": ("pmo", "Weekly overview", -1),
    "committee": ("marc.dubois", "", -1),
}
CARDS = {"card-several": "[RED] 7 alerts", "card": "[RED] GEM-02"}
WIDTHS = {"light": (700, False), "dark": (700, True), "narrow": (360, False)}
TALLEST = 1500  # pixels: a digest of many alerts goes on
COLOURS = {"card": 8}  # for pictures of twice the size; else:
MOST_COLOURS = 48
# A window of a browser is never as narrow as a phone; a frame in it is.
MEASURE = """<iframe width="{width}" height="800" srcdoc="{page}"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{ document.title = frame.contentDocument.querySelector(".page, body:has(main)").offsetHeight }};
</script>"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_demo(folder / "demo", serve=False)
        for draw in (draw_mails, draw_pages, draw_cards):
            try:
                for picture in draw(folder):
                    shrink(picture)
            except pytest.skip.Exception as why:
                print(f"left out: {why}", file=sys.stderr)


def draw_mails(folder: Path) -> Iterator[Path]:
    browser = debian_program("chromium", "chromium")
    for name, (reader, subject, which) in MAILS.items():
        page = page_of(find_mails(folder / "demo" / "mails", reader, subject)[which])
        for kind, (width, dark) in WIDTHS.items():
            yield photograph(browser, page, folder / f"{name}-{kind}.png", width, dark=dark)


def draw_pages(folder: Path) -> Iterator[Path]:
    browser = debian_program("chromium", "chromium")
    in_force = load(folder / "demo" / "pmo-watch.yaml")
    store = open_store(in_force.settings.database.url.get_secret_value())
    moment = max(one.at for one in store.transitions(TransitionQuery(limit=1)))
    calendar = in_force.calendars[in_force.organisation.calendar]
    behind = Behind(
        store, lambda: moment, in_force.zone, calendar, lambda: None, in_use(in_force), lambda _: (), lambda: ()
    )
    reader = Reader(words("en"), "", False, Tokens(), "", {})
    style = f"<style>{built_in_text('page.css')}</style>"
    for name, build in {"page-portfolio": portfolio, "page-alerts": alerts}.items():
        page = html(build(behind, reader), reader.words, "", behind.moment(moment, reader.words))
        page = re.sub('<link rel="stylesheet"[^>]*>', lambda _: style, page)
        for kind, (width, dark) in WIDTHS.items():
            yield photograph(browser, page, folder / f"{name}-{kind}.png", width, dark=dark)
    store.close()


def find_mails(folder: Path, reader: str, subject: str) -> list[EmailMessage]:
    """Return the mails to that reader whose subject begins so, in the order in which they were sent."""
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    found = [one for one in mails if isinstance(one, EmailMessage) and one["To"].addresses[0].username == reader]
    return [one for one in found if one["Subject"].startswith(subject)]


def page_of(mail: EmailMessage) -> str:
    """Return the HTML of a mail with the pictures that it carries put into it."""
    html = mail.get_body(("html",))
    assert html is not None
    page = str(html.get_content())
    for part in mail.walk():
        if part.get_content_maintype() == "image":
            picture = base64.b64encode(part.get_content()).decode()
            page = page.replace(f"cid:{part['Content-ID'].strip('<>')}", f"data:image/png;base64,{picture}")
    return page


def photograph(browser: str, page: str, picture: Path, width: int, *, dark: bool) -> Path:
    """Take a picture of a page as it is on a screen so wide, as high as the page is."""
    file = picture.with_suffix(".html")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]
    options.append(f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    file.write_text(MEASURE.format(width=width, page=escape(page)), encoding="utf-8")
    measured = run(browser, *options, "--window-size=1000,900", "--dump-dom", file.as_uri())
    found = re.search(r"<title>(\d+)</title>", measured)
    assert found, "the page was not measured"
    file.write_text(page, encoding="utf-8")
    size = f"--window-size={width},{min(int(found[1]), TALLEST)}"
    run(browser, *options, size, f"--screenshot={picture}", file.as_uri())
    return picture


def draw_cards(folder: Path) -> Iterator[Path]:
    renderer = card_renderer(folder)
    for name, summary in CARDS.items():
        card = next(one for one in sorted((folder / "demo" / "cards").glob("*.json")) if summary in one.read_text())
        for kind, (width, dark) in WIDTHS.items():
            picture = folder / f"{name}-{kind}.png"
            theme = ["--theme", "dark" if dark else "light", "--width", str(min(width, 600))]
            run("node", str(renderer), str(card), str(picture), *theme)
            yield picture


def card_renderer(folder: Path) -> Path:
    """Return the renderer of cards with what it needs installed beside it, in a copy."""
    if not (RENDERER / "render_card.mjs").is_file():
        pytest.skip(f"cards: no renderer in {RENDERER}; name its folder in PMO_WATCH_CARD_RENDERER")
    if shutil.which("npm") is None:
        pytest.skip("cards: npm is not here")
    copy = folder / "render_card"
    copy.mkdir()
    for name in ("package.json", "render_card.mjs"):
        (copy / name).write_bytes((RENDERER / name).read_bytes())
    run("npm", "install", "--silent", folder=copy)
    return copy / "render_card.mjs"


def shrink(picture: Path) -> None:
    """Put a picture among those of the documentation, with few colours: it is text on plain ground."""
    unpacked = debian_folder("pngquant")
    libraries: Mapping[str, str] = {"LD_LIBRARY_PATH": ":".join(str(one) for one in unpacked.glob("usr/lib/*-linux-*"))}
    target = PICTURES / picture.name
    command = [
        str(unpacked / "usr/bin/pngquant"),
        str(COLOURS.get(picture.name.partition("-")[0], MOST_COLOURS)),
        "--nofs",
        "--strip",
        "--force",
        "--speed",
        "1",
    ]
    run(*command, "--output", str(target), str(picture), environment=libraries)
    print(f"{target.relative_to(HERE)}: {target.stat().st_size:,} bytes")


def run(*command: str, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


if __name__ == "__main__":
    main()
