/** The class buttons, their keys, and the box that finds one among many. */
/** @import { ClassOfProject, Suggestion } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";

export class ClassList {
  /** @type {HTMLButtonElement[]} */
  #matches = [];
  #marked = 0;

  /**
   * @param {DeckParts} at
   * @param {ClassOfProject[]} classes
   * @param {(id: number, event: MouseEvent) => void} choose
   */
  constructor(at, classes, choose) {
    this.at = at;
    this.choose = choose;
    this.buttons = classes.map((each) => this.#button(each));
    at.classes.replaceChildren(...this.buttons);
    at.find.value = "";
    at.finder.hidden = classes.length < 10;
    at.find.oninput = () => this.#filter();
    at.find.onkeydown = (event) => this.#navigate(event);
    at.find.onblur = () => this.#close();
  }

  /** @param {(id: number) => string} keyOf what is printed on the key that now answers with a class */
  printKeys(keyOf) {
    for (const button of this.buttons) {
      const key = keyOf(Number(button.dataset.id));
      Object.assign(one(button, "kbd"), { textContent: key, hidden: !key });
    }
  }

  /** @param {Suggestion} [suggestion] the class that the model holds most probable, where the project shows it */
  suggest(suggestion) {
    for (const button of this.buttons) {
      const of = suggestion?.class_id === Number(button.dataset.id) ? suggestion : null;
      button.classList.toggle("suggested", Boolean(of));
      one(button, "small").textContent = of ? `model ${Math.round(100 * of.probability)}%` : "";
    }
  }

  find() {
    this.at.finder.hidden = false;
    this.at.find.focus();
    this.#filter();
  }

  /** @param {ClassOfProject} class_ */
  #button({ id, name }) {
    const button = make("button");
    button.type = "button";
    button.append(make("span", "", name), make("small"), make("kbd"));
    button.dataset.id = String(id);
    button.dataset.name = name.toLowerCase();
    button.onclick = (event) => this.choose(id, event);
    return button;
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
    this.#matches = typed ? matching() : this.buttons;
    for (const button of this.buttons) {
      button.hidden = !this.#matches.includes(button);
      button.style.order = typed ? String(place(button)) : "";
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
    this.#filter();
    for (const button of this.buttons) button.classList.remove("marked");
    this.at.finder.hidden = this.buttons.length < 10;
  }
}
