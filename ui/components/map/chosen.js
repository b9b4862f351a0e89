/** What is selected, as pictures that can be taken out one by one, and the forms that act on it. */
/** @import { MapAct, MapData } from "../shared/types.js" */
/** @import { Cloud } from "./cloud.js" */
import { make, one } from "../shared/dom.js";

const SHOWN = 200;
/** How many images at most each act takes: those that are answered at once must all be on screen. */
const MOST = { send: 1_000, label: SHOWN, save: 1_000_000 };

/** @typedef {"send" | "label" | "save"} What */

export class Chosen {
  /** @type {number[]} */
  rows = [];
  /** @type {number | undefined} */
  done;

  /**
   * @param {import("./parts.js").MapParts} at
   * @param {HTMLElement} root
   * @param {object} hooks
   * @param {(row: number) => void} hooks.without
   * @param {(act: MapAct) => void} hooks.act
   */
  constructor(at, root, { without, act }) {
    this.at = at;
    this.without = without;
    this.forms = /** @type {HTMLFormElement[]} */ ([...root.querySelectorAll("form")]);
    for (const form of this.forms) {
      form.onsubmit = (event) => {
        event.preventDefault();
        this.#submit(form, act);
      };
      form.oninput = () => this.#enable();
    }
  }

  /** @param {MapData} data */
  update(data) {
    this.data = data;
    for (const form of this.forms) {
      form.hidden = !data.may.includes(/** @type {What} */ (form.dataset.act));
      const classes = form.querySelector("select");
      if (classes && classes.dataset.of !== JSON.stringify(data.classes)) {
        classes.dataset.of = JSON.stringify(data.classes);
        const choices = data.classes.map(({ id, name }) => new Option(name, String(id)));
        classes.replaceChildren(new Option("choose a class", ""), ...choices);
      }
    }
    if (this.done !== undefined && this.done !== data.done)
      for (const form of this.forms) form.reset();
    this.done = data.done;
    this.#enable();
  }

  /**
   * @param {Cloud} cloud
   * @param {number[]} rows
   */
  show(cloud, rows) {
    this.rows = rows;
    this.cloud = cloud;
    this.at.count.textContent = rows.length ? `${rows.length.toLocaleString("en")} selected` : "Nothing is selected";
    this.at.shown.textContent = rows.length > SHOWN ? `The first ${SHOWN} are shown.` : "";
    this.at.clear.hidden = !rows.length;
    const before = new Map(/** @type {HTMLElement[]} */ ([...this.at.tiles.children]).map((node) => [node.dataset.row, node]));
    this.at.tiles.replaceChildren(...rows.slice(0, SHOWN).map((row) => before.get(String(row)) ?? this.#tile(row)));
    this.#enable();
  }

  /** @param {number} row */
  #tile(row) {
    const cloud = /** @type {Cloud} */ (this.cloud);
    const { project, title } = /** @type {MapData} */ (this.data);
    const id = cloud.ids[row];
    const node = make("li", "tile");
    node.dataset.row = String(row);
    const picture = Object.assign(make("img"), { src: `./images/${project}/${id}/thumbnail`, alt: `Image ${id}`, loading: "lazy" });
    const acts = make("div");
    const query = new URLSearchParams({ project: title, item: String(id) });
    const past = Object.assign(make("a", "", "History"), { href: `./history?${query}`, target: "_self" });
    past.setAttribute("aria-label", `History of image ${id}`);
    const out = make("button", "", "×");
    out.type = "button";
    out.setAttribute("aria-label", `Take image ${id} out`);
    out.onclick = () => this.without(row);
    acts.append(past, out);
    node.append(picture, make("p", "", cloud.named("label", row)), make("p", "soft", `${cloud.named("prediction", row)}?`), acts);
    return node;
  }

  /**
   * @param {HTMLFormElement} form
   * @param {(act: MapAct) => void} act
   */
  #submit(form, act) {
    if (this.#hindrance(form) !== "") return;
    const what = /** @type {What} */ (form.dataset.act);
    const cloud = /** @type {Cloud} */ (this.cloud);
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (one(form, "input, select"));
    one(form, "button").setAttribute("disabled", "");
    const ids = this.rows.map((row) => cloud.ids[row]);
    act(what === "label" ? { what, ids, class_id: Number(field.value) } : { what, ids, words: field.value });
  }

  #enable() {
    for (const form of this.forms) {
      const why = this.#hindrance(form);
      one(form, "button").toggleAttribute("disabled", why !== "");
      one(form, "span").textContent = this.rows.length && why !== " " ? why : "";
    }
  }

  /** Why a form cannot be sent: " " where it is only not filled in yet, "" where it can. */
  #hindrance(/** @type {HTMLFormElement} */ form) {
    const most = MOST[/** @type {What} */ (form.dataset.act)];
    const { value } = /** @type {HTMLInputElement | HTMLSelectElement} */ (one(form, "input, select"));
    if (this.rows.length > most) return `${most.toLocaleString("en")} images at most: select fewer.`;
    return this.rows.length && value.trim() ? "" : " ";
  }
}
