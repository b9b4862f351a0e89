/** A person's favourite classes of a project, which go along to other browsers (`own.js`), and those they used last. */
import { inStorage, ours } from "../shared/memory.js";

const USED = 8; // classes

export class Shelf {
  /** @type {number[]} in the order in which they were chosen */
  favourites;
  /** @type {number[]} the last one first */
  used;
  /** A favourite was chosen, or is none any more. */
  onChoice = () => {};

  /**
   * @param {number} annotator
   * @param {number} project
   */
  constructor(annotator, project) {
    this.name = `${ours()}-shelf:${annotator}:${project}`;
    const { favourites = [], used = [] } = inStorage((storage) => JSON.parse(storage.getItem(this.name) ?? "{}"), () => ({}));
    this.favourites = favourites;
    this.used = used;
  }

  /** @param {number} id of the class that an answer names */
  use(id) {
    this.used = [id, ...this.used.filter((each) => each !== id)].slice(0, USED);
    this.#keep();
  }

  /**
   * Make a class a favourite, or no favourite any more; whether it is one now.
   *
   * @param {number} id
   */
  toggle(id) {
    const was = this.favourites.includes(id);
    this.favourites = was ? this.favourites.filter((each) => each !== id) : [...this.favourites, id];
    this.#keep();
    this.onChoice();
    return !was;
  }

  /** @param {number[]} ids as another browser has them */
  take(ids) {
    this.favourites = ids;
    this.#keep();
  }

  #keep() {
    const { favourites, used } = this;
    inStorage((storage) => storage.setItem(this.name, JSON.stringify({ favourites, used })), () => {});
  }
}
