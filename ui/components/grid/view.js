/** @import { ClassOfProject, GridPage, GridReply } from "../shared/types.js" */
/** @import { GridParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";
import { SIGNED_OUT } from "../shared/link.js";

/** @typedef {{failures: number, problem: string}} Connection */

/** Everything around the tiles, drawn from values. */
export class GridView {
  /**
   * @param {GridParts} at
   * @param {ClassOfProject[]} classes
   */
  constructor(at, classes) {
    this.at = at;
    this.classes = classes;
    this.names = new Map(classes.map(({ id, name }) => [id, name]));
  }

  /**
   * What can be done with the page.
   *
   * @param {GridPage | null} page
   * @param {number} marked images on it
   * @param {object} may
   * @param {boolean} may.accept
   * @param {boolean} may.undo
   * @param {boolean} hasLast whether there is a page to take back
   */
  acts(page, marked, may, hasLast) {
    const { at } = this;
    const rest = (page?.images.length ?? 0) - marked;
    const name = (page && this.names.get(page.class_id)) ?? "";
    at.accept.hidden = !page;
    at.accept.disabled = !may.accept;
    one(at.accept, "span").textContent = marked ? `${rest} are ${name}, ${marked} not` : `All ${rest} are ${name}`;
    at.undo.hidden = !hasLast;
    at.undo.disabled = !may.undo;
    at.summary.textContent = page ? `${page.images.length} images, about ${page.expected_errors.toFixed(1)} expected to be of another class` : "";
  }

  /**
   * @param {boolean} storing
   * @param {Connection} link
   */
  pill(storing, link) {
    const problem = link.problem === SIGNED_OUT ? `${SIGNED_OUT}: sign in again` : link.problem;
    const [state, text] = link.failures
      ? ["off", `${problem}${storing ? ", this page is not stored yet" : ""}`]
      : storing
        ? ["busy", "Storing"]
        : ["ok", "All stored"];
    this.at.pill.dataset.state = state;
    this.at.pill.textContent = text;
  }

  /**
   * The classes of which something waits, and that of the page.
   *
   * @param {GridReply["waiting"]} waiting images of each class
   * @param {GridPage | null} page
   */
  choices(waiting, page) {
    const shown = this.classes.filter(({ id }) => String(id) in waiting || id === page?.class_id);
    const options = shown.map(({ id, name }) =>
      Object.assign(make("option", "", `${name} (${waiting[id] ?? 0})`), { value: String(id) }),
    );
    this.at.class.replaceChildren(...options);
    if (page) this.at.class.value = String(page.class_id);
    /** @type {HTMLElement} */ (this.at.class.closest("label")).hidden = !options.length;
  }

  /**
   * What stands in place of a page.
   *
   * @param {GridPage | null} page
   * @param {GridReply["round"] | undefined} round undefined: not asked yet
   * @param {string} awaited what the round waits for
   */
  empty(page, round, awaited) {
    this.at.empty.hidden = Boolean(page);
    this.at.tiles.hidden = !page;
    const [title, text] = instead(round, awaited);
    one(this.at.empty, "h3").textContent = title;
    one(this.at.empty, "p").textContent = text;
  }

  /**
   * @param {string} text
   * @param {boolean} [warn]
   */
  hint(text, warn = false) {
    this.at.hint.textContent = text;
    this.at.hint.classList.toggle("warn", warn);
  }
}

/**
 * @param {GridReply["round"] | undefined} round
 * @param {string} awaited
 */
function instead(round, awaited) {
  if (round === undefined) return ["Opening the grid", "One moment."];
  if (round?.state === "open")
    return ["No images left for the grid", "The remaining images of this round are reserved for other people, were marked as wrong, or belong to the random control slice. They are answered one by one on the Label page."];
  const waiting = awaited ? ` Waiting for ${awaited}.` : "";
  return ["No round is open", `The grid shows the images of an open round, grouped by their most probable class.${waiting}`];
}
