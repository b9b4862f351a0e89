/**
 * The grid: a page of images that one token names from the moment it is shown. What is sent names every image that was
 * on screen, as accepted or as wrong; the page stays until the server has said that it is stored.
 */
/** @import { GridData, GridImage, GridPage, GridPool, GridReply, PageEvent } from "../shared/types.js" */
/** @import { GridParts } from "./parts.js" */
import { isTyping, make, one, parts } from "../shared/dom.js";
import { Link } from "../shared/link.js";
import { ours, remember, remembered } from "../shared/memory.js";
import { GUARD_MS, Presence } from "../shared/presence.js";
import { Marks } from "./marks.js";
import { Pending } from "./pending.js";
import { onLongPress } from "./press.js";
import { Seen } from "./seen.js";
import { GridView } from "./view.js";

const POLL_MS = 4000; // while there is nothing to show
/** @type {Record<string, [dx: number, dy: number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Grid {
  /** @type {number | null} the class that is wanted; none: the one of which most waits */
  classId = null;
  /** @type {GridPool | null} what of the pool is wanted; none: the round */
  pool = null;
  /** @type {GridPage | null} */
  page = null;
  /** @type {HTMLButtonElement[]} */
  tiles = [];
  here = 0;
  /** @type {GridReply | null} the server's last one */
  reply = null;
  changed = false; // another class was wanted
  /** @type {object} what the last request wanted */
  asked = {};
  shownAt = 0;
  readyAt = Infinity;
  presence = new Presence();
  off = new AbortController();

  /**
   * @param {ShadowRoot} parent
   * @param {GridData} data
   */
  constructor(parent, data) {
    this.at = /** @type {GridParts} */ (parts(parent));
    this.root = one(parent, ".grid");
    this.large = /** @type {HTMLImageElement} */ (one(this.at.large, "img"));
    this.data = data;
    this.view = new GridView(this.at, data.classes);
    const name = `${ours()}-grid:${data.annotator}:${data.project}`;
    this.marks = new Marks(`${name}:marks`);
    this.memory = `${name}:where`;
    Object.assign(this, JSON.parse(remembered(this.memory) ?? "{}")); // a reload comes back to its page
    this.seen = new Seen(() => this.#draw());
    this.pending = new Pending(
      name,
      () => (this.asked = this.#wish()),
      (reply, sent) => this.#take(reply, sent),
      () => this.view.hint("The server could not read this page: reload it", true), // the marks stay on screen
    );
    this.link = new Link(`./grid/${data.project}`, this.pending, {
      onState: () => this.#draw(),
      pause: () => (this.page ? data.heartbeat_ms : POLL_MS),
      rests: () => this.presence.away,
    });
    this.#listen();
    this.view.source(this.pool);
    this.link.sync();
  }

  destroy() {
    this.off.abort();
    this.seen.watch([]);
    this.link.close();
  }

  /** Store the page: the marked images are wrong, the others accepted. Images that were never on screen come first. */
  accept() {
    if (!this.page || !this.#ready()) return this.view.hint("New images: look first", true);
    if (this.seen.next) return this.#lookOn(this.seen.next);
    const { token, class_id, images } = this.page;
    const [wrong, accepted] = [true, false].map((marked) =>
      images.map((each) => each.candidate_id).filter((id) => this.marks.has(id) === marked),
    );
    const seconds = Math.round(performance.now() - this.shownAt) / 1000;
    this.#send({ accept: { token, class_id, accepted, wrong, seconds, screen: this.data.screen } });
  }

  undo() {
    const last = this.reply?.last;
    if (!last || this.pending.event) return this.view.hint("Nothing to undo");
    this.classId = last.class_id;
    if (last.pool !== Boolean(this.pool)) this.#from(last.pool ? "surest" : "round");
    this.#send({ undo: last.token });
  }

  mark(index = this.here) {
    const image = this.page?.images[index];
    if (!image || this.pending.event) return;
    this.marks.toggle(image.candidate_id);
    this.here = index;
    this.#draw();
  }

  /** @param {PageEvent} what is sent again until it is answered, which then says what to show */
  #send(what) {
    this.pending.keep(what);
    this.#draw();
    this.link.sync();
  }

  /**
   * @param {GridReply} reply
   * @param {PageEvent | null} sent
   */
  #take(reply, sent) {
    if (this.off.signal.aborted) return;
    if (reply.reason) this.view.hint(reply.reason, true);
    else if (sent?.accept) this.view.hint(stored(sent.accept, reply));
    else if (sent?.undo) this.view.hint("Undone: this is the page again");
    if (JSON.stringify(this.asked) !== JSON.stringify(this.#wish())) return; // the next reply has what is wanted by now
    const [before, { page }] = [this.page?.token, reply];
    this.reply = reply;
    this.page = page;
    this.classId = page?.class_id ?? this.classId;
    this.#remember();
    if (page?.token === before && (page?.images.length ?? 0) === this.tiles.length) return;
    if (before && page && page.token !== before && !sent && !this.changed)
      this.view.hint("The reservation expired: these are other images", true);
    this.changed = false;
    this.marks.of(page?.token ?? "");
    this.here = 0;
    this.#lay();
  }

  /** New tiles; nobody may accept before all of them are painted and were looked at. */
  #lay() {
    this.readyAt = Infinity;
    const page = this.page;
    this.tiles = (page?.images ?? []).map((image, index) => this.#tile(image, index));
    this.at.tiles.replaceChildren(...this.tiles);
    this.seen.watch(this.tiles);
    if (!page) return;
    const loads = this.tiles.map((tile) => /** @type {HTMLImageElement} */ (one(tile, "img")).decode());
    Promise.all(loads).then(() => {
      if (this.page?.token !== page.token) return;
      this.shownAt = performance.now();
      this.readyAt = this.shownAt + GUARD_MS;
      this.root.dataset.shown = page.token;
      setTimeout(() => this.#draw(), GUARD_MS + 20);
    }, () => this.view.hint("An image cannot be loaded: reload the page", true));
  }

  /**
   * @param {GridImage} image
   * @param {number} index
   */
  #tile({ item_id, probability }, index) {
    const tile = make("button", "tile");
    tile.type = "button";
    const image = Object.assign(make("img"), {
      src: `./images/${this.data.project}/${item_id}/thumbnail`,
      alt: `Image ${index + 1}`,
      draggable: false,
    });
    tile.append(image, make("span", "p", `${Math.floor(100 * probability)}%`));
    onLongPress(tile, () => {
      this.here = index;
      this.#enlarge(true);
    }, this.root);
    tile.addEventListener("click", () => this.mark(index));
    tile.addEventListener("mousedown", (event) => event.preventDefault());
    return tile;
  }

  #draw() {
    const { page, view, reply } = this;
    const storing = this.pending.waits();
    this.root.classList.toggle("storing", storing || this.changed);
    this.tiles.forEach((tile, index) => {
      const image = page?.images[index];
      tile.classList.toggle("here", index === this.here);
      tile.setAttribute("aria-pressed", String(image !== undefined && this.marks.has(image.candidate_id)));
    });
    view.choices(reply?.waiting ?? {}, page);
    view.acts(page, this.marks.size, { accept: this.#ready(), undo: !storing }, Boolean(reply?.last), this.seen.left);
    view.words(reply?.words ?? "", page);
    view.pill(storing, this.changed, this.link);
    view.empty(page, reply, Boolean(this.pool));
  }

  #ready() {
    return Boolean(this.page) && !this.pending.event && !this.changed && performance.now() >= this.readyAt;
  }

  #listen() {
    const signal = this.off.signal;
    window.addEventListener("keydown", (event) => this.#key(event), { capture: true, signal });
    window.addEventListener("pointerdown", () => this.presence.seen(), { capture: true, signal });
    window.addEventListener("online", () => this.link.sync(), { signal });
    this.at.accept.addEventListener("click", () => this.accept(), { signal });
    this.at.undo.addEventListener("click", () => this.undo(), { signal });
    this.at.large.addEventListener("click", () => this.#enlarge(false), { signal });
    this.at.class.addEventListener("change", () => this.#choose(Number(this.at.class.value)), { signal });
    for (const node of [this.at.source, this.at.size])
      node.addEventListener("change", () => this.#from(this.at.source.value), { signal });
    for (const node of [this.at.accept, this.at.undo]) node.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  }

  /** @param {number} classId */
  #choose(classId) {
    this.classId = classId;
    this.changed = true;
    this.at.class.blur();
    this.#draw();
    this.link.sync();
  }

  /** @param {string} source the round, or an order of the pool */
  #from(source) {
    const order = source === "surest" || source === "border" ? source : null;
    this.pool = order && { order, size: Number(this.at.size.value) };
    this.#remember();
    this.view.source(this.pool);
    this.changed = true;
    for (const node of [this.at.source, this.at.size]) node.blur();
    this.#draw();
    this.link.sync();
  }

  /** What the next page is to be of. */
  #wish() {
    return { class_id: this.classId, pool: this.pool };
  }

  #remember() {
    const { pool, classId } = this;
    remember(this.memory, JSON.stringify({ pool, classId }));
  }

  /** @param {HTMLButtonElement} tile that was not on screen yet */
  #lookOn(tile) {
    this.here = this.tiles.indexOf(tile);
    tile.scrollIntoView({ block: "start" });
    this.view.hint(`${this.seen.left} images were not on screen yet: look at them too`, true);
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isTyping(event) || event.altKey) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key.toLowerCase() !== "z") return;
    const action = this.#action(event.key, control);
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.presence.seen();
    if (!event.repeat || STEPS[event.key]) action();
  }

  /**
   * @param {string} key
   * @param {boolean} control
   */
  #action(key, control) {
    if (key === "Backspace" || control) return () => this.undo();
    if (key === "Enter") return () => this.accept();
    if (key === " ") return () => this.mark();
    if (key.toLowerCase() === "v") return () => this.#enlarge(Boolean(this.at.large.hidden));
    if (key === "Escape" && !this.at.large.hidden) return () => this.#enlarge(false);
    return STEPS[key] ? () => this.#move(...STEPS[key]) : null;
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  #move(dx, dy) {
    if (!this.tiles.length) return;
    const top = this.tiles[0].offsetTop;
    const columns = this.tiles.filter((tile) => tile.offsetTop === top).length;
    const next = this.here + dx + dy * columns;
    if (next >= 0 && next < this.tiles.length) this.here = next;
    this.tiles[this.here].scrollIntoView({ block: "nearest" });
    if (!this.at.large.hidden) this.#enlarge(true);
    this.#draw();
  }

  /** @param {boolean} open */
  #enlarge(open) {
    const image = this.page?.images[this.here];
    this.at.large.hidden = !open || !image;
    if (open && image) this.large.src = `./images/${this.data.project}/${image.item_id}/rendition`;
  }
}

/**
 * What became of a page, where some of its images may belong to a new round by now.
 *
 * @param {NonNullable<PageEvent["accept"]>} sent
 * @param {GridReply} reply
 */
function stored(sent, { last }) {
  const [accepted, wrong] = last?.token === sent.token ? [last.accepted, last.wrong] : [sent.accepted.length, sent.wrong.length];
  const away = sent.accepted.length + sent.wrong.length - accepted - wrong;
  const rest = away ? `; ${away} came into a round meanwhile, which asks about them` : "";
  return `Stored: ${accepted} accepted, ${wrong} left for the Label page${rest}`;
}
