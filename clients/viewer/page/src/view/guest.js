// The field with which somebody without an account takes a name.
import { html, nothing } from "../../vendor/lit-html.js";
import { ConnectionLost, RequestError } from "../connection.js";
import { guest as texts } from "../panel-texts.js";

/** @typedef {import("../session.js").Session} Session */

/**
 * A form to take a guest's name; `draw` asks for another render. Returns its template.
 *
 * @param {Session} session
 * @param {"chat" | "propose"} purpose
 * @param {() => void} draw
 */
export function guestForm(session, purpose, draw) {
  let name = "";
  let problem = "";
  let busy = false;

  /** @param {SubmitEvent} event */
  const join = async (event) => {
    event.preventDefault();
    if (busy || name.trim() === "") return;
    busy = true;
    problem = "";
    draw();
    try {
      await session.enterAsGuest(name.trim());
      name = "";
    } catch (error) {
      if (error instanceof ConnectionLost) problem = texts.lost;
      else if (error instanceof RequestError && error.answer.suggestion) {
        name = error.answer.suggestion;
        problem = texts.taken(name);
      } else problem = error instanceof Error ? error.message : texts.lost;
    } finally {
      busy = false;
      draw();
    }
  };
  const id = `guest-${purpose}`;
  return () => html`
    <form class="guest" @submit=${join}>
      <label for=${id}>${texts[purpose]}</label>
      <div class="row">
        <input id=${id} class="field" name="name" maxlength="32" autocomplete="nickname" placeholder=${texts.field}
          .value=${name} @input=${(/** @type {any} */ event) => (name = event.target.value)}
          aria-describedby=${problem ? `${id}-problem` : nothing} aria-invalid=${problem ? "true" : nothing}>
        <button class="button primary" ?disabled=${busy}>${texts.join}</button>
      </div>
      ${problem ? html`<p id="${id}-problem" class="problem" role="alert">${problem}</p>` : nothing}
    </form>`;
}
