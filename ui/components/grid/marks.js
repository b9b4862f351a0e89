/** The images that are marked as wrong on a page; the browser keeps them, so that a reload loses none. */
import { forget, remember, remembered } from "../shared/memory.js";

export class Marks {
  /** @type {Set<number>} */
  #wrong = new Set();
  #token = "";

  /** @param {string} name under which the browser keeps them */
  constructor(name) {
    this.name = name;
  }

  get size() {
    return this.#wrong.size;
  }

  /** @param {number} id of a candidate */
  has(id) {
    return this.#wrong.has(id);
  }

  /** @param {number} id of a candidate */
  toggle(id) {
    if (!this.#wrong.delete(id)) this.#wrong.add(id);
    remember(this.name, JSON.stringify({ token: this.#token, wrong: [...this.#wrong] }));
  }

  /** @param {string} token of the page that is on screen: of another one no mark counts */
  of(token) {
    if (token === this.#token) return;
    const kept = JSON.parse(remembered(this.name) ?? "{}");
    this.#token = token;
    this.#wrong = new Set(kept.token === token ? kept.wrong : []);
    if (kept.token !== token) forget(this.name);
  }
}
