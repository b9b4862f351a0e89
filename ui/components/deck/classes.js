/** The class buttons, their keys, and the box that finds one among many. */
class ClassList {
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

  /** Print on each button the key that now answers with its class. */
  printKeys(keyOf) {
    for (const button of this.buttons) {
      const key = keyOf(Number(button.dataset.id));
      button.querySelector("kbd").textContent = key;
      button.querySelector("kbd").hidden = !key;
    }
  }

  /** Mark the class that the model holds most probable, where the project shows it. */
  suggest(suggestion) {
    for (const button of this.buttons) {
      const is = suggestion?.class_id === Number(button.dataset.id);
      button.classList.toggle("suggested", is);
      button.querySelector("small").textContent = is ? `model ${Math.round(100 * suggestion.probability)}%` : "";
    }
  }

  find() {
    this.at.finder.hidden = false;
    this.at.find.focus();
    this.#filter();
  }

  #button({ id, name }) {
    const button = make("button");
    button.type = "button";
    button.append(make("span", "", name), make("small"), make("kbd"));
    button.dataset.id = id;
    button.dataset.name = name.toLowerCase();
    button.onclick = (event) => this.choose(id, event);
    return button;
  }

  /** Names that start with what was typed come first, then those with a word that does, then the rest that match. */
  #filter() {
    const typed = this.at.find.value.trim().toLowerCase();
    const place = ({ dataset: { name } }) => {
      if (name.startsWith(typed)) return 0;
      return name.includes(` ${typed}`) ? 1 : name.includes(typed) ? 2 : 3;
    };
    this.matches = typed ? this.buttons.filter((b) => place(b) < 3).sort((a, b) => place(a) - place(b)) : this.buttons;
    for (const button of this.buttons) {
      button.hidden = !this.matches.includes(button);
      button.style.order = typed ? place(button) : "";
    }
    this.#mark(0);
  }

  #mark(index) {
    this.marked = Math.max(0, Math.min(index, this.matches.length - 1));
    this.buttons.forEach((button) => button.classList.toggle("marked", button === this.matches[this.marked]));
    this.matches[this.marked]?.scrollIntoView({ block: "nearest" });
  }

  #navigate(event) {
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.#mark(this.marked + step);
    if (event.key === "Enter" && !event.repeat && this.matches[this.marked]) this.matches[this.marked].click();
    if (event.key === "Escape" || event.key === "Enter") this.at.find.blur();
    if (step || event.key === "Enter") event.preventDefault();
  }

  #close() {
    this.at.find.value = "";
    this.#filter();
    this.buttons.forEach((button) => button.classList.remove("marked"));
    this.at.finder.hidden = this.buttons.length < 10;
  }
}
