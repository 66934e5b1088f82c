// The start page: what this is, and a field for an address. It lists nothing.
import { html, nothing } from "../../vendor/lit-html.js";
import { readAddress, readFragment, writeAddress } from "../names.js";
import * as texts from "../texts.js";
import { region } from "./region.js";

/** @param {HTMLElement} element */
export function mountLanding(element) {
  let fault = "";
  const redraw = region(element, template);

  function template() {
    return html`<main class="landing">
      <img src="/-/viewer/icon.svg" alt="" width="56" height="56">
      <h1>${texts.landing.title}</h1>
      <p>${texts.landing.text}</p>
      <form class="row-form" @submit=${onSubmit}>
        <label class="visually-hidden" for="address">${texts.landing.address}</label>
        <input id="address" class="field" name="address" autocomplete="off" autocapitalize="off"
          spellcheck="false" required
          placeholder=${texts.landing.placeholder} aria-describedby="address-fault">
        <button class="button primary">${texts.landing.open}</button>
      </form>
      <p class="fault" id="address-fault" role="alert">${fault || nothing}</p>
      <p class="landing-share">${texts.landing.share}<code>${texts.landing.command}</code></p>
    </main>`;
  }

  /** @param {SubmitEvent} event */
  function onSubmit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const typed = String(new FormData(form).get("address") ?? "").trim();
    const [path, fragment = ""] = typed.replace(/^[a-z]+:\/\/[^/]+/i, "").split("#");
    const place = readAddress(path.startsWith("/") ? path : `/${path}`);
    if (place) {
      const { token } = readFragment(fragment);
      const kept = token ? `#token=${encodeURIComponent(token)}` : "";
      location.assign(writeAddress(place.streamer, place.project) + kept);
      return;
    }
    fault = texts.landing.wrong;
    redraw();
  }
}
