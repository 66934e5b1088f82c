// Chatting, proposing and reviewing for everybody: axe checks each view.
import test from "node:test";
import {
  desktop,
  difference,
  editFile,
  open,
  openProposals,
  panel,
  phone,
  projectWithProposal,
  propose,
  streamerToken,
  viewerToken,
} from "./lib.mjs";
import { judge } from "./lib/axe.mjs";

const LOOKS = /** @type {const} */ ([
  ["light", desktop, "light"],
  ["dark", desktop, "dark"],
  ["phone", phone, "light"],
  ["phone in the dark", phone, "dark"],
]);

for (const [name, viewport, scheme] of LOOKS) {
  test(`axe finds nothing while editing and proposing: ${name}`, async (t) => {
    const { server } = await projectWithProposal(t);
    const page = await open(t, server, { token: viewerToken("carl"), viewport, scheme });
    await page.getByText("Live", { exact: true }).waitFor();
    await page.locator("#code .cm-line").first().waitFor();
    await openProposals(page);
    await judge(page, "no edits");
    await editFile(page, "src/main.rs", "// edited\n");
    await judge(page, "editing");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "New file" }).click();
    await judge(page, "naming");
    await panel(page).getByRole("button", { name: "Cancel" }).click();
    await panel(page)
      .getByRole("button", { name: /src\/main\.rs/ })
      .first()
      .click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await judge(page, "own difference");
    await propose(page, "Mine");
    await judge(page, "sent");
    await page.behaved();
  });

  test(`axe finds nothing while reviewing: ${name}`, async (t) => {
    const { server } = await projectWithProposal(t);
    const page = await open(t, server, { token: streamerToken(), viewport, scheme });
    await openProposals(page);
    await judge(page, "list");
    await panel(page)
      .getByRole("button", { name: /Better/ })
      .click();
    await difference(page).getByText("This file is new.").waitFor();
    await judge(page, "a new file");
    await difference(page).getByRole("button", { name: "Next file" }).click();
    await difference(page).locator(".cm-changedLine").first().waitFor();
    await judge(page, "a difference");
    await openProposals(page);
    await panel(page).getByRole("button", { name: "Close" }).click();
    await judge(page, "closing");
    await page.behaved();
  });
}
