/**
 * The map: images as points in a colour each, and a selection of them that stays here until somebody acts on it, so that
 * selecting costs no request. The legend is a list of buttons: it selects without a pointer, and tells the numbers.
 */
/** @import { MapAct, MapData } from "../shared/types.js" */
/** @import { Tool } from "./hands.js" */
/** @import { MapParts } from "./parts.js" */
/** @import { Scheme } from "./colours.js" */
import { make, one, parts } from "../shared/dom.js";
import { remember, remembered } from "../shared/memory.js";
import { Chosen } from "./chosen.js";
import { Cloud } from "./cloud.js";
import { channels, looks } from "./colours.js";
import { Hands } from "./hands.js";
import { Surface } from "./surface.js";

const REACH = 10; // pixels from the pointer to an image
const TRIES = 4;

export class ImageMap {
  /** @type {Cloud | null} */
  cloud = null;
  selected = new Uint8Array(0);
  #frame = 0;

  /**
   * @param {ShadowRoot} parent
   * @param {MapData} data
   * @param {(act: MapAct) => void} act
   */
  constructor(parent, data, act) {
    const root = one(parent, ".map");
    this.at = /** @type {MapParts} */ (parts(root));
    this.data = data;
    this.surface = new Surface(this.at.canvas);
    this.chosen = new Chosen(this.at, root, { without: (row) => this.#apply([row], "remove"), act });
    this.hands = new Hands(this.surface, this.at.line, {
      moved: () => this.redraw(),
      drawn: (corners) => this.cloud && this.#apply(this.cloud.within(corners)),
      pressed: (spot) => this.#press(this.#near(spot)),
      over: (event) => this.#over(event),
      key: (key) => this.#key(key),
    });
    this.#controls();
    new ResizeObserver(() => {
      this.surface.fit();
      this.redraw();
    }).observe(this.at.stage);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#dress());
    this.#tool(/** @type {Tool} */ (remembered("alflow map tool") ?? "lasso"));
    this.update(data, true);
  }

  /**
   * @param {MapData} data
   * @param {boolean} [first]
   */
  update(data, first = false) {
    const stale = first || data.version !== this.data.version || data.project !== this.data.project;
    this.data = data;
    this.chosen.update(data);
    if (stale) this.#load(data);
  }

  #controls() {
    const { at, surface } = this;
    for (const button of /** @type {HTMLButtonElement[]} */ ([...at.tools.children]))
      button.onclick = () => this.#tool(/** @type {Tool} */ (button.dataset.tool));
    /** @param {() => void} change */
    const view = (change) => () => {
      change();
      this.redraw();
    };
    at.nearer.onclick = view(() => surface.nearer(1.6));
    at.farther.onclick = view(() => surface.nearer(1 / 1.6));
    at.fit.onclick = view(() => surface.whole());
    at.seen.onclick = () => this.#key("s");
    at.clear.onclick = () => this.#key("Escape");
    at.field.onchange = () => {
      remember("alflow map field", at.field.value);
      this.#dress();
    };
    at.slice.onchange = () => {
      const found = this.cloud?.slices[Number(at.slice.value)];
      if (found && at.slice.value) this.#apply(found.rows);
      at.slice.value = "";
    };
  }

  /** @param {Tool} tool */
  #tool(tool) {
    this.hands.tool = tool;
    this.at.canvas.dataset.tool = tool;
    remember("alflow map tool", tool);
    for (const button of /** @type {HTMLButtonElement[]} */ ([...this.at.tools.children]))
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }

  /**
   * @param {MapData} data
   * @param {number} [tries]
   */
  async #load(data, tries = 1) {
    try {
      const reply = await fetch(`./map/${data.project}/points?version=${data.version}`);
      if (reply.status === 503 && tries < TRIES) throw new TypeError("busy");
      if (!reply.ok) {
        this.#say((await reply.json()).reason ?? "The images cannot be had: reload the page.");
        return;
      }
      const content = await reply.arrayBuffer();
      if (data.version === this.data.version) this.#show(new Cloud(content));
    } catch (error) {
      if (tries >= TRIES || !(error instanceof TypeError)) {
        this.#say("The images cannot be loaded: reload the page.");
        return;
      }
      setTimeout(() => data.version === this.data.version && this.#load(data, tries + 1), 700 * tries);
    }
  }

  /** @param {string} words */
  #say(words) {
    this.at.wait.hidden = !words;
    this.at.wait.textContent = words;
  }

  /** @param {Cloud} cloud */
  #show(cloud) {
    const before = this.cloud;
    const kept = new Set(before ? this.chosen.rows.map((row) => before.ids[row]) : []);
    this.cloud = cloud;
    this.selected = Uint8Array.from(cloud.ids, (id) => Number(kept.has(id)));
    const wanted = this.at.field.value || remembered("alflow map field") || "label";
    this.at.field.replaceChildren(...cloud.fields.map(({ key, title }) => new Option(title, key)));
    this.at.field.value = cloud.field(wanted).key;
    this.at.slices.hidden = !cloud.slices.length;
    const slices = cloud.slices.map(({ name, rows }, place) => new Option(`${name} (${rows.length})`, String(place)));
    this.at.slice.replaceChildren(new Option("choose a slice", ""), ...slices);
    const many = cloud.count.toLocaleString("en");
    this.at.canvas.setAttribute("aria-label", `Map of ${many} images by ${cloud.words}. The list of groups tells how many are in each.`);
    this.#say("");
    this.at.tiles.replaceChildren();
    this.#dress();
    this.#count();
  }

  /** Colours and legend of the chosen field, on this paper. */
  #dress() {
    if (!this.cloud) return;
    const field = this.cloud.field(this.at.field.value);
    const style = getComputedStyle(this.at.canvas);
    const [ink, paper] = [hex(style.color), hex(getComputedStyle(this.at.tip).backgroundColor)];
    const [red, green, blue] = channels(paper);
    const scheme = /** @type {Scheme} */ (0.3 * red + 0.6 * green + 0.1 * blue > 128 ? "light" : "dark");
    this.style = { looks: looks(field, scheme), codes: field.codes, ink, paper };
    this.at.title.textContent = field.title;
    const codes = [...field.names.keys()].filter((code) => field.counts[code]);
    if (field.kind === "kinds") codes.sort((a, b) => Number(!a) - Number(!b) || field.counts[b] - field.counts[a]);
    this.at.legend.replaceChildren(...codes.map((code) => this.#group(code)));
    this.#mark();
    this.redraw();
  }

  /** @param {number} code */
  #group(code) {
    const cloud = /** @type {Cloud} */ (this.cloud);
    const field = cloud.field(this.at.field.value);
    const { colour, ring } = /** @type {NonNullable<typeof this.style>} */ (this.style).looks[code];
    const node = make("li");
    const button = make("button");
    button.type = "button";
    button.dataset.code = String(code);
    const dot = make("span", ring ? "dot ring" : "dot");
    dot.style.setProperty("--dot", colour);
    const name = make("span", "name", field.names[code]);
    name.title = field.names[code];
    button.append(dot, name, make("span", "number", field.counts[code].toLocaleString("en")));
    button.onclick = () => {
      const whole = button.getAttribute("aria-pressed") === "true";
      this.#apply(cloud.having(field.key, code), whole ? "remove" : this.at.mode.value);
    };
    node.append(button);
    return node;
  }

  /** Which groups of the legend are selected as a whole. */
  #mark() {
    if (!this.cloud) return;
    const { codes, counts } = this.cloud.field(this.at.field.value);
    const found = new Uint32Array(counts.length);
    for (const row of this.chosen.rows) found[codes[row]] += 1;
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.at.legend.querySelectorAll("button"))) {
      const code = Number(button.dataset.code);
      button.setAttribute("aria-pressed", String(found[code] === counts[code]));
    }
  }

  /**
   * @param {ArrayLike<number>} rows
   * @param {string} mode
   */
  #apply(rows, mode = this.at.mode.value) {
    const before = this.selected;
    if (mode === "keep") {
      this.selected = new Uint8Array(before.length);
      for (let at = 0; at < rows.length; at++) this.selected[rows[at]] = before[rows[at]];
    } else for (let at = 0; at < rows.length; at++) before[rows[at]] = Number(mode === "add");
    this.#count();
  }

  #count() {
    const rows = /** @type {number[]} */ ([]);
    for (let row = 0; row < this.selected.length; row++) if (this.selected[row]) rows.push(row);
    if (this.cloud) this.chosen.show(this.cloud, rows);
    this.#mark();
    this.redraw();
  }

  /** @param {number} row of the image that was pressed */
  #press(row) {
    if (row >= 0) this.#apply([row], this.selected[row] ? "remove" : "add");
  }

  /** @param {string} key */
  #key(key) {
    if (key === "s" || key === "S") {
      if (this.cloud) this.#apply(this.cloud.within(this.surface.corners()));
    } else if (key === "Escape") {
      this.selected.fill(0);
      this.#count();
    } else return false;
    return true;
  }

  /** @param {import("./cloud.js").Spot} spot */
  #near(spot) {
    const reach = (REACH * (this.surface.ratio ?? 1)) / this.surface.scale;
    return this.cloud ? this.cloud.nearest(spot, reach) : -1;
  }

  /** @param {PointerEvent | null} event */
  #over(event) {
    const { tip, stage } = this.at;
    const row = event ? this.#near(this.surface.spot(event)) : -1;
    if (row < 0 || !event || !this.cloud) {
      tip.hidden = true;
      return;
    }
    const id = this.cloud.ids[row];
    if (tip.dataset.id !== String(id) || tip.hidden) {
      tip.dataset.id = String(id);
      const image = /** @type {HTMLImageElement} */ (one(tip, "img"));
      image.src = `./images/${this.data.project}/${id}/thumbnail`;
      one(tip, "figcaption").textContent = this.#told(row);
    }
    tip.hidden = false;
    const { left, top, width, height } = stage.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    tip.style.left = `${x + 200 > width ? x - 200 : x + 16}px`;
    tip.style.top = `${Math.max(4, Math.min(y - 40, height - tip.offsetHeight - 4))}px`;
  }

  /** @param {number} row */
  #told(row) {
    const cloud = /** @type {Cloud} */ (this.cloud);
    const field = this.at.field.value;
    const lines = [`Image ${cloud.ids[row]}, ${cloud.named("split", row)}`, cloud.named("label", row), `${cloud.named("prediction", row)}?`];
    if (!["label", "prediction", "split"].includes(field)) lines.push(`${cloud.field(field).title}: ${cloud.named(field, row)}`);
    return lines.join("\n");
  }

  redraw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => {
      if (!this.cloud || !this.style) return;
      const start = performance.now();
      this.surface.draw(this.cloud, this.style, this.selected, this.chosen.rows.length > 0);
      this.at.canvas.dataset.ms = (performance.now() - start).toFixed(1);
    });
  }
}

/** @param {string} colour as the browser computes it: `rgb(1, 2, 3)` */
function hex(colour) {
  const numbers = (colour.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
  return `#${numbers.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
}

/** @type {WeakMap<ShadowRoot, ImageMap>} */
const maps = new WeakMap();

/**
 * The map of an element: made once, so that the selection and the view outlive a run of the page's script.
 *
 * @param {ShadowRoot} parent
 * @param {MapData} data
 * @param {(act: MapAct) => void} act
 */
export function mapOf(parent, data, act) {
  const known = maps.get(parent);
  if (known && known.data.project === data.project) known.update(data);
  else maps.set(parent, new ImageMap(parent, data, act));
}
