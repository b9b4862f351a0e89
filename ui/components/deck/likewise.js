/** Near copies of the image that was answered last, to be labelled likewise: each can be left out. */
/** @import { DeckParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";
import { GUARD_MS } from "../shared/presence.js";

export class Likewise {
  /** @type {{token: string, class_id: number | null, item_ids: number[]} | null} */
  offer = null;
  /** @type {Set<number>} */
  #out = new Set();
  #shownAt = 0;

  /**
   * @param {DeckParts} at
   * @param {number} project
   * @param {object} hooks
   * @param {() => void} hooks.onAccept
   * @param {() => void} hooks.onDecline
   * @param {AbortSignal} hooks.signal
   */
  constructor(at, project, { onAccept, onDecline, signal }) {
    this.panel = at.likewise;
    this.project = project;
    this.images = one(this.panel, ".copies");
    this.accept = one(this.panel, ".accept");
    this.accept.addEventListener("click", onAccept, { signal });
    one(this.panel, ".decline").addEventListener("click", onDecline, { signal });
    this.panel.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  }

  /**
   * Show an offer, or none.
   *
   * @param {{token: string, item_ids: number[]} | undefined} offer
   * @param {{class_id: number | null} | undefined} answer
   * @param {string} said the answer in a word
   */
  show(offer, answer, said) {
    this.panel.hidden = !offer;
    if (offer?.token === this.offer?.token) return;
    this.offer = offer ? { ...offer, class_id: answer?.class_id ?? null } : null;
    this.#out.clear();
    if (!offer) return;
    this.said = said;
    this.#shownAt = performance.now();
    this.images.replaceChildren(...offer.item_ids.map((id, i) => this.#copy(id, i)));
    this.#count();
  }

  /** What is to be labelled: null while nothing is, or nobody can have looked at it yet. */
  chosen() {
    const { offer } = this;
    const ms = performance.now() - this.#shownAt;
    if (!offer || ms < GUARD_MS) return null;
    const item_ids = offer.item_ids.filter((id) => !this.#out.has(id));
    return item_ids.length ? { ...offer, item_ids, seconds: Math.round(ms) / 1000 } : null;
  }

  /**
   * @param {number} id of the image
   * @param {number} i
   */
  #copy(id, i) {
    const button = make("button");
    button.type = "button";
    const image = Object.assign(make("img"), { src: `./images/${this.project}/${id}/thumbnail`, alt: `Near copy ${i + 1}` });
    button.append(image);
    /** @param {boolean} on */
    const press = (on) => button.setAttribute("aria-pressed", String(on));
    press(true);
    button.onclick = () => {
      if (!this.#out.delete(id)) this.#out.add(id);
      press(!this.#out.has(id));
      this.#count();
    };
    return button;
  }

  #count() {
    const count = (this.offer?.item_ids.length ?? 0) - this.#out.size;
    one(this.accept, "span").textContent = `Label ${count === 1 ? "it" : `these ${count}`} likewise: ${this.said}`;
    /** @type {HTMLButtonElement} */ (this.accept).disabled = !count;
  }
}
