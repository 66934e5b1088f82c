// What the reader of the tutorial does in a browser, for `scripts/docs-commands`: `guest` joins
// through the link $LINK, sees a change and proposes one; `streamer` accepts it through the link
// that `twicecast link --own` prints. Both end when the page says that the proposal was accepted.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { openProposals, panel, propose, typeAtStart } from "./lib/panel.mjs";
import { row, sees } from "./lib/watching.mjs";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});

/** As long as scripts/docs-commands waits, because speed does not matter here. */
const PATIENCE = 60_000;

/** @type {import("playwright-core").Page[]} */
const opened = [];

/** @param {string} link */
async function visit(link) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  opened.push(page);
  page.on("pageerror", (error) => console.error("The page fails:", error));
  await page.goto(link);
  return /** @type {import("./lib/browser.mjs").Window} */ (page);
}

const readers = {
  async guest() {
    const page = await visit(process.env.LINK ?? "");
    await row(page, "hello.py").click();
    await sees(page, 'print("hello")');
    await writeFile("guest-sees-hello", "");
    await sees(page, "hello, viewers");
    await page.getByRole("button", { name: "Join as guest" }).first().click();
    await page.getByRole("textbox", { name: "Your name" }).fill("Bob");
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await openProposals(page);
    await panel(page).getByRole("button", { name: "Edit hello.py" }).click();
    await typeAtStart(page, "# Greets everybody who watches.\n");
    await propose(page, "Say what it does");
    await page.getByText("“Say what it does” was accepted.").waitFor();
  },
  async streamer() {
    const link = execFileSync("twicecast", ["link", "--own"], { encoding: "utf8" });
    const page = await visit(link.match(/https?:\S+/)?.[0] ?? "");
    await openProposals(page);
    await panel(page).getByRole("button", { name: /Say what it does/ }).click();
    await panel(page).getByRole("button", { name: "Accept" }).click();
    await page.getByText("“Say what it does” is in your folder.").waitFor();
  },
};

try {
  await readers[/** @type {keyof typeof readers} */ (process.argv[2])]();
} catch (error) {
  for (const page of opened) {
    const lines = await page.locator("#code .cm-line").allInnerTexts();
    console.error("The page shows:", await page.innerText("body"), lines);
  }
  throw error;
} finally {
  await browser.close();
}
