/**
 * Images that were found. A press on an image selects it; what is selected stays here until it is sent, so that
 * selecting costs no request. Every text goes in as text, never as markup.
 */
/** @import { FinderData, Mounted, Tile } from "../shared/types.js" */
import { make, one } from "../shared/dom.js";

/** @typedef {{ids: number[], why: string}} Wish */

class Finder {
  /** @type {Set<number>} */
  chosen = new Set();

  /**
   * @param {HTMLElement} root
   * @param {FinderData} data
   * @param {object} hooks
   * @param {(id: number) => void} hooks.like
   * @param {(wish: Wish) => void} hooks.send
   */
  constructor(root, data, { like, send }) {
    this.data = data;
    this.like = like;
    this.at = {
      tiles: one(root, ".tiles"),
      count: one(root, ".count"),
      all: /** @type {HTMLButtonElement} */ (one(root, ".all")),
      send: /** @type {HTMLButtonElement} */ (one(root, ".send")),
    };
    this.why = Object.assign(/** @type {HTMLInputElement} */ (one(root, "input")), { value: "" });
    one(root, "footer").hidden = !data.may_send || !data.tiles.length;
    this.open = data.tiles.filter(({ free }) => free);
    this.at.tiles.replaceChildren(...data.tiles.map((tile) => this.#tile(tile)));
    this.at.all.onclick = () => this.#all();
    this.at.send.onclick = () => {
      this.at.send.disabled = true;
      send({ ids: [...this.chosen], why: this.why.value });
    };
    this.why.oninput = () => this.#draw();
    this.#draw();
  }

  /** @param {Tile} tile */
  #tile(tile) {
    const node = make("li", tile.free ? "tile free" : "tile");
    node.dataset.id = String(tile.id);
    const picture = make("button", "picture");
    picture.type = "button";
    picture.append(Object.assign(make("img"), { src: tile.image, alt: `Image ${tile.id}`, loading: "lazy" }));
    if (this.data.may_send && tile.free) {
      picture.title = "Select";
      picture.onclick = () => this.#select(tile.id);
    } else {
      picture.title = "More like this";
      picture.onclick = () => this.like(tile.id);
    }
    const told = make("div", "told");
    told.append(
      make("p", tile.label ? "label" : "label none", tile.label || "no label"),
      make("p", "", tile.believed),
    );
    node.append(picture, make("span", "score", tile.score), told, this.#acts(tile));
    if (tile.mark) node.append(make("span", "mark", tile.mark));
    return node;
  }

  /** @param {Tile} tile */
  #acts(tile) {
    const acts = make("div", "acts");
    const more = make("button", "", "More like this");
    more.type = "button";
    more.setAttribute("aria-label", `More like image ${tile.id}`);
    more.onclick = () => this.like(tile.id);
    const past = Object.assign(make("a", "", "History"), { href: tile.history, target: "_self" });
    past.setAttribute("aria-label", `History of image ${tile.id}`);
    acts.append(more, past);
    return acts;
  }

  /** @param {number} id */
  #select(id) {
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.#draw();
  }

  #all() {
    const every = this.open.every(({ id }) => this.chosen.has(id));
    this.chosen = new Set(every ? [] : this.open.map(({ id }) => id));
    this.#draw();
  }

  #draw() {
    for (const node of /** @type {HTMLElement[]} */ ([...this.at.tiles.children])) {
      const chosen = this.chosen.has(Number(node.dataset.id));
      node.classList.toggle("chosen", chosen);
      if (this.data.may_send && node.classList.contains("free"))
        one(node, ".picture").setAttribute("aria-pressed", String(chosen));
    }
    const some = this.chosen.size;
    this.at.count.textContent = some ? `${some} selected` : "Select images";
    this.at.all.disabled = !this.open.length;
    this.at.send.disabled = !some || !this.why.value.trim();
  }
}

/** @param {Mounted<FinderData>} mounted */
export default function ({ data, parentElement, setTriggerValue }) {
  const root = one(parentElement, ".finder");
  const content = JSON.stringify(data);
  if (root.dataset.content === content) return; // drawn already: what is selected stays
  root.dataset.content = content;
  new Finder(root, data, {
    like: (id) => setTriggerValue("like", id),
    send: (wish) => setTriggerValue("send", wish),
  });
}
