// Finds names from a few typed letters. Text only.

/** @typedef {{ name: string, score: number }} Found */
/** @typedef {{ name: string, lower: string, base: number }} Candidate */

const MAX_WORSE = 750;

/** All names, prepared for searching; a longer query searches only what the shorter one found. */
export class NameSearch {
  /** @type {Candidate[]} */
  #all = [];
  #lastQuery = "";
  /** @type {Candidate[]} */
  #lastFound = [];

  /** @param {Iterable<string>} names */
  setNames(names) {
    this.#all = Array.from(names, (name) => (
      { name, lower: name.toLowerCase(), base: name.lastIndexOf("/") + 1 }));
    this.#lastQuery = "";
    this.#lastFound = this.#all;
  }

  /**
   * The best names for a query, best first. The order of its words does not matter.
   * @param {string} query
   * @param {number} limit
   * @returns {Found[]}
   */
  find(query, limit) {
    const typed = query.trim().toLowerCase();
    const words = typed.split(/\s+/);
    const among = this.#lastQuery && typed.startsWith(this.#lastQuery) ? this.#lastFound : this.#all;
    /** @type {Found[]} */
    const best = [];
    const found = [];
    for (const candidate of among) {
      const score = scoreOf(candidate, words);
      if (score < 0) continue;
      found.push(candidate);
      insert(best, { name: candidate.name, score }, limit);
    }
    this.#lastQuery = typed;
    this.#lastFound = found;
    // If the letters occur together somewhere, names that only contain them scattered are noise.
    return best.filter(({ score }) => score >= best[0].score - MAX_WORSE * words.length);
  }
}

/** @param {Found[]} best @param {Found} found @param {number} limit */
function insert(best, found, limit) {
  if (best.length === limit && found.score <= best[limit - 1].score) return;
  let at = best.length;
  while (at > 0 && best[at - 1].score < found.score) at--;
  best.splice(at, 0, found);
  if (best.length > limit) best.pop();
}

/** @param {Candidate} candidate @param {string[]} words */
function scoreOf(candidate, words) {
  let sum = 0;
  for (const word of words) {
    const score = scoreOfWord(candidate, word);
    if (score < 0) return -1;
    sum += score;
  }
  return sum;
}

/**
 * A match in the file's own name beats one in the path, together beats scattered, and short beats
 * long.
 * @param {Candidate} candidate
 * @param {string} word
 */
function scoreOfWord({ lower, base }, word) {
  const length = lower.length;
  const inPath = lower.lastIndexOf(word);
  if (inPath >= base) {
    const inBase = lower.indexOf(word, base);
    const start = inBase === base ? 200 : isStart(lower, inBase) ? 100 : 0;
    return 2000 + start - (length - base) - length / 100;
  }
  if (inPath >= 0) return 1500 + (isStart(lower, inPath) ? 100 : 0) - length / 2;
  if (word.length === 1) return -1;
  const scattered = scatter(lower, base, word);
  if (scattered >= 0) return 1000 + scattered - length / 2;
  const anywhere = scatter(lower, 0, word);
  return anywhere >= 0 ? 500 + anywhere - length / 2 : -1;
}

/**
 * How well the letters of `word` are found one after another; -1 if they are not.
 * @param {string} text
 * @param {number} from
 * @param {string} word
 */
function scatter(text, from, word) {
  let score = 0;
  let before = from - 2;
  for (let at = 0; at < word.length; at++) {
    const found = text.indexOf(word[at], at === 0 ? from : before + 1);
    if (found < 0) return -1;
    if (found === before + 1) score += 8;
    else if (isStart(text, found)) score += 10;
    before = found;
  }
  return score;
}

/** @param {string} text @param {number} at */
function isStart(text, at) {
  return at === 0 || "/._- ".includes(text[at - 1]);
}

/**
 * The positions of a query's letters in a name, for highlighting. Chooses as `find` does.
 * @param {string} name
 * @param {string} query
 * @returns {Set<number>}
 */
export function matchedLetters(name, query) {
  const lower = name.toLowerCase();
  const base = lower.lastIndexOf("/") + 1;
  const letters = new Set();
  for (const word of query.trim().toLowerCase().split(/\s+/)) {
    const inBase = lower.indexOf(word, base);
    const whole = inBase >= 0 ? inBase : lower.lastIndexOf(word);
    if (whole >= 0) {
      for (let at = 0; at < word.length; at++) letters.add(whole + at);
      continue;
    }
    let before = scatter(lower, base, word) >= 0 ? base - 1 : -1;
    for (const letter of word) {
      before = lower.indexOf(letter, before + 1);
      letters.add(before);
    }
  }
  return letters;
}
