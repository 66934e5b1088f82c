// A viewer's edits before they are sent, without a browser.
import test from "node:test";
import assert from "node:assert/strict";
import { kindOf } from "../page/src/draft.js";
import { makeKeeper } from "../page/src/keeper.js";
import { Observable } from "../page/src/observable.js";
import { MAX_TEXT, Proposal } from "../page/src/proposal.js";

/**
 * Edits that are stored in `kept`.
 * @param {Record<string, string>} [kept]
 * @param {string | null} [name] whose they are
 */
function edits(kept = {}, name = "bob") {
  const session = Object.assign(new Observable(), {
    streamer: "ana",
    project: "demo",
    claimedName: name,
    you: { name, propose: name !== null, stream: false },
  });
  const storage = {
    getItem: (/** @type {string} */ key) => kept[key] ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => void (kept[key] = value),
    removeItem: (/** @type {string} */ key) => void delete kept[key],
  };
  const keeper = makeKeeper(() => /** @type {any} */ (storage));
  const parts = { connection: {}, session, sent: { onArrived() {} }, keeper };
  return new Proposal(/** @type {any} */ (parts));
}
const kinds = (/** @type {Proposal} */ proposal) =>
  Object.fromEntries(
    [...proposal.drafts].map(([name, draft]) => [
      name,
      `${kindOf(draft)}${draft.from ? ` was ${draft.from}` : ""}`,
    ]),
  );
const base = (/** @type {string} */ text) => ({ text, sha256: `hash of ${text}` });

test("a renamed file goes under its old name and comes under its new one, however often it is renamed", () => {
  const proposal = edits();
  proposal.rename("/a", "/b", base("text\r\n"));
  assert.deepEqual(kinds(proposal), { "/b": "added was /a", "/a": "deleted" });
  proposal.rename("/b", "/c", null);
  assert.deepEqual(kinds(proposal), { "/a": "deleted", "/c": "added was /a" });
  assert.equal(proposal.textOf("/c"), "text\n");
  assert.equal(proposal.drafts.get("/a")?.base, "hash of text\r\n");
  proposal.discard("/c");
  assert.deepEqual(kinds(proposal), {});
});

test("a file that was only added here leaves nothing behind when it is renamed or deleted", () => {
  const proposal = edits();
  proposal.add("/new", "text");
  proposal.rename("/new", "/newer", null);
  assert.deepEqual(kinds(proposal), { "/newer": "added" });
  proposal.remove("/newer", null);
  assert.deepEqual(kinds(proposal), {});
});

test("an edited file that is renamed keeps the edit, and what it started from goes with the old name", () => {
  const proposal = edits();
  proposal.begin("/a", base("one"));
  proposal.write("/a", "two");
  proposal.rename("/a", "/b", base("one, but newer"));
  assert.deepEqual(kinds(proposal), { "/b": "added was /a", "/a": "deleted" });
  assert.equal(proposal.textOf("/b"), "two");
  assert.equal(proposal.drafts.get("/a")?.base, "hash of one");
});

test("a deleted file that is added again is an edit of what was there", () => {
  const proposal = edits();
  proposal.remove("/a", base("one"));
  proposal.add("/a", "two");
  assert.deepEqual(kinds(proposal), { "/a": "edited" });
  assert.equal(proposal.drafts.get("/a")?.base, "hash of one");
});

test("an edit that is begun again goes on where it was", () => {
  const proposal = edits();
  proposal.begin("/a", base("one"));
  proposal.write("/a", "two");
  assert.equal(proposal.begin("/a", base("three")), true);
  assert.equal(proposal.textOf("/a"), "two");
  assert.equal(proposal.drafts.get("/a")?.base, "hash of one");
});

test("an edit has a longest text, all edits have one together, and what does not fit is said", () => {
  const proposal = edits();
  assert.equal(proposal.begin("/long", base("x".repeat(MAX_TEXT + 1))), false);
  assert.equal(proposal.begin("/a", base("x".repeat(MAX_TEXT))), true);
  assert.equal(proposal.write("/a", "y".repeat(MAX_TEXT + 1)), false);
  assert.deepEqual(proposal.error, { kind: "long" });
  assert.equal(proposal.write("/a", "y".repeat(MAX_TEXT)), true);
  assert.equal(proposal.error, null);
  assert.equal(proposal.begin("/b", base("x".repeat(MAX_TEXT))), true);
  assert.equal(proposal.begin("/c", base("x")), false);
});

test("edits, title and reasons are kept and found again, and nothing is kept once they are gone", () => {
  /** @type {Record<string, string>} */
  const kept = {};
  const proposal = edits(kept);
  proposal.begin("/a", base("one"));
  proposal.write("/a", "two");
  proposal.describe({ title: "Title", description: "Why" });
  proposal.save();
  const again = edits(kept);
  assert.equal(again.textOf("/a"), "two");
  assert.deepEqual([again.title, again.description], ["Title", "Why"]);
  again.discard("/a");
  again.describe({ title: "", description: "" });
  again.save();
  assert.deepEqual(kept, {});
});

test("what is kept may be nonsense, and what is too long to be kept is said to be", () => {
  assert.equal(edits({ "drafts:ana/demo:bob": "{" }).drafts.size, 0);
  const full = edits(
    new Proxy(
      {},
      {
        set() {
          throw new Error("full");
        },
      },
    ),
  );
  full.begin("/a", base("one"));
  full.save();
  assert.equal(full.kept, false);
});

test("all guests of a tab are one author, and nobody else is", () => {
  /** @type {Record<string, string>} */
  const kept = {};
  const bob = edits(kept, "~bob");
  assert.equal(bob.mayPropose, true);
  bob.begin("/a", base("one"));
  bob.write("/a", "two");
  bob.add("/b");
  bob.save();
  const other = edits(kept, "~bob-2");
  assert.equal(other.textOf("/a"), "two");
  assert.deepEqual([other.mayPropose, other.waiting], [true, 0]);
  const link = edits(kept, "viewer");
  assert.equal(link.drafts.size, 0);
  assert.equal(link.waiting, 2);
  assert.equal(edits({}, "viewer").waiting, 0);
});

test("nobody without a name begins an edit, which nothing would find again", () => {
  const nobody = edits({}, null);
  assert.equal(nobody.add("/new"), false);
  assert.equal(nobody.begin("/a", base("one")), false);
  assert.equal(nobody.drafts.size, 0);
});

test("a deletion gives what it replaces, which comes back in its place, but not over a new edit", () => {
  const proposal = edits();
  proposal.begin("/a", base("one"));
  proposal.write("/a", "two");
  const replaced = proposal.remove("/a", null) ?? [];
  assert.deepEqual(replaced.map(({ after }) => after), ["two"]);
  assert.equal(proposal.restore(replaced), true);
  assert.deepEqual([proposal.textOf("/a"), kinds(proposal)], ["two", { "/a": "edited" }]);

  proposal.remove("/a", null);
  proposal.add("/a", "three");
  proposal.restore(replaced);
  assert.equal(proposal.textOf("/a"), "three");

  proposal.add("/new", "text");
  const gone = proposal.remove("/new", null) ?? [];
  assert.deepEqual(kinds(proposal), { "/a": "edited" });
  proposal.restore(gone);
  assert.equal(proposal.textOf("/new"), "text");
  assert.deepEqual(proposal.remove("/plain", base("one")), []);
  assert.equal(proposal.remove("/long", base("x".repeat(5 * MAX_TEXT))), null);
});

test("what a storage has no room for does not leave the older text behind", () => {
  /** @type {Map<string, string>} */
  const stored = new Map([["key", "old"], ["other", "stays"]]);
  let isFull = true;
  const storage = {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem(/** @type {string} */ key, /** @type {string} */ value) {
      if (isFull) throw new DOMException("full", "QuotaExceededError");
      stored.set(key, value);
    },
    removeItem: (/** @type {string} */ key) => void stored.delete(key),
  };
  const keeper = makeKeeper(() => /** @type {any} */ (storage));
  const afterReload = () => makeKeeper(() => /** @type {any} */ (storage)).getItem("key");
  assert.equal(keeper.setItem("key", "new"), false);
  assert.equal(keeper.getItem("key"), "new");
  assert.equal(afterReload(), null);
  assert.equal(keeper.getItem("other"), "stays");
  isFull = false;
  assert.equal(keeper.setItem("key", "newer"), true);
  assert.equal(afterReload(), "newer");
});
