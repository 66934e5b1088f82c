// Connects models with elements: one region of the page, one lit-html render, at most once per
// frame.
import { render } from "../../vendor/lit-html.js";

/** @typedef {import("../observable.js").Observable} Observable */

/**
 * Renders `template` into `element` now, and again in the next frame after any of `models` has changed.
 * @param {HTMLElement | DocumentFragment} element
 * @param {() => unknown} template
 * @param {...Observable} models
 * @returns {(() => void) & { now: () => void }} asks for another render, for what the view keeps by
 * itself; `now` renders at once, where the next key is for what will be there
 */
export function region(element, template, ...models) {
  let scheduled = false;
  const draw = () => {
    scheduled = false;
    render(template(), element);
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(draw);
  };
  for (const model of models) model.subscribe(schedule);
  draw();
  return Object.assign(schedule, { now: draw });
}
