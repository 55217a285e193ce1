"""Pages in a browser: nothing clipped at any width, contrast, keyboard, and paper that is light."""

import html
import json
import re
import shutil
import subprocess

import pytest
from tests.report.report_contents import classification, regression
from tests.runs import events

from baksan.report.page import render

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1280, 1920)
PAPER = 680
"""A4 less its margins, in pixels."""
PROBE = """<script>
const seen = e => {
  const r = e.getBoundingClientRect();
  return r.width > 0 && r.height > 0 && !e.closest('.unseen, .skip');
};
const numbers = c => {
  const n = c.match(/[\\d.e-]+/g).map(Number);
  return c.startsWith('color(') ? n.map((v, k) => k < 3 ? 255 * v : v) : n;
};
const light = c => c.slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
const over = (top, below) => {
  const a = top[3] ?? 1;
  return [0, 1, 2].map(k => a * top[k] + (1 - a) * below[k]);
};
const ground = e => {
  const layers = [];
  for (; e; e = e.parentElement) layers.push(numbers(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), WHITE);
};
const contrast = (a, b) => {
  const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const short = e => e.tagName + '.' + (e.getAttribute('class') || '') + ' '
  + e.textContent.trim().slice(0, 40);
function probe() {
  const found = [], width = document.documentElement.clientWidth;
  const say = (what, e) => found.push(what + ': ' + short(e));
  if (document.documentElement.scrollWidth > width) say('wider than the screen', document.body);
  for (const e of document.body.querySelectorAll('*')) {
    if (!seen(e) || (e.closest('svg') && e.tagName !== 'text')) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const scrolls = e.classList.contains('scroll') && !PRINTED;
    if (e.tagName === 'text') {
      const picture = e.closest('svg').getBoundingClientRect();
      if (box.left < picture.left - 2 || box.right > picture.right + 2) say('out of picture', e);
      if (contrast(numbers(style.fill), ground(e.closest('div'))) < 4.5) say('faint', e);
      continue;
    }
    if (style.display !== 'inline' && e.scrollWidth > e.clientWidth + 1 && !scrolls)
      say('clipped', e);
    if (!e.closest('.scroll') && (box.left < -1 || box.right > width + 1)) say('off screen', e);
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (own && contrast(numbers(style.color), ground(e)) < 4.5) say('faint', e);
    if (e.scrollWidth > e.clientWidth + 1 && scrolls)
      if (e.tabIndex !== 0 || !e.getAttribute('aria-label')) say('no way in by keyboard', e);
  }
  const skip = document.querySelector('.skip');
  skip.focus();
  if (skip.getBoundingClientRect().left < 0) say('unseen where focused', skip);
  if (parseFloat(getComputedStyle(skip).outlineWidth) < 2) say('no outline', skip);
  return {found: [...new Set(found)], ink: getComputedStyle(document.body).color};
}
</script></body>"""


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("needs headless Chromium, which is not installed")
    return [found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", "--allow-file-access-from-files",
            "--enable-logging=stderr"]  # fmt: skip


def _comparison(folder):
    from baksan import train
    from baksan.compare import compare

    X = events(200, weight=None)
    for seed in (0, 1):
        train(X, ["linear-analytic", "cuts"], folds=2, seed=seed, threads=1, replicas=10,
              report=False, out=folder / f"a-run-with-a-long-name-{seed}")  # fmt: skip
    return compare(*sorted(folder.iterdir()), replicas=10).html()


LONG = ("a-method-with-a-name-that-is-far-too-long", "forest")
PAGES = {
    "two classes": lambda _: render(classification(n=400, replicas=4)),
    "five classes": lambda _: render(classification(
        n=400, replicas=4, class_names=("photon", "proton", "helium", "nitrogen", "iron"),
        features=[(f"a_feature_with_a_name_too_long_{k}", "photoelectrons", "") for k in range(4)],
        methods=dict.fromkeys(LONG, 2.0),
    )),
    "numbers": lambda _: render(regression(n=300, replicas=4)),
    "comparison": _comparison,
}  # fmt: skip


@pytest.fixture(scope="module", params=PAGES)
def page(request, tmp_path_factory):
    return PAGES[request.param](tmp_path_factory.mktemp("runs"))


def measured(chromium, folder, page, dark):
    """{width: what the probe found}; the paper's width is that of the page as it is printed."""
    # The page's own policy forbids scripts, so a copy without it is measured.
    bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    printed = bare.replace("@media print", "@media all").replace("@media screen", "@media tty")
    ground = "[21, 24, 29]" if dark else "[255, 255, 255]"
    for name, text in (("screen", bare), ("paper", printed)):
        known = (
            f"<script>const PRINTED = {str(text is printed).lower()}, WHITE = {ground};</script>"
        )
        if name == "paper":
            known = known.replace(ground, "[255, 255, 255]")
        (folder / f"{name}.html").write_text(text.replace("</body>", known + PROBE))
    frames = "".join(
        f'<iframe name="{w}" src="{"paper" if w == PAPER else "screen"}.html"'
        f' style="width:{w}px;height:900px;border:0"></iframe>'
        for w in (*WIDTHS, PAPER)
    )
    tell = (
        "<pre></pre><script>onload = () => { const told = {};"
        "for (const f of document.querySelectorAll('iframe')) told[f.name] ="
        " f.contentWindow.probe(); document.querySelector('pre').textContent ="
        " JSON.stringify(told); }</script>"
    )
    (folder / "all.html").write_text(f"<!DOCTYPE html><body>{frames}{tell}</body>")
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    run = subprocess.run(
        [*chromium, scheme, f"--user-data-dir={folder / 'profile'}", "--window-size=2000,1000",
         "--dump-dom", (folder / "all.html").as_uri()],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert run.returncode == 0 and "CONSOLE" not in run.stderr, run.stderr
    told = re.search(r"<pre>(.*?)</pre>", run.stdout, re.DOTALL)[1]
    return {int(w): found for w, found in json.loads(html.unescape(told)).items()}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_page_can_be_read_at_any_width_in_both_themes_and_on_paper(
    chromium, tmp_path, page, dark
):
    told = measured(chromium, tmp_path, page, dark)
    assert {width: found["found"] for width, found in told.items()} == {w: [] for w in told}
    assert set(told) == {*WIDTHS, PAPER}
    light, ink = "rgb(32, 37, 43)", {found["ink"] for w, found in told.items() if w != PAPER}
    assert told[PAPER]["ink"] == light
    assert (ink != {light}) == dark


def test_a_browser_shows_it_without_a_word_of_complaint(chromium, tmp_path, page):
    path = tmp_path / "report.html"
    path.write_text(page)
    run = subprocess.run(
        [*chromium, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0 and "CONSOLE" not in run.stderr


def test_faults_are_seen(chromium, tmp_path):
    bad = render({"title": "T", "summary": "S."}).replace(
        "</main>",
        '<p style="color:#999">faint</p><p style="width:3000px">far</p>'
        '<div class="scroll" style="width:9em"><p style="width:99em">wide</p></div></main>',
    )
    found = " ".join(measured(chromium, tmp_path, bad, False)[390]["found"])
    for fault in ("wider than the screen", "faint: P. faint", "off screen: P. far", "no way in"):
        assert fault in found
