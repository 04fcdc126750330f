"""report.html in a real browser: no console errors, both languages, copying, and hostile content that stays text."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from envdoctor.render.html import render_html
from tests.ticket import sample

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.skipif(BROWSER is None or DRIVER is None, reason="no chromium and chromedriver on this machine"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1100,1400",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


def opened(browser: Any, folder: Path, html: str) -> Any:
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    browser.get_log("browser")
    browser.get(path.as_uri())
    return browser


def shown(browser: Any, css: str) -> str:
    return str(browser.find_element("css selector", css).text)


def test_opens_without_console_errors(browser: Any, tmp_path: Path) -> None:
    for report in (sample.report(), sample.quiet(), sample.hostile()):
        page = opened(browser, tmp_path, render_html(report))
        assert page.get_log("browser") == []
        assert page.title == "envdoctor: Environment report"


def test_policy_stops_foreign_script_and_style(browser: Any, tmp_path: Path) -> None:
    html = render_html(sample.report()).replace(
        "</main>", "<script>document.title='owned'</script><p style='color:red'>x</p></main>"
    )
    page = opened(browser, tmp_path, html)
    assert page.title == "envdoctor: Environment report"
    log = " ".join(entry["message"] for entry in page.get_log("browser"))
    assert "Content Security Policy" in log


def test_both_languages_and_the_switch(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, render_html(sample.report("en"), other=sample.report("zh")))
    assert "This torch has no code" in shown(page, ".verdict")
    assert "计算能力" not in shown(page, "main")
    page.find_element("id", "lang-zh").click()
    assert "这个 torch 不包含计算能力 12.0 的代码" in shown(page, ".verdict")
    assert "This torch has no code" not in shown(page, "main")
    assert page.find_element("tag name", "html").get_attribute("lang") == "zh-Hans"
    page.find_element("id", "lang-en").click()
    assert "Findings" in shown(page, "#findings")


def test_copy_puts_the_command_on_the_clipboard(browser: Any, tmp_path: Path) -> None:
    from selenium.common.exceptions import WebDriverException

    page = opened(browser, tmp_path, render_html(sample.report()))
    browser.execute_script(
        "window.taken = []; document.addEventListener('copy', () => window.taken.push(String(getSelection())));"
    )
    button = page.find_element("css selector", "button[data-copy]")
    expected = page.find_element("css selector", ".command code").text
    with contextlib.suppress(
        WebDriverException
    ):  # older browsers name them differently; the page falls back to a selection
        browser.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )
    button.click()
    browser.implicitly_wait(3)
    assert page.find_element("css selector", "button[data-done='true']")
    read = browser.execute_async_script(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, () => done(window.taken[0] || null));"
    )
    assert read == expected
    assert "Copied" in shown(page, "#said")


def test_hostile_text_is_text(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path, render_html(sample.hostile()))
    assert page.title == "envdoctor: Environment report"
    assert (
        browser.execute_script("return document.querySelectorAll('img, iframe, script:not(body > script)').length") == 0
    )
    assert (
        browser.execute_script("return [...document.links].filter(a => !/^(https?:|file:)/.test(a.href)).length") == 0
    )
    assert "\u202e" not in page.page_source
    wide = browser.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1"
    )
    assert wide, "a long string makes the page wider than the window"


@pytest.mark.parametrize("width", [375, 768, 1400])
def test_fits_every_width(browser: Any, tmp_path: Path, width: int) -> None:
    page = opened(browser, tmp_path, render_html(sample.report("en"), other=sample.report("zh")))
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        for details in page.find_elements("css selector", "details"):
            browser.execute_script("arguments[0].open = true", details)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


CONTRAST = """
const lum = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(Number).map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
const back = (e) => { for (; e; e = e.parentElement) { const b = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(b)) return b; } return 'rgb(255,255,255)'; };
const low = [];
for (const e of document.querySelectorAll('main *, header *, footer *')) {
  if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.getClientRects().length) continue;
  const a = lum(getComputedStyle(e).color), b = lum(back(e)), r = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (r < 4.5) low.push(e.tagName + '.' + e.className + ' ' + r.toFixed(2) + ' ' + e.textContent.slice(0, 30));
}
return low;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_is_enough_in_light_and_dark(browser: Any, tmp_path: Path, scheme: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    try:
        opened(browser, tmp_path, render_html(sample.report()))
        dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        assert dark == (scheme == "dark")
        assert browser.execute_script(CONTRAST) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_keyboard_reaches_everything(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened(browser, tmp_path, render_html(sample.report()))
    seen = set()
    for _ in range(40):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        element = browser.switch_to.active_element
        seen.add((element.tag_name, element.get_attribute("id") or element.get_attribute("class") or ""))
    assert ("a", "skip") in seen
    assert ("input", "lang-en") in seen
    assert {tag for tag, _ in seen} >= {"a", "button", "summary", "input"}


def test_prints_with_everything_unfolded(browser: Any, tmp_path: Path) -> None:
    opened(browser, tmp_path, render_html(sample.report()))
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script("return document.querySelectorAll('details:not([open])').length") == 0
    printed = browser.execute_cdp_cmd("Page.printToPDF", {})
    assert len(printed["data"]) > 20_000
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script("return document.querySelectorAll('details[open]').length") == 0
