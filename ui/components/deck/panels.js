/** What lies beside the image: the project's guidelines with examples of each class, and the list of keys. */
class Guide {
  static STORED = "alflow-guide";

  constructor(at, data, signal) {
    [this.panel, this.button, this.data] = [at.guide, at.guide_button, data];
    this.button.addEventListener("click", () => this.toggle(), { signal });
    let open = false;
    try {
      open = window.localStorage.getItem(Guide.STORED) === "open";
    } catch {
      open = false; // nothing remembered
    }
    this.#set(open);
  }

  toggle() {
    this.#set(this.panel.hidden);
    try {
      window.localStorage.setItem(Guide.STORED, this.panel.hidden ? "" : "open");
    } catch {
      return; // not remembered
    }
  }

  #set(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.#fill();
  }

  async #fill() {
    try {
      const response = await fetch(`/desk/${this.data.project}/guide`);
      if (!response.ok) throw new Error(String(response.status));
      this.#draw(await response.json());
    } catch {
      this.panel.replaceChildren(make("p", "soft", "The guidelines cannot be loaded right now."));
    }
  }

  /** `html` is Markdown rendered by the server, without any HTML of its author. */
  #draw({ html, examples }) {
    const text = make("div", "prose");
    text.innerHTML = html || "<p>This project has no guidelines yet.</p>";
    const shown = this.data.classes.filter(({ id }) => examples[id]?.length);
    const rows = shown.map(({ id, name }) => {
      const row = make("figure", "example");
      const images = examples[id].map((item) =>
        Object.assign(make("img"), { src: `/images/${this.data.project}/${item}/thumbnail`, alt: `Example of ${name}`, loading: "lazy" }),
      );
      row.append(make("figcaption", "", name), ...images);
      return row;
    });
    this.panel.replaceChildren(text, ...(rows.length ? [make("h3", "", "Examples"), ...rows] : []));
  }
}

class KeyHelp {
  constructor(at, keys, onChange, signal) {
    [this.dialog, this.keys, this.onChange] = [at.help, keys, onChange];
    at.keys_button.addEventListener("click", () => this.open(), { signal });
    this.dialog.querySelector("button").addEventListener("click", () => this.dialog.close(), { signal });
  }

  open() {
    this.#draw();
    this.dialog.showModal();
  }

  #draw() {
    const [sets, list] = this.dialog.querySelectorAll("fieldset, dl");
    const choices = Object.entries(KEY_SETS).map(([name, set]) => {
      const input = Object.assign(make("input"), { type: "radio", name: "keys", value: name, checked: name === this.keys.name });
      input.onchange = () => {
        this.keys.choose(name);
        this.onChange();
        this.#draw();
      };
      const label = make("label");
      label.append(input, make("strong", "", set.title), make("span", "soft", set.about));
      return label;
    });
    sets.replaceChildren(sets.firstElementChild, ...choices);
    const rows = Object.entries(WORDS).flatMap(([command, words]) => [make("dt", "", words), this.#key(command)]);
    list.replaceChildren(...rows);
  }

  #key(command) {
    const cell = make("dd");
    cell.append(make("kbd", "", this.keys.commandKey(command)));
    return cell;
  }
}

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}
