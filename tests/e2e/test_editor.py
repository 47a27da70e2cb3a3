"""The editor in the browser: writing, two people on one article, versions, and what stands beside them."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from playwright.async_api import FilePayload, expect

from tests.e2e.people import User, desk
from tests.support.product import Product


async def test_written_previewed_published_and_found(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    await editor.begin(
        "airship-delivery",
        "Delivery by airship",
        "## When it comes\n\nOur airship lands on **Mondays** at noon.",
    )
    preview = editor.page.get_by_test_id("editor-preview")
    await expect(preview.get_by_role("heading", name="When it comes")).to_be_visible()
    await expect(preview.locator("strong")).to_have_text("Mondays")
    assert "airship-delivery" not in await editor.search("when does the airship land?")
    await editor.publish()
    assert (await editor.search("when does the airship land?"))[0] == "airship-delivery"
    reader = await new_page()
    await reader.goto(f"{product.url}/help?q=when does the airship land")
    await expect(reader.get_by_role("link", name="Delivery by airship")).to_be_visible()
    user = await (await User(await new_page(), product).sign_in("hana")).open_chat()
    await user.ask("when does the airship land?")
    card = user.page.get_by_test_id("article-card").filter(has_text="Delivery by airship")
    await expect(card).to_be_visible()
    await editor.page.get_by_test_id("editor-unpublish").click()
    await expect(editor.state).to_contain_text("Draft")
    assert "airship-delivery" not in await editor.search("when does the airship land?")


async def test_unsaved_text_outlives_a_reload_and_goes_when_thrown_away(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("kept-text", "Kept text", "As saved.")
    await editor.write("Written, and not saved.")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(editor.body).to_have_text("Written, and not saved.")
    await expect(page.get_by_text("have not saved")).to_be_visible()
    await page.get_by_test_id("editor-discard").click()
    await expect(editor.body).to_have_text("As saved.")


async def test_two_editors_lose_nothing(product: Product, new_page) -> None:
    one = await desk(product, new_page)
    await one.begin("two-editors", "Two editors", "The beginning.")
    other = await desk(product, new_page)
    await other.open("two-editors")
    await one.write("The beginning.\n\nOf the first.")
    await one.save(2)
    await other.write("The beginning.\n\nOf the second.")
    await other.page.get_by_test_id("editor-save").click()
    conflict = other.page.get_by_test_id("editor-conflict")
    await expect(conflict.locator("del")).to_contain_text(["second"])
    await expect(conflict.locator("ins")).to_contain_text(["first"])
    await other.page.get_by_test_id("conflict-theirs").click()
    await expect(other.body).to_contain_text("Of the first.")
    await other.page.get_by_test_id("editor-bring-back").click()
    await expect(other.body).to_contain_text("Of the second.")
    await other.save(3)
    await one.write("The beginning.\n\nOf the first again.")
    await one.page.get_by_test_id("editor-save").click()
    await one.page.get_by_test_id("conflict-both").click()
    await expect(one.body).to_contain_text("Of the first again.")
    await expect(one.body).to_contain_text("Of the second.")
    await one.save(4)


async def test_versions_side_by_side_and_back(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("many-versions", "Many versions", "It takes three days.")
    await editor.write("It takes five days.")
    await editor.save(2)
    await page.get_by_test_id("editor-versions").click()
    rows = page.get_by_test_id("version-row")
    await expect(rows).to_have_count(2)
    await rows.first.get_by_role("button", name="Version 2").click()
    difference = page.get_by_test_id("version-difference")
    await expect(difference.locator("del")).to_have_text("three")
    await expect(difference.locator("ins")).to_have_text("five")
    await page.get_by_test_id("version-restore").click()
    await expect(editor.body).to_have_text("It takes three days.")
    await expect(editor.state).to_contain_text("Version 3,")
    await expect(rows).to_have_count(3)


async def test_what_was_compared_is_shown_after_publishing_in_spite_of_it(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    await editor.begin("in-spite", "In spite of it", "Some text.")
    numbers = {"hit1": 0.5, "ndcg10": 0.5, "n": 2}
    moved = {"question": "Is it worse?", "article": "other", "rank_before": 1, "rank_after": 3}
    await editor.page.route(
        "**/articles/in-spite/gate",
        lambda route: route.fulfill(
            json={"before": numbers, "after": numbers, "worse": [moved], "better": []}
        ),
    )
    await editor.publish()
    await expect(editor.page.get_by_test_id("publish-result")).to_be_visible()


async def test_front_matter_is_saved(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("front-matter", "Front matter", "Some text.")
    await page.get_by_test_id("editor-more").locator("summary").click()
    await page.get_by_test_id("editor-summary").fill("In one sentence.")
    await page.get_by_test_id("editor-phrasings").fill("how else\nanother way")
    await page.get_by_test_id("editor-plans").fill("Daily Leaf, Weekend Roast")
    await page.get_by_test_id("editor-audience").select_option("users")
    await page.get_by_test_id("editor-review-by").fill("2031-05-01")
    await editor.save(2)
    await page.reload()
    await page.get_by_test_id("editor-more").locator("summary").click()
    await expect(page.get_by_test_id("editor-summary")).to_have_value("In one sentence.")
    await expect(page.get_by_test_id("editor-phrasings")).to_have_value("how else\nanother way")
    await expect(page.get_by_test_id("editor-plans")).to_have_value("Daily Leaf, Weekend Roast")
    await expect(page.get_by_test_id("editor-audience")).to_have_value("users")
    await expect(page.get_by_test_id("editor-review-by")).to_have_value("2031-05-01")


async def test_the_text_is_worked_by_keyboard(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("by-keyboard", "By keyboard", "One line.")
    await editor.body.focus()
    await page.keyboard.press("Control+A")
    await page.keyboard.press("Control+B")
    await expect(editor.body).to_have_text("**One line.**")
    await page.keyboard.press("Tab")
    await expect(editor.body).not_to_be_focused()
    await page.keyboard.press("Control+S")
    await expect(editor.state).to_contain_text("Version 2,")


async def test_pictures_and_links(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("with-picture", "With a picture", "See [this](/help/nowhere-at-all).")
    await page.get_by_test_id("tab-links").click()
    await expect(page.get_by_test_id("links-broken")).to_contain_text("/help/nowhere-at-all")
    await page.get_by_test_id("tab-preview").click()
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    file: FilePayload = {"name": "the plan page.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    await page.get_by_test_id("editor-image").set_input_files(file)
    shown = page.get_by_test_id("editor-preview").get_by_alt_text("the plan page")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40
    bad: FilePayload = {"name": "bad.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>"}
    await page.get_by_test_id("editor-image").set_input_files(bad)
    await expect(page.get_by_text("bad.png:")).to_be_visible()
    await expect(editor.body).not_to_contain_text("uploading")


async def test_scheduled_reviewed_and_archived(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await editor.begin("a-life", "A life", "Some text.")
    await page.get_by_test_id("editor-review").click()
    await expect(editor.state).to_contain_text("In review")
    await page.get_by_test_id("editor-schedule").click()
    await page.get_by_test_id("publish-at").fill(f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M}")
    await page.get_by_test_id("publish-confirm").click()
    await expect(page.get_by_text("to be published")).to_be_visible()
    await page.get_by_test_id("editor-unschedule").click()
    await expect(page.get_by_text("to be published")).to_be_hidden()
    await page.get_by_test_id("editor-archive").click()
    await expect(editor.state).to_contain_text("Archived")
    row = page.get_by_test_id("article-row").filter(has_text="A life")
    await expect(row).to_have_count(0)
    await page.get_by_test_id("editor-status").select_option("archived")
    await expect(row).to_have_count(1)


async def test_files_come_in_with_a_report_and_go_out(product: Product, new_page) -> None:
    editor = await desk(product, new_page)
    page = editor.page
    await page.get_by_test_id("section-import").click()
    good = b"<title>From a page</title><main><p>Parcels come by <b>barge</b>.</p></main>"
    files: list[FilePayload] = [
        {"name": "from-a-page.html", "mimeType": "text/html", "buffer": good},
        {"name": "broken.md", "mimeType": "text/markdown", "buffer": b"---\ntitle: [\n"},
    ]
    await page.get_by_test_id("import-file").set_input_files(files)
    rows = page.get_by_test_id("import-row")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_contain_text("created")
    await expect(rows.last).to_contain_text("failed")
    async with page.expect_download() as download:
        await page.get_by_test_id("export").click()
    assert (await download.value).suggested_filename == "articles.zip"
    await rows.first.get_by_role("link").click()
    await expect(editor.body).to_contain_text("Parcels come by **barge**.")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
async def test_every_part_is_accessible(product: Product, new_page, violations, width, scheme) -> None:
    editor = await desk(product, new_page, viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = editor.page
    await editor.begin(f"accessible-{width}", "Accessible", "## A heading\n\nAnd [a link](/help/nowhere).")
    await page.get_by_test_id("editor-more").locator("summary").click()
    await page.get_by_test_id("editor-versions").click()
    for tab in ("preview", "try", "known", "links", "figures"):
        await page.get_by_test_id(f"tab-{tab}").click()
        await page.wait_for_load_state("networkidle")
        assert await violations(page) == [], tab
    for section in ("review-due", "unanswered", "import", "articles"):
        await page.get_by_test_id(f"section-{section}").click()
        await page.wait_for_load_state("networkidle")
        assert await violations(page) == [], section
        overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(overflow), section
