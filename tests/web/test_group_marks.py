"""What tells one group from another: its letter and its colour."""

import pytest
from playwright.async_api import expect

from tests.fixtures.client import Client
from tests.web.conftest import Visit

_CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (...two) => {
    const [dark, bright] = two.map(light).sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const ground = (selector) => getComputedStyle(document.querySelector(selector)).backgroundColor;
  const grounds = [ground(".sidebar"), ground("dialog")];
  const colorOf = (each) => getComputedStyle(each).backgroundColor;
  const swatches = [...document.querySelectorAll(".colors span")].map(colorOf);
  return swatches.map((swatch) => Math.min(...grounds.map((paper) => contrast(swatch, paper))));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_group_is_known_by_its_letter_and_its_colour_is_seen(
    visit: Visit, archive: Client, scheme: str
) -> None:
    for name in ("旅行", "work", "🎈 聚会"):
        await archive.post("/chat/groups", {"name": name, "color": "#B0762A"})
    async with visit(color_scheme=scheme) as visitor:
        page = visitor.page
        await page.goto(archive.origin)
        await expect(page.locator(".group-row .seal")).to_have_text(["旅", "W", "🎈"])
        await expect(page.get_by_role("button", name="旅行", exact=True)).to_be_visible()
        await visitor.shoot(f"groups-{scheme}")
        await page.get_by_role("button", name="新建分组").click()
        await expect(page.locator(".colors span")).to_have_count(10)
        contrasts = await page.evaluate(_CONTRASTS)
        # WCAG 1.4.11: what is no text needs 3 : 1.
        assert min(contrasts) >= 3, contrasts
