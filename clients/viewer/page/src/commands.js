// Commands to type into a terminal to get the project there. Text only.

/** @typedef {{ streamer: string, project: string, url: string }} Where */

/** Keeps a folder in step with the project. @param {Where} where */
export function mirrorCommand(where) {
  return command("mirror", where);
}

/** Gets the project once, to edit it and propose changes. @param {Where} where */
export function cloneCommand(where) {
  return command("clone", where);
}

/** @param {"mirror" | "clone"} verb @param {Where} where */
function command(verb, { streamer, project, url }) {
  const options = [option("streamer", streamer), option("project", project), option("url", url)];
  return ["twicecast", verb, folderFor(project), ...options].join(" ");
}

/**
 * A folder for a project: its name without characters that a shell or a file system may misread.
 * @param {string} project
 */
function folderFor(project) {
  return `./${project.replace(/[^\w.-]+/g, "-")}`;
}

/**
 * An option and its value, as one word if the value could be mistaken for an option.
 * @param {string} name
 * @param {string} value
 */
function option(name, value) {
  return `--${name}${value.startsWith("-") ? "=" : " "}${quoted(value)}`;
}

/** A word, quoted for a shell if necessary. @param {string} word */
function quoted(word) {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
