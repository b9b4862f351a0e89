/** Examples of two classes side by side: the two that the model holds most probable, or two that somebody chooses. */
/** @import { DeckData, Entry, GuideReply } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
/** @import { Shelf } from "./shelf.js" */
import { make } from "../shared/dom.js";

const FRESH_MS = 60000; // examples change with the answers of others

export class Compare {
  /** @type {[number, number]} */
  #pair;
  /** @type {Record<number, number[]> | null} */
  #examples = null;
  #askedAt = -FRESH_MS;
  onOpen = () => {};

  /**
   * @param {DeckParts} at
   * @param {DeckData} data
   * @param {Shelf} shelf
   * @param {AbortSignal} signal
   */
  constructor(at, data, shelf, signal) {
    this.panel = at.compare;
    this.button = at.compare_button;
    this.data = data;
    const [first = 0, second = first] = [...new Set([...shelf.used, ...data.classes.map(({ id }) => id)])];
    this.#pair = [first, second];
    this.button.hidden = data.classes.length < 2;
    this.button.addEventListener("click", () => this.toggle(), { signal });
  }

  toggle() {
    this.panel.hidden = !this.panel.hidden;
    this.button.setAttribute("aria-expanded", String(!this.panel.hidden));
    this.#draw();
    if (this.panel.hidden) return;
    this.#ask();
    this.onOpen();
  }

  close() {
    if (!this.panel.hidden) this.toggle();
  }

  /** The two classes whose examples are on screen, for the record. */
  get shown() {
    return this.panel.hidden ? null : this.#pair;
  }

  /** @param {Entry | null} entry another image is on screen: its two rivals, where they may be known */
  follow(entry) {
    if (entry?.rivals?.length !== 2) return;
    this.#pair = [entry.rivals[0], entry.rivals[1]];
    this.#draw();
    if (!this.panel.hidden) this.#ask();
  }

  async #ask() {
    if (performance.now() - this.#askedAt < FRESH_MS) return;
    this.#askedAt = performance.now();
    try {
      const response = await fetch(`./desk/${this.data.project}/guide`);
      if (!response.ok) throw new Error(String(response.status));
      this.#examples = /** @type {GuideReply} */ (await response.json()).examples;
    } catch {
      this.#askedAt = -FRESH_MS;
    }
    this.#draw();
  }

  #draw() {
    if (!this.panel.hidden) this.panel.replaceChildren(this.#side(0), this.#side(1));
  }

  /** @param {0 | 1} side */
  #side(side) {
    const id = this.#pair[side];
    const { classes, project } = this.data;
    const column = make("div", "side");
    const choice = make("select");
    choice.setAttribute("aria-label", side ? "Second class" : "First class");
    choice.append(...classes.map((each) => Object.assign(make("option", "", each.name), { value: String(each.id), selected: each.id === id })));
    choice.onchange = () => {
      this.#pair[side] = Number(choice.value);
      this.#draw();
    };
    const name = classes.find((each) => each.id === id)?.name ?? "";
    const images = (this.#examples?.[id] ?? []).map((item) =>
      Object.assign(make("img"), { src: `./images/${project}/${item}/thumbnail`, alt: `Example of ${name}` }),
    );
    column.append(choice, ...(images.length ? images : [make("p", "soft", this.#examples ? "No example yet" : "Loading")]));
    return column;
  }
}
