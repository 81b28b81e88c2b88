"""The dashboard in a real Chromium."""

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


@pytest.fixture(scope="module")
def browser(platform, node_app, tmp_path_factory):
    options = webdriver.ChromeOptions()
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = "/usr/bin/chromium"
    driver = webdriver.Chrome(options=options,
                              service=webdriver.chrome.service.Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def find(browser, css, seconds=60):
    return WebDriverWait(browser, seconds).until(lambda b: b.find_element(By.CSS_SELECTOR, css))


def wait_text(browser, text, seconds=90):
    WebDriverWait(browser, seconds).until(
        lambda b: text in b.find_element(By.TAG_NAME, "body").text, f"the page shows {text!r}")


@pytest.fixture(scope="module")
def logged_in(browser, platform):
    browser.get(f"http://localhost:{platform.port}/")
    find(browser, "[data-testid=login-token]").send_keys("x" * 43)
    find(browser, "[data-testid=login-submit]").click()
    wait_text(browser, "token")
    field = find(browser, "[data-testid=login-token]")
    field.clear()
    field.send_keys(platform.env()["PAAS_TOKEN"])
    find(browser, "[data-testid=login-submit]").click()
    find(browser, "[data-testid=app-list]")
    return browser


def test_apps_are_listed_with_their_urls(logged_in, platform):
    wait_text(logged_in, "hello")
    links = [a.get_attribute("href") for a in logged_in.find_elements(By.TAG_NAME, "a")]
    assert f"http://hello.localhost:{platform.port}/" in links


def test_an_apps_page_shows_releases_config_processes_and_the_log(logged_in, platform):
    platform.paas("config:set", "--app", "hello", "GREETING=bonjour")
    logged_in.get(f"http://localhost:{platform.port}/#/apps/hello")
    wait_text(logged_in, "GREETING")
    wait_text(logged_in, "web.1")
    wait_text(logged_in, "Deploy ")
    assert "bonjour" not in logged_in.find_element(By.TAG_NAME, "body").text, "values are masked"
    platform.get("hello", "/seen-in-the-live-log")
    wait_text(logged_in, "/seen-in-the-live-log")


def test_a_config_var_is_set_in_the_page(logged_in, platform):
    logged_in.get(f"http://localhost:{platform.port}/#/apps/hello")
    find(logged_in, "[data-testid=config-key]").send_keys("FROM_PAGE")
    find(logged_in, "[data-testid=config-value]").send_keys("yes")
    find(logged_in, "[data-testid=config-save]").click()
    wait_text(logged_in, "FROM_PAGE")
    assert platform.api("GET", "/apps/hello/config-vars")[1]["FROM_PAGE"] == "yes"


def test_nothing_is_refused_by_the_pages_own_policy(logged_in):
    severe = [entry for entry in logged_in.get_log("browser")
              if entry["level"] == "SEVERE" and "Content Security Policy" in entry["message"]]
    assert severe == []
