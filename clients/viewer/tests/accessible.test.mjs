// For people who cannot see, cannot point, or need large text: every view, checked by axe and by
// measuring.
import test from "node:test";
import assert from "node:assert/strict";
import { open, phone, startServer, streamer, streamerToken, viewerToken } from "./lib.mjs";
import { judge } from "./lib/axe.mjs";
import { becomes, lines, row, sees } from "./lib/watching.mjs";

/** @param {import("node:test").TestContext} t */
async function project(t) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/data.bin", Uint8Array.from({ length: 300 }, (_, at) => at % 256));
  await ana.post("/src/main.rs", lines(120, { 3: "fn main() { let a = \"text\"; /* why */ call(1); }" }));
  await ana.say("welcome, see https://example.org/");
  return { server, ana };
}

for (const scheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing in any view of a viewer, ${scheme}`, async (t) => {
    const { server, ana } = await project(t);
    const page = await open(t, server, { token: viewerToken("bob"), scheme });
    await page.evaluate(() => (location.hash = "#/src/main.rs:5"));
    await sees(page, "line 5");
    await page.getByText("welcome").waitFor();
    await ana.post("/src/main.rs", lines(121));
    await row(page, "main.rs").waitFor();
    await judge(page, "code and chat");
    await page.keyboard.press("Control+p");
    await page.getByRole("combobox").fill("main");
    await page.getByRole("option").first().waitFor();
    await judge(page, "palette");
    await page.keyboard.press("Escape");
    await becomes(() => page.getByRole("dialog").count(), 0);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await judge(page, "keys");
    await page.keyboard.press("Escape");
    await becomes(() => page.getByRole("dialog").count(), 0);
    await page.getByRole("button", { name: "Download", exact: true }).first().click();
    await page.getByRole("dialog", { name: "Take it home" }).waitFor();
    await judge(page, "take it home");
    await page.keyboard.press("Escape");
    await becomes(() => page.getByRole("dialog").count(), 0);
    await page.keyboard.press("e");
    await page.getByText("Your edit", { exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("tab", { name: "Proposals" }).click();
    await judge(page, "editing and proposing");
    await page.evaluate(() => (location.hash = "#/data.bin"));
    await page.getByText("shown as bytes").waitFor();
    await judge(page, "bytes");
    await page.behaved();
  });

  test(`axe finds nothing on a phone and in the states, ${scheme}`, async (t) => {
    const { server } = await project(t);
    const page = await open(t, server, { viewport: phone, scheme });
    await page.locator("#code .cm-line").first().waitFor();
    await judge(page, "phone, code");
    for (const place of ["Files", "Chat", "Proposals"]) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: place }).tap();
      await judge(page, `phone, ${place}`);
    }
    await page.goto(`${server.origin}/ana/missing`);
    await page.getByText("ana has not started missing.").waitFor();
    await judge(page, "missing");
    await page.goto(`${server.origin}/`);
    await page.getByRole("button", { name: "Watch" }).waitFor();
    await judge(page, "start page");
  });
}

test("the streamer's page has nothing that axe finds", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { token: streamerToken() });
  await page.getByText("welcome").waitFor();
  await page.getByRole("tab", { name: "Proposals" }).click();
  await judge(page, "reviewing");
});

test("at 320 pixels, and at 200 %, nothing scrolls sideways but the code", async (t) => {
  const { server } = await project(t);
  for (const viewport of [{ width: 320, height: 568 }, { width: 640, height: 400 }]) {
    const context = { hasTouch: false, isMobile: false };
    const page = await open(t, server, { token: viewerToken("bob"), viewport, context });
    await page.locator("#code .cm-line").first().waitFor();
    for (const place of ["Code", "Files", "Chat", "Proposals"]) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("button", { name: place }).click();
      const wide = await page.evaluate(() => [...document.querySelectorAll("body, body *")]
        .filter((element) => element.checkVisibility() && !element.closest("[role=tablist], pre"))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => `${element.tagName}.${element.className} ${element.id}`));
      assert.deepEqual(wide, [], `${viewport.width}, ${place}`);
    }
  }
});

test("reduced motion and forced colours are respected", async (t) => {
  const { server, ana } = await project(t);
  const page = await open(t, server, { place: "#/src/main.rs", context: { forcedColors: "active" } });
  await sees(page, "line 5");
  await ana.post("/src/main.rs", lines(120, { 5: "changed" }));
  await sees(page, "changed");
  const fresh = await page.locator("#code .cm-fresh").first().evaluate((element) => {
    const { animationName, outlineStyle } = getComputedStyle(element);
    return { animationName, outlineStyle };
  });
  assert.deepEqual(fresh, { animationName: "none", outlineStyle: "solid" });
  const bar = page.locator("#code .cm-bar").first();
  const isSeen = () => bar.evaluate((element) => getComputedStyle(element).backgroundColor !== "rgba(0, 0, 0, 0)");
  await becomes(isSeen, true);
  await page.behaved();
});

test("every control that can be seen has a name and can be reached by Tab", async (t) => {
  const { server } = await project(t);
  const page = await open(t, server, { token: viewerToken("bob"), place: "" });
  await page.locator("#code .cm-line").first().waitFor();
  const reached = new Set();
  for (let press = 0; press < 40; press++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => {
      const active = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement;
      return active?.getAttribute("aria-label") || active?.textContent?.trim() || active?.tagName || "";
    }));
  }
  for (const name of ["Skip to the code", "Files", "Wrap lines", "Copy link", "Following", "Message", "Download"]) {
    assert.ok([...reached].some((each) => each.startsWith(name)), `${name} is not among ${[...reached].join(", ")}`);
  }
});
