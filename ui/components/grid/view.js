/** @import { ClassOfProject, GridPage, GridPool, GridReply } from "../shared/types.js" */
/** @import { GridParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";
import { SIGNED_OUT } from "../shared/link.js";

const LONG = 40; // characters of a name on a button

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
   * @param {number} unseen images that were not on screen yet
   */
  acts(page, marked, may, hasLast, unseen) {
    const { at } = this;
    const rest = (page?.images.length ?? 0) - marked;
    const whole = (page && this.names.get(page.class_id)) ?? "";
    const name = whole.length > LONG ? `${whole.slice(0, LONG - 1)}…` : whole;
    at.accept.hidden = !page;
    at.accept.disabled = !may.accept;
    const said = marked ? `${rest} are ${name}, ${marked} not` : `All ${rest} are ${name}`;
    one(at.accept, "span").textContent = unseen && may.accept ? `Show the next ${unseen}` : said;
    at.undo.hidden = !hasLast;
    at.undo.disabled = !may.undo;
    const extra = page?.extra ? "extra, " : "";
    at.summary.textContent = page ? `${page.images.length} images, ${extra}about ${page.expected_errors.toFixed(1)} expected to be of another class` : "";
  }

  /** @param {GridPool | null} pool what of it is wanted; none: the round */
  source(pool) {
    this.at.source.value = pool?.order ?? "round";
    if (pool) this.at.size.value = String(pool.size);
    /** @type {HTMLElement} */ (this.at.size.closest("label")).hidden = !pool;
  }

  /**
   * How pages of the class went so far.
   *
   * @param {string} words
   * @param {GridPage | null} page
   */
  words(words, page) {
    this.at.words.textContent = page ? words : "";
    this.at.words.hidden = !page || !words;
  }

  /**
   * @param {boolean} storing
   * @param {boolean} opening whether other images were asked for
   * @param {Connection} link
   */
  pill(storing, opening, link) {
    const problem = link.problem === SIGNED_OUT ? `${SIGNED_OUT}: sign in again` : link.problem;
    const [state, text] = link.failures
      ? ["off", `${problem}${storing ? ", this page is not stored yet" : ""}`]
      : storing
        ? ["busy", "Storing"]
        : opening
          ? ["busy", "Opening"]
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
   * @param {GridReply | null} reply none: not asked yet
   * @param {boolean} ofPool whether pages come from the pool
   */
  empty(page, reply, ofPool) {
    this.at.empty.hidden = Boolean(page);
    this.at.tiles.hidden = !page;
    const [title, text] = instead(reply, ofPool);
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
 * @param {GridReply | null} reply
 * @param {boolean} ofPool
 */
function instead(reply, ofPool) {
  if (!reply) return ["Opening the grid", "One moment."];
  if (reply.round?.state === "stopped")
    return ["The project is stopped", "Nobody is asked anything for now, and what you answered is kept. When the project goes on, the next page appears here."];
  if (ofPool && reply.round) return ["Nothing left of the pool to show", reply.words || "All other images are answered, asked about by a round, or on other people's pages."];
  if (reply.round?.state === "open")
    return ["No images left for the grid", "The remaining images of this round are reserved for other people, were marked as wrong, or belong to the random control slice. They are answered one by one on the Label page."];
  const waiting = reply.awaited ? ` Waiting for ${reply.awaited}.` : "";
  return ["No round is open", `The grid shows the images of an open round, grouped by their most probable class, or goes through the rest of the pool.${waiting}`];
}
