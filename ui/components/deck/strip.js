/** Other images of the same thing, beside the image to label; any of them can be looked at large. */
/** @import { Entry } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";

export class Strip {
  #drawn = "";

  /**
   * @param {DeckParts} at
   * @param {number} project
   * @param {AbortSignal} signal
   */
  constructor(at, project, signal) {
    this.strip = at.strip;
    this.peek = at.peek;
    this.project = project;
    this.peek.addEventListener("click", () => this.close(), { signal });
    window.addEventListener("keydown", (event) => event.key === "Escape" && this.close(), { capture: true, signal });
    this.strip.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  }

  /** Whether another image than the one to label is in front. */
  get covers() {
    return !this.peek.hidden;
  }

  close() {
    this.peek.hidden = true;
  }

  /**
   * Show the group of an entry.
   *
   * @param {Entry | null} entry
   * @param {(item: number, class_id: number | null) => string} said what this person said of an image; empty for nothing
   */
  show(entry, said) {
    const group = entry?.group;
    this.strip.hidden = !group;
    const images = (group?.images ?? []).map(([id, class_id]) => ({ id, words: said(id, class_id) }));
    const drawn = JSON.stringify([entry?.candidate_id, images]);
    if (drawn === this.#drawn) return; // a button that is replaced under the pointer misses its click
    this.#drawn = drawn;
    this.strip.setAttribute("aria-label", `Images of ${group?.name ?? ""}`);
    this.strip.replaceChildren(
      make("p", "", group?.name ?? ""),
      ...images.map(({ id, words }, i) => this.#image(id, i + 1, words, id === entry?.item_id)),
    );
    one(this.strip, "p").title = group?.name ?? "";
    if (group) one(this.strip, "[aria-current]").scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /**
   * @param {number} id
   * @param {number} place
   * @param {string} words
   * @param {boolean} here whether this is the image to label
   */
  #image(id, place, words, here) {
    const button = make("button");
    button.type = "button";
    const image = Object.assign(make("img"), { src: `./images/${this.project}/${id}/thumbnail`, alt: `Image ${place}` });
    button.append(image, make("span", "", here ? "This one" : words));
    if (here) button.setAttribute("aria-current", "true");
    button.onclick = () => (here ? this.close() : this.#look(id, place));
    return button;
  }

  /**
   * @param {number} id
   * @param {number} place
   */
  #look(id, place) {
    Object.assign(one(this.peek, "img"), { src: `./images/${this.project}/${id}/rendition`, alt: `Image ${place} of the group` });
    this.peek.hidden = false;
  }
}
