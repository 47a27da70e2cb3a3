"""What was repaired without being asked, as the user and as staff see it."""

import json
import urllib.request
from typing import Any

from playwright.async_api import expect

from tests.e2e.people import Agent, User
from tests.support.product import Product


def _demo(product: Product, method: str, path: str, content: Any) -> Any:
    request = urllib.request.Request(f"{product.demo_url}{path}", json.dumps(content).encode(), method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


async def test_the_user_is_told_and_staff_can_stop_it(product: Product, new_page) -> None:
    stuck = {"exports": [{"id": "exp_5", "kind": "orders", "state": "stuck"}]}
    made = _demo(product, "POST", "/demo/users", {"like": "hana", "state": stuck})
    policy = product.home / "self_healing.yml"
    policy.write_text(
        "enabled: true\nconfirm_after_seconds: 0.5\nworkflows:\n  restart_export:\n    mode: apply\n"
        f"    for: {{refs: [{made['ref']}]}}\n    notice: We started your export again.\n"
    )
    try:
        _demo(product, "PATCH", f"/demo/users/{made['ref']}", {"state": {}, "announce": True})
        agent = await Agent(await new_page(), product).sign_in("/healing")
        row = agent.page.locator("[data-testid=healing-run][data-status=verified]").filter(
            has_text=made["ref"]
        )
        await expect(row).to_be_visible(timeout=30_000)

        user = await User(await new_page(), product).sign_in(made["email"].partition("@")[0])
        await expect(user.page.get_by_test_id("widget-badge")).to_have_text("1")
        await user.page.get_by_test_id("widget-launcher").click()
        notice = user.page.get_by_test_id("notice")
        await expect(notice).to_contain_text("We started your export again.")
        await expect(notice.get_by_test_id("proof-card")).to_be_visible()
        await user.page.reload()
        await expect(user.page.get_by_test_id("widget-launcher")).to_be_visible()
        await expect(user.page.get_by_test_id("widget-badge")).to_have_count(0)

        state, switch = (
            agent.page.get_by_test_id("healing-state"),
            agent.page.get_by_test_id("healing-switch"),
        )
        await switch.click()
        await expect(state).to_contain_text("Self-healing is off")
        await switch.click()
        await expect(state).to_contain_text("Self-healing is on")
    finally:
        policy.unlink()
        _demo(product, "DELETE", f"/demo/users/{made['ref']}", {})
