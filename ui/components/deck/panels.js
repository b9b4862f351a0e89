/** What lies beside the image: the project's guidelines with examples of each class, and the list of keys. */
/** @import { DeckData, GuideReply } from "../shared/types.js" */
/** @import { Command, Keys } from "./keys.js" */
/** @import { DeckParts } from "./parts.js" */
import { make, one } from "../shared/dom.js";
import { remember, remembered } from "../shared/memory.js";
import { KEY_SETS, WORDS } from "./keys.js";

const STORED = "alflow-guide";

export class Guide {
  onOpen = () => {};

  /**
   * @param {DeckParts} at
   * @param {DeckData} data
   * @param {AbortSignal} signal
   */
  constructor(at, data, signal) {
    this.panel = at.guide;
    this.button = at.guide_button;
    this.data = data;
    this.button.addEventListener("click", () => this.toggle(), { signal });
    this.#set(remembered(STORED) === "open");
  }

  toggle() {
    this.#set(Boolean(this.panel.hidden));
    remember(STORED, this.panel.hidden ? "" : "open");
    if (!this.panel.hidden) this.onOpen();
  }

  close() {
    if (!this.panel.hidden) this.toggle();
  }

  /** @param {boolean} open */
  #set(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.#fill();
  }

  async #fill() {
    try {
      const response = await fetch(`./desk/${this.data.project}/guide`);
      if (!response.ok) throw new Error(String(response.status));
      this.#draw(await response.json());
    } catch {
      this.panel.replaceChildren(make("p", "soft", "The guidelines cannot be loaded right now."));
    }
  }

  /** @param {GuideReply} reply whose `html` is Markdown rendered by the server, without any HTML of its author */
  #draw({ html, examples }) {
    const text = make("div", "prose");
    text.innerHTML = html || "<p>This project has no guidelines yet.</p>";
    const shown = this.data.classes.filter(({ id }) => examples[id]?.length);
    const rows = shown.map(({ id, name }) => {
      const row = make("figure", "example");
      const images = examples[id].map((item) =>
        Object.assign(make("img"), { src: `./images/${this.data.project}/${item}/thumbnail`, alt: `Example of ${name}`, loading: "lazy" }),
      );
      row.append(make("figcaption", "", name), ...images);
      return row;
    });
    this.panel.replaceChildren(text, ...(rows.length ? [make("h3", "", "Examples"), ...rows] : []));
  }
}

export class KeyHelp {
  /**
   * @param {DeckParts} at
   * @param {Keys} keys
   * @param {() => void} onChange
   * @param {AbortSignal} signal
   */
  constructor(at, keys, onChange, signal) {
    this.dialog = at.help;
    this.keys = keys;
    this.onChange = onChange;
    at.keys_button.addEventListener("click", () => this.open(), { signal });
    one(this.dialog, "button").addEventListener("click", () => this.dialog.close(), { signal });
  }

  open() {
    this.#draw();
    this.dialog.showModal();
  }

  #draw() {
    const sets = one(this.dialog, "fieldset");
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
    sets.replaceChildren(one(sets, "legend"), ...choices);
    const commands = /** @type {[Command, string][]} */ (Object.entries(WORDS));
    const rows = commands.flatMap(([command, words]) => [make("dt", "", words), this.#key(command)]);
    one(this.dialog, "dl").replaceChildren(...rows);
  }

  /** @param {Command} command */
  #key(command) {
    const cell = make("dd");
    cell.append(make("kbd", "", this.keys.commandKey(command)));
    return cell;
  }
}
