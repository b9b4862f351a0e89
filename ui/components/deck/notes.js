/** The line that asks for words: a comment on the image on screen, or what a class that fits would be called. */
/** @import { Entry } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
import { one } from "../shared/dom.js";

/** @typedef {"comment" | "none"} Asked */

/** @type {Record<Asked, [label: string, hint: string]>} */
const ASKS = {
  comment: ["Comment on this image", "It is stored with your answer"],
  none: ["None of these. What is it?", "A class name, if you know one; press Enter to answer"],
};

export class Notes {
  /** @type {{kind: Asked, entry: Entry} | null} */
  #asked = null;
  /** @type {Map<number, string>} candidate id -> what was said of it, until it is answered */
  #comments = new Map();

  /**
   * @param {DeckParts} at
   * @param {object} hooks
   * @param {(entry: Entry, words: string) => void} hooks.onComment
   * @param {(entry: Entry, words: string) => void} hooks.onNone
   * @param {AbortSignal} hooks.signal
   */
  constructor(at, { onComment, onNone, signal }) {
    this.form = at.note;
    this.tag = at.comment_tag;
    this.label = /** @type {Text} */ (one(this.form, "label").firstChild);
    this.input = /** @type {HTMLInputElement} */ (one(this.form, "input"));
    this.take = { comment: onComment, none: onNone };
    this.form.addEventListener("submit", (event) => this.#submit(event), { signal });
    one(this.form, "[type=button]").addEventListener("click", () => this.close(), { signal });
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.close(), { signal });
  }

  /**
   * Ask about this entry; the words stay with it, whatever comes on screen meanwhile.
   *
   * @param {Asked} kind
   * @param {Entry} entry
   */
  ask(kind, entry) {
    this.#asked = { kind, entry };
    const [label, hint] = ASKS[kind];
    this.label.textContent = label;
    this.input.placeholder = hint;
    this.input.maxLength = kind === "none" ? 200 : 2000;
    this.input.value = kind === "comment" ? this.of(entry) : "";
    this.form.hidden = false;
    this.input.focus();
  }

  close() {
    this.form.hidden = true;
    this.#asked = null;
    this.input.blur();
  }

  /** @param {Entry | null} entry */
  of(entry) {
    return (entry && this.#comments.get(entry.candidate_id)) ?? "";
  }

  /**
   * The entry on screen changed: a line that asks about another one goes, its comment is shown.
   *
   * @param {Entry | null} entry
   */
  follow(entry) {
    if (this.#asked && this.#asked.entry.candidate_id !== entry?.candidate_id) this.close();
    this.tag.textContent = this.of(entry);
    this.tag.hidden = !this.tag.textContent;
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    if (!this.#asked) return;
    const { kind, entry } = this.#asked;
    const words = this.input.value.trim();
    this.close();
    if (kind === "comment") this.#comments.set(entry.candidate_id, words);
    this.take[kind](entry, words);
  }
}
