// Files that are not text: pictures, bytes, and files that cannot be shown. None ever becomes a
// document.
import { html, nothing } from "../../vendor/lit-html.js";
import { encodeBase64 } from "../encoding.js";
import { baseName } from "../names.js";
import * as texts from "../texts.js";
import { region } from "./region.js";
import { saveBlob } from "./save.js";

/**
 * Raster types that an image element may get, by ending. The bytes do not decide their type.
 * @type {Record<string, string>}
 */
const RASTER = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp",
  avif: "image/avif", bmp: "image/bmp", ico: "image/x-icon",
};
const BYTES_SHOWN = 16 * 1024;
const BYTES_IN_ROW = 16;
const MAX_SVG = 1024 * 1024;

/** @param {string} name */
const endingOf = (name) => name.slice(name.lastIndexOf(".") + 1).toLowerCase();

/**
 * @param {HTMLElement} element
 * @param {{ active: import("../active.js").ActiveFile, project: import("../project.js").Project,
 *   workspace: import("../workspace.js").Workspace, notices: import("../notices.js").Notices,
 *   edits: import("../observable.js").Observable & { textOf(name: string): string | undefined } }} models
 */
export function mountPreview(element, { active, project, workspace, notices, edits }) {
  /** @type {{ bytes: Uint8Array | null, address: string, broken: boolean, size: string }} */
  let picture = { bytes: null, address: "", broken: false, size: "" };
  /** The SVG file that the viewer wants to see as a picture. @type {string | null} */
  let drawn = null;
  let rows = BYTES_SHOWN / BYTES_IN_ROW;
  /** @type {string | null} */
  let name = null;

  const redraw = region(element, template, active, workspace, project, edits);

  function template() {
    if (active.name !== name) {
      name = active.name;
      drawn = null;
      rows = BYTES_SHOWN / BYTES_IN_ROW;
    }
    const isOther = workspace.stage.kind !== "file";
    const shown = name === null || isOther || edits.textOf(name) !== undefined ? null : body(name);
    element.hidden = shown === null;
    if (shown === null) release();
    return shown ?? nothing;
  }

  /** @param {string} file */
  function body(file) {
    const { status, content } = active;
    const size = project.entries.get(file)?.size ?? 0;
    if (status === "tooLarge") {
      return note(texts.preview.tooLarge(size), texts.preview.download, () => void download(file));
    }
    if (status === "gone") {
      return note(texts.preview.gone, texts.preview.closeTab, () => workspace.close(file));
    }
    if (status === "failed") return note(texts.preview.unreadable, texts.preview.again, () => active.again());
    if (!content) return null;
    const ending = endingOf(file);
    if (status === "binary") {
      const type = Object.hasOwn(RASTER, ending) ? RASTER[ending] : null;
      const broken = picture.broken && picture.bytes === content.bytes;
      if (type && !broken) return pictureTemplate(file, content.bytes, type);
      return bytesTemplate(file, content.bytes);
    }
    if (ending !== "svg" || content.bytes.length > MAX_SVG) return null;
    /** @param {string | null} other @param {string} label */
    const turn = (other, label) => html`<div class="preview-bar"><button class="button"
      @click=${() => draw(other)}
      >${label}</button></div>`;
    if (drawn !== file) return turn(file, texts.preview.showPicture);
    return html`${turn(null, texts.preview.showCode)}
      <div class="picture"><img alt=${texts.preview.picture(baseName(file))}
        src="data:image/svg+xml;base64,${encodeBase64(content.bytes)}"></div>`;
  }

  /** @param {string | null} file */
  function draw(file) {
    drawn = file;
    redraw();
  }

  /** @param {string} file @param {Uint8Array<ArrayBuffer>} bytes @param {string} type */
  function pictureTemplate(file, bytes, type) {
    if (picture.bytes !== bytes) {
      release();
      picture = { bytes, address: URL.createObjectURL(new Blob([bytes], { type })), broken: false, size: "" };
    }
    const settle = (/** @type {Partial<typeof picture>} */ values) => {
      picture = { ...picture, ...values };
      redraw();
    };
    return html`<div class="picture"><img alt=${texts.preview.picture(baseName(file))} src=${picture.address}
      @error=${() => settle({ broken: true })}
      @load=${(/** @type {Event} */ event) => {
        const { naturalWidth, naturalHeight } = /** @type {HTMLImageElement} */ (event.target);
        settle({ size: texts.preview.pictureSize(naturalWidth, naturalHeight) });
      }}></div><p class="caption">${picture.size}</p>`;
  }

  function release() {
    if (picture.address) URL.revokeObjectURL(picture.address);
    picture = { bytes: null, address: "", broken: false, size: "" };
  }

  /** @param {string} file @param {Uint8Array} bytes */
  function bytesTemplate(file, bytes) {
    const more = bytes.length - rows * BYTES_IN_ROW;
    return html`<div class="preview-bar"><span>${texts.preview.binary(bytes.length)}</span>
        <button class="button" @click=${() => void download(file)}>${texts.preview.download}</button></div>
      <pre class="bytes" tabindex="0" role="region" aria-label=${texts.preview.bytes}
        >${bytesText(bytes.subarray(0, rows * BYTES_IN_ROW))}</pre>
      ${more > 0
        ? html`<div class="preview-bar"><button class="button" @click=${showMore}
          >${texts.preview.more(more)}</button></div>`
        : nothing}`;
  }

  function showMore() {
    rows *= 4;
    redraw();
  }

  /** @param {string} sentence @param {string} label @param {() => void} run */
  function note(sentence, label, run) {
    return html`<div class="empty"><p>${sentence}</p><button class="button primary" @click=${run}
      >${label}</button></div>`;
  }

  /** @param {string} file */
  async function download(file) {
    try {
      const held = active.content;
      const isHeld = held && active.name === file;
      saveBlob(isHeld ? new Blob([held.bytes]) : await project.download(file), baseName(file));
    } catch {
      notices.say(texts.preview.failed, { tone: "bad" });
    }
  }
}

/** Rows of offset, bytes in hex, and the same bytes as ASCII. @param {Uint8Array} bytes */
function bytesText(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += BYTES_IN_ROW) {
    const row = Array.from(bytes.subarray(at, at + BYTES_IN_ROW));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(BYTES_IN_ROW * 3)} ${text}`);
  }
  return lines.join("\n");
}
