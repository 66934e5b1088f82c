// Icons: 16 by 16, drawn in the colour of the text. They are only for the eye; words say what they
// mean.
import { svg, html } from "../../vendor/lit-html.js";

/** @param {unknown} drawing */
export const icon = (drawing) => html`<svg
  class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"
  fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round"
>${drawing}</svg>`;

export const chevronIcon = icon(svg`<path d="m6 4 4 4-4 4"/>`);
export const closeIcon = icon(svg`<path d="m4.5 4.5 7 7m0-7-7 7"/>`);
export const searchIcon = icon(svg`<circle cx="7" cy="7" r="4.2"/><path d="m10.2 10.2 3.3 3.3"/>`);
export const downloadIcon = icon(svg`<path d="M8 2.5v7.5m-3-3 3 3 3-3M3 13.2h10"/>`);
export const sunIcon = icon(svg`<circle cx="8" cy="8" r="2.6"/><path d="M8 1.8v1.4m0 9.6v1.4M1.8 8h1.4m9.6 0h1.4M3.6 3.6l1 1m6.8 6.8 1 1m0-8.8-1 1m-6.8 6.8-1 1"/>`);
export const moonIcon = icon(svg`<path d="M13 9.6A5.6 5.6 0 0 1 6.4 3a5.4 5.4 0 1 0 6.6 6.6Z"/>`);
export const autoIcon = icon(svg`<circle cx="8" cy="8" r="5.4"/><path d="M8 2.6a5.4 5.4 0 0 1 0 10.8Z" fill="currentColor" stroke="none"/>`);
export const helpIcon = icon(svg`<circle cx="8" cy="8" r="6"/><path d="M6.3 6.2a1.8 1.8 0 1 1 2.5 1.9c-.6.3-.8.6-.8 1.2"/><path d="M8 11.4v.1"/>`);
export const chatIcon = icon(svg`<path d="M2.5 4.2c0-.8.6-1.4 1.4-1.4h8.2c.8 0 1.4.6 1.4 1.4v5.2c0 .8-.6 1.4-1.4 1.4H7l-3 2.6v-2.6h-.1c-.8 0-1.4-.6-1.4-1.4Z"/>`);
export const proposalIcon = icon(svg`<circle cx="4.2" cy="3.8" r="1.6"/><circle cx="4.2" cy="12.2" r="1.6"/><circle cx="11.8" cy="12.2" r="1.6"/><path d="M4.2 5.4v5.2M11.8 10.6V6.4c0-1-.8-1.8-1.8-1.8H7.4m1.8-2L7.2 4.6l2 2"/>`);
export const filesIcon = icon(svg`<path d="M2 4.2c0-.7.5-1.2 1.2-1.2h3l1.4 1.6h5.2c.7 0 1.2.5 1.2 1.2v6c0 .7-.5 1.2-1.2 1.2H3.2c-.7 0-1.2-.5-1.2-1.2Z"/>`);
export const codeIcon = icon(svg`<path d="M5.6 4.6 2.2 8l3.4 3.4m4.8-6.8L13.8 8l-3.4 3.4"/>`);
export const eyeIcon = icon(svg`<path d="M1.6 8S3.8 3.8 8 3.8 14.4 8 14.4 8 12.2 12.2 8 12.2 1.6 8 1.6 8Z"/><circle cx="8" cy="8" r="1.9"/>`);
export const followIcon = icon(svg`<circle cx="8" cy="8" r="5.4"/><circle cx="8" cy="8" r="1.6" fill="currentColor" stroke="none"/>`);
export const editIcon = icon(svg`<path d="m10.4 3.2 2.4 2.4-6.8 6.8-3 .6.6-3Z"/>`);
export const wrapIcon = icon(svg`<path d="M2.5 4h11M2.5 8h8.8a2 2 0 0 1 0 4H8.6m1.6-1.6L8.6 12l1.6 1.6M2.5 12h2.6"/>`);
export const linkIcon = icon(svg`<path d="M6.8 9.2 9.2 6.8M7 4.8l1.2-1.2a2.7 2.7 0 0 1 3.9 3.9L10.9 8.7M9 11.2l-1.2 1.2a2.7 2.7 0 0 1-3.9-3.9l1.2-1.2"/>`);
export const personIcon = icon(svg`<circle cx="8" cy="5.4" r="2.6"/><path d="M3 13.4c.4-2.4 2.4-3.8 5-3.8s4.6 1.4 5 3.8"/>`);
