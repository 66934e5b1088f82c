// The code on the stage: one editor, with a document for each open file, kept up to date.
import {
  EditorSelection, EditorState, EditorView, Transaction, openSearchPanel,
} from "../../vendor/codemirror.js";
import { languageOf, loadLanguage, mayHighlight } from "../languages.js";
import { writeFragment } from "../names.js";
import * as texts from "../texts.js";
import { copyText } from "./clipboard.js";
import {
  access, common, language, pickableLines, reading, separatorOf, versionChange, wrapping, writing,
} from "./editor.js";
import { clearFresh, markLinked, nextChange } from "./marks.js";

/** @typedef {import("../contents.js").Content} Content */
/** @typedef {import("../workspace.js").Lines} Lines */
/**
 * `edited` is the edit's text as last seen in the document, `changed` is where the file's last
 * change began, and `spoken` is the language used for highlighting.
 * @typedef {{ state: EditorState, scroll: any, edited: string | undefined, changed: number | null,
 *   spoken: string | null }} Open
 */
/**
 * What this view needs of the edits in proposal.js. `owner` is their author's name.
 * @typedef {{ owner: string | null, subscribe(listener: () => void): unknown,
 *   textOf(name: string): string | undefined, write(name: string, text: string): void }} Edits
 */

const FRESH_MS = 1800;
/** Earlier versions of files that are not open are kept, so that changes can be marked later. */
const MAX_EARLIER = 64;
const MAX_EARLIER_LENGTH = 64 * 1024;
const MAX_CLOSED = 30;
/** The limit for all documents without an edit, in UTF-16 units; beyond it they are made again. */
const MAX_DOCUMENTS_LENGTH = 16 * 1024 * 1024;
const WRITE_AFTER_MS = 150;

/**
 * @param {HTMLElement} element
 * @param {{ project: import("../project.js").Project, active: import("../active.js").ActiveFile,
 *   workspace: import("../workspace.js").Workspace, notices: import("../notices.js").Notices,
 *   edits: Edits }} models
 */
export function mountCode(element, { project, active, workspace, notices, edits }) {
  /** @type {Map<string, Open>} */
  const documents = new Map();
  /** @type {Map<string, string>} */
  const earlier = new Map();
  /** @type {EditorView | null} */
  let view = null;
  /** @type {string | null} */
  let shown = null;
  let granted = 0;
  let wrapped = false;
  let { owner } = edits;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let pending;

  function editor() {
    if (view) return view;
    const root = element.attachShadow({ mode: "open" });
    view = new EditorView({ root, parent: root, dispatchTransactions });
    // Whatever comes next, such as Discard or Propose, concerns everything that was typed.
    root.addEventListener("focusout", () => pending !== undefined && write());
    return view;
  }

  /**
   * @param {readonly import("../../vendor/codemirror.js").Transaction[]} transactions
   * @param {EditorView} target
   */
  function dispatchTransactions(transactions, target) {
    target.update(transactions);
    if (!shown || edits.textOf(shown) === undefined) return;
    if (!transactions.some((each) => each.docChanged && each.annotation(Transaction.remote) !== true)) return;
    clearTimeout(pending);
    pending = setTimeout(write, WRITE_AFTER_MS);
  }

  /** Passes what was typed to the edit. */
  function write() {
    clearTimeout(pending);
    pending = undefined;
    const open = shown === null ? undefined : documents.get(shown);
    if (!view || !open || shown === null || edits.textOf(shown) === undefined) return;
    open.edited = view.state.sliceDoc();
    edits.write(shown, open.edited);
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {string | undefined} edited
   * @param {number} at where the cursor is
   */
  function newState(name, text, edited, at) {
    const label = edited === undefined ? texts.stage.code(name) : texts.stage.codeEdited(name);
    const separator = separatorOf(text);
    const doc = separator === "\n" ? text : text.replaceAll(separator, "\n");
    return EditorState.create({
      doc,
      selection: { anchor: Math.min(at, doc.length) },
      extensions: [
        EditorState.lineSeparator.of(separator),
        common(pickableLines(pick)),
        access.of(edited === undefined ? reading(label) : writing(label)),
        wrapping.of(workspace.wrap ? EditorView.lineWrapping : []),
        language.of([]),
      ],
    });
  }

  /**
   * Highlights a document once the language is loaded, if its text may be highlighted.
   * @param {string} name
   * @param {string} text
   */
  function highlight(name, text) {
    const open = documents.get(name);
    const spoken = mayHighlight(text) ? languageOf(name) : null;
    if (!open || open.spoken === spoken) return;
    open.spoken = spoken;
    if (spoken === null) return change(name, { effects: language.reconfigure([]) });
    void loadLanguage(spoken).then((extension) => {
      if (documents.get(name)?.spoken === spoken) change(name, { effects: language.reconfigure(extension) });
    }, () => {});
  }

  /**
   * Changes a document, on screen or not.
   * @param {string} name
   * @param {import("../../vendor/codemirror.js").TransactionSpec} spec
   */
  function change(name, spec) {
    const open = documents.get(name);
    if (!open) return;
    if (name === shown && view) view.dispatch(spec);
    else open.state = open.state.update(spec).state;
  }

  /** @param {string} name */
  const stateOf = (name) => (name === shown && view ? view.state : documents.get(name)?.state);

  /**
   * Updates an open document to a version of its file.
   * @param {string} name
   * @param {string} text
   * @param {boolean} mark
   */
  function bring(name, text, mark) {
    const state = stateOf(name);
    const version = state && versionChange(state, text, mark);
    if (!version) return;
    // Highlighting is removed before a text that must have none, and added after one that may.
    if (!mayHighlight(text)) highlight(name, text);
    change(name, version.spec);
    highlight(name, text);
    const open = documents.get(name);
    if (open && mark) open.changed = version.first;
    if (mark) setTimeout(() => change(name, { effects: clearFresh.of(null) }), FRESH_MS);
  }

  /** Makes the document of a file, or updates it. @param {string} name @param {string} text */
  function documentOf(name, text) {
    const held = documents.get(name);
    const edited = edits.textOf(name);
    if (held && (held.edited === undefined) === (edited === undefined)) {
      // The document on screen is updated as changes arrive.
      if (edited === undefined && name !== shown) bring(name, text, true);
      if (edited !== undefined && edited !== held.edited) bring(name, edited, false);
      held.edited = edited;
      return;
    }
    const before = edited === undefined ? earlier.get(name) : undefined;
    earlier.delete(name);
    const state = newState(name, edited ?? before ?? text, edited, stateOf(name)?.selection.main.head ?? 0);
    const scroll = name === shown ? view?.scrollSnapshot() : held?.scroll;
    documents.set(name, { state, scroll: scroll ?? null, edited, changed: null, spoken: null });
    highlight(name, edited ?? before ?? text);
    if (name === shown) shown = null;
    if (edited === undefined && before !== undefined) bring(name, text, true);
  }

  /** Forgets another author's edits, and what undo would bring back of them. */
  function heedOwner() {
    if (edits.owner === owner) return;
    owner = edits.owner;
    clearTimeout(pending);
    pending = undefined;
    for (const [name, { edited }] of [...documents]) {
      if (edited === undefined) continue;
      documents.delete(name);
      if (name === shown) shown = null;
    }
  }

  /** Shows the active file, as far as it has been read. */
  function show() {
    heedOwner();
    const { name, content } = active;
    const isText = name !== null && typeof (edits.textOf(name) ?? content?.text) === "string";
    const isCode = workspace.stage.kind === "file" && isText;
    element.hidden = !isCode;
    if (name === null || !isCode) return;
    documentOf(name, content?.text ?? "");
    const open = /** @type {Open} */ (documents.get(name));
    if (shown !== name) {
      leave();
      shown = name;
      documents.delete(name);
      documents.set(name, open);
      const target = editor();
      target.setState(open.state);
      if (open.scroll) target.dispatch({ effects: open.scroll });
      applyWrap(target);
    }
    if (wrapped !== workspace.wrap) applyWrap(editor());
    grant(open.changed);
  }

  /** Saves the state of what is on screen. */
  function leave() {
    if (pending !== undefined) write();
    const open = shown === null ? undefined : documents.get(shown);
    if (!open || !view) return;
    open.state = view.state;
    open.scroll = view.scrollSnapshot();
  }

  /** @param {EditorView} target */
  function applyWrap(target) {
    wrapped = workspace.wrap;
    target.dispatch({ effects: wrapping.reconfigure(wrapped ? EditorView.lineWrapping : []) });
  }

  /** Goes once to the wished place. @param {number | null} changed where the file last changed */
  function grant(changed) {
    const { wish } = workspace;
    if (!view || !wish || wish.name !== shown || wish.serial === granted) return;
    granted = wish.serial;
    const { doc } = view.state;
    if (wish.lines) {
      const line = doc.line(Math.min(wish.lines.from, doc.lines));
      view.dispatch({
        selection: wish.follow ? undefined : EditorSelection.cursor(line.from),
        effects: [
          EditorView.scrollIntoView(line.from, { y: "center" }),
          markLinked.of(wish.follow ? null : wish.lines),
        ],
      });
    } else {
      if (wish.follow && changed !== null) goTo(changed);
      if (workspace.lines === null) view.dispatch({ effects: markLinked.of(null) });
    }
    if (wish.focus) view.focus();
  }

  /** Drops documents without a tab, except the latest: a viewer who returns finds the marks. */
  function forget() {
    const closed = [...documents.keys()].filter((name) => !workspace.tabs.some((tab) => tab.name === name));
    for (const name of closed) {
      const isLong = (documents.get(name)?.state.doc.length ?? 0) > MAX_EARLIER_LENGTH;
      if (isLong || closed.indexOf(name) < closed.length - MAX_CLOSED) documents.delete(name);
    }
    let length = 0;
    for (const [name, { state, edited }] of [...documents].reverse()) {
      if (name === shown || edited !== undefined) continue;
      length += state.doc.length;
      if (length > MAX_DOCUMENTS_LENGTH) documents.delete(name);
    }
  }

  /** Scrolls to a place, and no further than needed if it is near. @param {number} at */
  function goTo(at) {
    if (!view || at > view.state.doc.length) return;
    const near = view.visibleRanges.some(({ from, to }) => at >= from && at <= to);
    const scroll = EditorView.scrollIntoView(at, near ? { y: "nearest", yMargin: 80 } : { y: "center" });
    view.dispatch({ effects: scroll });
  }

  /** @param {number} line @param {boolean} extend */
  function pick(line, extend) {
    if (shown === null) return;
    const start = extend && workspace.lines ? workspace.lines.from : line;
    const lines = { from: Math.min(start, line), to: Math.max(start, line) };
    workspace.set({ lines, following: false });
    view?.dispatch({ effects: markLinked.of(lines) });
    const link = new URL(writeFragment(shown, lines), location.href).href;
    void copyText(link).then((copied) => {
      notices.say(copied ? texts.stage.linkCopied : texts.stage.linkPlaced);
    });
  }

  project.onChange(({ name, before, after }) => {
    if (after === null) {
      earlier.delete(name);
      if (name !== shown) documents.delete(name);
      return;
    }
    const old = before?.text;
    if (documents.has(name) && edits.textOf(name) === undefined && typeof after?.text === "string") {
      bring(name, after.text, true);
      const at = documents.get(name)?.changed ?? null;
      if (name === shown && workspace.following && at !== null) goTo(at);
    } else if (!documents.has(name) && typeof old === "string" && old.length <= MAX_EARLIER_LENGTH) {
      if (!earlier.has(name)) earlier.set(name, old);
      for (const each of earlier.keys()) {
        if (earlier.size <= MAX_EARLIER) break;
        earlier.delete(each);
      }
    }
  });

  workspace.subscribe(() => {
    if (shown !== null && !workspace.tabs.some((tab) => tab.name === shown)) {
      leave();
      shown = null;
    }
    show();
    forget();
  });
  edits.subscribe(show);
  active.subscribe(show);
  for (const end of ["beforeunload", "pagehide"]) {
    addEventListener(end, () => pending !== undefined && write());
  }

  const stopFollowing = () => workspace.following && workspace.set({ following: false });
  element.addEventListener("wheel", stopFollowing, { passive: true });
  element.addEventListener("touchmove", stopFollowing, { passive: true });
  element.addEventListener("pointerdown", (event) => {
    // A press on the scroll bar means looking elsewhere; the code itself may be clicked.
    if (view && event.composedPath()[0] === view.scrollDOM) stopFollowing();
  });
  element.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) stopFollowing();
  });

  return {
    focus: () => view?.focus(),
    find: () => void (view && !element.hidden && openSearchPanel(view)),
    /** Goes to the next (1) or previous (-1) change. @param {1 | -1} by */
    step(by) {
      if (!view || element.hidden) return;
      const at = nextChange(view.state, view.state.selection.main.head, by);
      if (at === null) return;
      stopFollowing();
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    },
  };
}
