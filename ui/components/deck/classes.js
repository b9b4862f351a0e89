/** The class buttons, their keys and groups, and the box that finds one among many. */
/** @import { ClassOfDeck, Suggestion } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
/** @import { Shelf } from "./shelf.js" */
import { make, one } from "../shared/dom.js";
import { Groups } from "./groups.js";

const FINDER = 10; // classes from which on the box to find one is always there
const MANY = 25; // classes from which on favourites and those used last are told apart

export class ClassList {
  /** @type {HTMLButtonElement[]} */
  #matches = [];
  #marked = 0;
  /** @type {Map<number, HTMLButtonElement>} */
  #stars = new Map();
  /** @type {number[]} */
  #likely = [];
  /** @type {HTMLButtonElement[]} what is on screen while nothing is typed */
  order = [];
  /** @type {(id: number) => string} */
  #keyOf = () => "";

  /**
   * @param {DeckParts} at
   * @param {ClassOfDeck[]} classes
   * @param {Shelf} shelf
   * @param {(id: number, event: MouseEvent) => void} choose
   */
  constructor(at, classes, shelf, choose) {
    this.at = at;
    this.shelf = shelf;
    this.choose = choose;
    this.buttons = classes.map((each) => this.#button(each));
    this.many = classes.length >= MANY;
    this.groups = new Groups(classes, this.buttons, () => this.draw());
    this.rows = new Map(this.buttons.map((button) => [button, this.many ? this.#starred(button) : button]));
    at.find.value = "";
    at.finder.hidden = classes.length < FINDER;
    at.find.oninput = () => this.#filter();
    at.find.onkeydown = (event) => this.#navigate(event);
    at.find.onblur = () => this.#close();
    this.draw();
  }

  /** @param {(id: number) => string} keyOf what is printed on the key that now answers with a class */
  printKeys(keyOf) {
    this.#keyOf = keyOf;
    for (const button of this.buttons) {
      const key = this.groups.keyOf(button) || keyOf(Number(button.dataset.id));
      Object.assign(one(button, "kbd"), { textContent: key, hidden: !key });
    }
  }

  /**
   * What the model holds of the image, where the project shows it: its guess, and the most probable classes on top.
   *
   * @param {Suggestion} [suggestion]
   * @param {number[]} [likely]
   */
  suggest(suggestion, likely = []) {
    if (String(likely) !== String(this.#likely)) {
      this.#likely = likely;
      this.draw();
      this.at.classes.scrollTop = 0;
    }
    for (const button of this.buttons) {
      const of = suggestion?.class_id === Number(button.dataset.id) ? suggestion : null;
      button.classList.toggle("suggested", Boolean(of));
      one(button, "small").textContent = of ? `model ${Math.round(100 * of.probability)}%` : "";
    }
  }

  find() {
    this.at.finder.hidden = false;
    this.at.find.focus();
    this.draw();
    this.#filter();
  }

  /**
   * The first or second of two keys that answer with a class of a group.
   *
   * @param {KeyboardEvent} event
   * @param {boolean} taken whether the key by itself answers or commands something
   * @returns {number | null | undefined} the class; null: this was such a key, and answers nothing yet; undefined: no such key
   */
  step(event, taken) {
    const found = this.groups.step(event, taken);
    if (found !== undefined) this.printKeys(this.#keyOf);
    return found;
  }

  /** @param {ClassOfDeck} class_ */
  #button({ id, name }) {
    const button = make("button");
    button.type = "button";
    button.append(make("span", "", name), make("small"), make("kbd"));
    button.dataset.id = String(id);
    button.dataset.name = name.toLowerCase();
    if (name.length > 60) button.title = name; // it may be cut
    button.onclick = (event) => this.choose(id, event);
    return button;
  }

  /** @param {HTMLButtonElement} button with a star beside it, which makes the class a favourite */
  #starred(button) {
    const row = make("div", "row");
    const star = make("button", "star", "★");
    const id = Number(button.dataset.id);
    star.type = "button";
    star.setAttribute("aria-label", `Favourite: ${one(button, "span").textContent}`);
    star.onclick = () => {
      this.shelf.toggle(id);
      this.draw();
    };
    row.append(button, star);
    this.#stars.set(id, star);
    return row;
  }

  /** What is on top: while the box is open what was used last, else what is likely; then favourites. */
  #top() {
    const open = this.#finding();
    const { favourites, used } = this.shelf;
    const first = this.many ? (open ? [...used, ...favourites] : [...this.#likely, ...favourites]) : this.#likely;
    return [...new Set(first)].flatMap((id) => this.buttons.find((button) => Number(button.dataset.id) === id) ?? []);
  }

  #finding() {
    return /** @type {ShadowRoot} */ (this.at.find.getRootNode()).activeElement === this.at.find;
  }

  draw() {
    for (const [id, star] of this.#stars) star.setAttribute("aria-pressed", String(this.shelf.favourites.includes(id)));
    const top = this.#top();
    for (const row of this.rows.values()) row.classList.remove("folded");
    const rest = this.groups.rows((button) => !top.includes(button), (button) => this.rows.get(button) ?? button);
    this.at.classes.replaceChildren(...top.map((button) => this.rows.get(button) ?? button), ...rest);
    const folded = /** @param {HTMLButtonElement} button */ (button) => this.rows.get(button)?.classList.contains("folded");
    this.order = [...top, ...this.buttons.filter((button) => !top.includes(button) && !folded(button))];
  }

  /** Names that start with what was typed come first, then those with a word that does, then the rest that match. */
  #filter() {
    const typed = this.at.find.value.trim().toLowerCase();
    /** @param {HTMLButtonElement} button */
    const place = ({ dataset: { name = "" } }) => {
      if (name.startsWith(typed)) return 0;
      return name.includes(` ${typed}`) ? 1 : name.includes(typed) ? 2 : 3;
    };
    const matching = () => this.buttons.filter((each) => place(each) < 3).sort((a, b) => place(a) - place(b));
    this.#matches = typed ? matching() : this.order;
    this.at.classes.classList.toggle("finding", Boolean(typed));
    for (const [button, row] of this.rows) {
      row.hidden = Boolean(typed) && !this.#matches.includes(button);
      row.style.order = typed ? String(place(button)) : "";
    }
    this.#mark(0);
  }

  /** @param {number} index of the match that Enter takes */
  #mark(index) {
    this.#marked = Math.max(0, Math.min(index, this.#matches.length - 1));
    for (const button of this.buttons) button.classList.toggle("marked", button === this.#matches[this.#marked]);
    this.#matches[this.#marked]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #navigate(event) {
    event.stopPropagation();
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step) this.#mark(this.#marked + step);
    if (event.key === "Enter" && !event.repeat && this.#matches[this.#marked]) this.#matches[this.#marked].click();
    if (event.key === "Escape" || event.key === "Enter") this.at.find.blur();
    if (step || event.key === "Enter") event.preventDefault();
  }

  #close() {
    this.at.find.value = "";
    this.draw();
    this.#filter();
    for (const button of this.buttons) button.classList.remove("marked");
    this.at.finder.hidden = this.buttons.length < FINDER;
  }
}
