// The marks in the code: fresh characters, lines changed recently, and the lines that a link names.
import {
  Decoration, EditorView, GutterMarker, RangeSet, StateEffect, StateField, gutter,
} from "../../vendor/codemirror.js";

/** @typedef {import("../../vendor/codemirror.js").Text} Text */
/** @typedef {import("../../vendor/codemirror.js").EditorState} EditorState */
/** @typedef {{ from: number, to: number }} Range */

/** The most changed lines that are marked in one change. */
const MAX_MARKED_LINES = 5000;

/** Ranges of the new text that a change has brought; an empty one is where text was removed. */
export const markChanged = StateEffect.define({ map: mapRanges });
/** Ends the highlight of fresh characters; the gutter's bars stay. */
export const clearFresh = StateEffect.define();
/**
 * The lines that the address names; null if there are none.
 * @type {import("../../vendor/codemirror.js").StateEffectType<Range | null>}
 */
export const markLinked = StateEffect.define();

/** @param {Range[]} ranges @param {import("../../vendor/codemirror.js").ChangeDesc} changes */
function mapRanges(ranges, changes) {
  return ranges.map(({ from, to }) => ({ from: changes.mapPos(from, 1), to: changes.mapPos(to, -1) }));
}

const fresh = Decoration.mark({ class: "cm-fresh" });
const freshLine = Decoration.line({ class: "cm-fresh-line" });
const linkedLine = Decoration.line({ class: "cm-linked" });

class Bar extends GutterMarker {
  /** @param {string} name */
  constructor(name) {
    super();
    this.elementClass = name;
  }
}
const changedBar = new Bar("cm-bar");
const removedBar = new Bar("cm-bar cm-bar-removed");

const freshText = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(clearFresh)) next = Decoration.none;
      if (effect.is(markChanged)) {
        const doc = transaction.newDoc;
        const added = effect.value.filter((/** @type {Range} */ { from, to }) => to > from);
        const lines = linesOf(doc, effect.value).map((at) => freshLine.range(at));
        next = next.update({
          add: [...added.map((/** @type {Range} */ { from, to }) => fresh.range(from, to)), ...lines],
          sort: true,
        });
      }
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const changedLines = StateField.define({
  /** @returns {RangeSet<GutterMarker>} */
  create: () => RangeSet.empty,
  update(bars, transaction) {
    let next = bars.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(markChanged)) continue;
      const doc = transaction.newDoc;
      const added = effect.value.filter((/** @type {Range} */ { from, to }) => to > from);
      const full = new Set(linesOf(doc, added));
      const add = linesOf(doc, effect.value).map((at) => (full.has(at) ? changedBar : removedBar).range(at));
      const isNew = new Set(add.map(({ from }) => from));
      const isKept = (/** @type {number} */ from) => !isNew.has(from) && doc.lineAt(from).from === from;
      next = next.update({ filter: isKept, add, sort: true });
    }
    return next;
  },
});

const linkedLines = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(markLinked)) continue;
      const doc = transaction.newDoc;
      if (!effect.value) return Decoration.none;
      const last = Math.min(effect.value.to, doc.lines, effect.value.from + MAX_MARKED_LINES);
      const starts = [];
      for (let line = effect.value.from; line <= last; line++) {
        starts.push(linkedLine.range(doc.line(line).from));
      }
      return Decoration.set(starts);
    }
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The starts of the lines in these ranges. @param {Text} doc @param {Range[]} ranges */
function linesOf(doc, ranges) {
  const starts = new Set();
  for (const { from, to } of ranges) {
    for (let line = doc.lineAt(from); starts.size < MAX_MARKED_LINES; line = doc.line(line.number + 1)) {
      // A change that ends with a line break does not touch the line after it.
      if (to > from && line.from >= to) break;
      starts.add(line.from);
      if (line.to >= to || line.number >= doc.lines) break;
    }
  }
  return [...starts].sort((one, other) => one - other);
}

/**
 * The next (1) or previous (-1) recently changed place, starting at `from` and wrapping around.
 * @param {EditorState} state @param {number} from @param {1 | -1} by
 * @returns {number | null}
 */
export function nextChange(state, from, by) {
  const starts = [];
  let previous = -2;
  for (const cursor = state.field(changedLines).iter(); cursor.value; cursor.next()) {
    const line = state.doc.lineAt(cursor.from).number;
    if (line !== previous + 1) starts.push(cursor.from);
    previous = line;
  }
  const here = state.doc.lineAt(from).from;
  if (by > 0) return starts.find((at) => at > here) ?? starts[0] ?? null;
  return starts.findLast((at) => at < here) ?? starts.at(-1) ?? null;
}

export const marks = [
  freshText,
  changedLines,
  linkedLines,
  gutter({ class: "cm-changes", markers: (view) => view.state.field(changedLines) }),
];
