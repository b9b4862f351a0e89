/** The class buttons, their keys, and the box that finds one among many. */
class ClassList {
  constructor(at, classes, choose) {
    this.at = at;
    this.choose = choose;
    this.keys = new Map(classes.filter((each) => each.key).map((each) => [each.key.toLowerCase(), each.id]));
    this.buttons = classes.map((each) => this.#button(each));
    at.classes.replaceChildren(...this.buttons);
    at.find.value = "";
    at.finder.hidden = classes.length < 10;
    at.find.oninput = () => this.#filter();
    at.find.onkeydown = (event) => this.#navigate(event);
    at.find.onblur = () => this.#close();
  }

  byKey(key) {
    return this.keys.get(key.toLowerCase());
  }

  find() {
    this.at.finder.hidden = false;
    this.at.find.focus();
    this.#filter();
  }

  #button({ id, name, key }) {
    const button = document.createElement("button");
    const label = document.createElement("span");
    label.textContent = name;
    button.type = "button";
    button.append(label);
    if (key) button.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    button.dataset.name = name.toLowerCase();
    button.onclick = () => this.choose(id);
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

/** Everything around the image, drawn from values. */
class View {
  constructor(at, data) {
    this.at = at;
    this.data = data;
    this.names = new Map(data.classes.map((each) => [each.id, each.name]));
  }

  progress(round, pending) {
    const total = round?.total ?? 0;
    const answered = Math.min(total, (round?.answered ?? 0) + pending);
    this.at.title.textContent = this.data.title;
    this.at.round.textContent = round ? `Round ${round.number}` : "";
    this.at.count.textContent = round ? `${answered} of ${total}` : "";
    this.at.bar.hidden = !round;
    this.at.bar.setAttribute("aria-valuenow", answered);
    this.at.bar.setAttribute("aria-valuemax", total);
    this.at.bar.firstElementChild.style.width = `${total ? (100 * answered) / total : 0}%`;
  }

  pill(waiting, failures, problem) {
    const kept = waiting ? `, ${waiting} kept in this browser` : "";
    const [state, text] = failures
      ? ["off", `${problem}${kept}`]
      : waiting
        ? ["busy", `Storing ${waiting}`]
        : ["ok", "All answers stored"];
    this.at.pill.dataset.state = state;
    this.at.pill.textContent = text;
  }

  empty(round, current) {
    this.at.empty.hidden = Boolean(current);
    if (current) return;
    const [title, text] = this.#nothing(round);
    this.at.empty.querySelector("h3").textContent = title;
    this.at.empty.querySelector("p").textContent = text;
  }

  recent(answers, undo) {
    const known = new Map([...this.at.recent.children].map((node) => [node.dataset.token, node]));
    this.at.recent.replaceChildren(...answers.map((answer) => known.get(answer.token) ?? this.#chip(answer, undo)));
    answers.forEach((answer, i) => this.at.recent.children[i].classList.toggle("stored", answer.stored));
    this.at.undo.disabled = !answers.length;
  }

  #chip(answer, undo) {
    const name = answer.verdict === "skip" ? "Skipped" : (this.names.get(answer.class_id) ?? "?");
    const chip = document.createElement("button");
    chip.type = "button";
    chip.dataset.token = answer.token;
    chip.title = `${name}: click to take this answer back`;
    chip.classList.toggle("skipped", answer.verdict === "skip");
    chip.append(
      Object.assign(document.createElement("img"), { src: `/images/${this.data.project}/${answer.item_id}/thumbnail`, alt: "" }),
      Object.assign(document.createElement("span"), { textContent: name }),
    );
    chip.onclick = () => undo(answer.token);
    return chip;
  }

  #nothing(round) {
    if (round === undefined) return ["Opening the queue", "One moment."];
    if (round === null)
      return ["No round is open yet", "The schedule opens one as soon as images, classes and a posterior are there. The first image appears here by itself."];
    if (round.state === "labelled")
      return [`Round ${round.number} is labelled`, "The schedule now fits the model, measures what your answers brought, and opens the next round. The next image appears here by itself."];
    if (round.state === "closed")
      return [`Round ${round.number} is closed`, "No further round is open. What it brought stands on the Rounds page; the next image, if there is one, appears here by itself."];
    return ["Nothing left for you in this round", `${round.total - round.answered} images are with other people or need another person's answer. If one comes free, it appears here by itself.`];
  }
}
