/**
 * The grid: a page of images that one token names from the moment it is shown. What is sent names every image that was
 * on screen, as accepted or as wrong; the page stays until the server has said that it is stored.
 */
const IDLE_MS = 10 * 60 * 1000; // nobody there: let the leases lapse, so that others get the images
const GUARD_MS = 700; // new images appeared: let people look first
const UNREADABLE = [400, 413, 422];
const POLL_MS = 4000; // while there is nothing to show
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class Grid {
  constructor(parent, data) {
    this.at = Object.fromEntries([...parent.querySelectorAll("[data-is]")].map((node) => [node.dataset.is, node]));
    this.root = parent.querySelector(".grid");
    this.data = data;
    this.names = new Map(data.classes.map(({ id, name }) => [id, name]));
    this.classId = null;
    this.page = null;
    this.wrong = new Set();
    this.here = 0;
    this.pending = null; // what is to be stored, kept until the server has answered
    this.failures = 0;
    this.readyAt = Infinity;
    this.lastInput = Date.now();
    this.off = new AbortController();
    this.#listen();
    this.exchange();
  }

  destroy() {
    this.off.abort();
    clearTimeout(this.timer);
  }

  /** Store the page: the marked images are wrong, the others accepted. */
  accept() {
    if (!this.#ready()) return this.#hint("New images: look first", true);
    const [wrong, accepted] = [true, false].map((marked) =>
      this.page.images.map((each) => each.candidate_id).filter((id) => this.wrong.has(id) === marked),
    );
    const seconds = Math.round(performance.now() - this.shownAt) / 1000;
    const { token, class_id } = this.page;
    this.#send({ accept: { token, class_id, accepted, wrong, seconds, screen: this.data.screen } });
  }

  undo() {
    if (!this.last || this.pending) return this.#hint("Nothing to take back");
    this.classId = this.last.class_id;
    this.#send({ undo: this.last.token });
  }

  mark(index = this.here) {
    const image = this.page?.images[index];
    if (!image || this.pending) return;
    if (!this.wrong.delete(image.candidate_id)) this.wrong.add(image.candidate_id);
    this.here = index;
    this.#draw();
  }

  /** One request at a time; it is sent again until it is answered, and then says what to show. */
  async exchange() {
    clearTimeout(this.timer);
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    const sent = this.pending;
    try {
      const request = fetch(`/grid/${this.data.project}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ class_id: this.classId, ...sent }),
      });
      const response = await request.catch(() => Promise.reject(new Error("No connection")));
      if (response.status === 401) throw new Error("Signed out: sign in again");
      if (UNREADABLE.includes(response.status)) this.#drop(sent);
      if (!response.ok) throw new Error(response.status < 500 ? (await response.json()).reason : "No connection");
      if (this.off.signal.aborted) return;
      this.failures = 0;
      this.#take(await response.json(), sent);
    } catch (error) {
      this.failures += 1;
      this.problem = error.message;
    } finally {
      this.busy = false;
    }
    if (this.off.signal.aborted) return;
    this.#draw();
    if (this.again || (this.pending && this.pending !== sent)) return this.exchange();
    const pause = this.failures ? Math.min(500 * 2 ** this.failures, 15000) : this.page ? this.data.heartbeat_ms : POLL_MS;
    this.timer = setTimeout(() => this.#tick(), pause);
  }

  /** What the server cannot read it never will: it is said, and the marks stay on screen. */
  #drop(sent) {
    if (!sent || this.pending !== sent) return;
    this.pending = null;
    this.#hint("The server could not read this page: reload it", true);
  }

  #tick() {
    if (Date.now() - this.lastInput < IDLE_MS || this.failures) return this.exchange();
    this.timer = setTimeout(() => this.#tick(), this.data.heartbeat_ms);
  }

  #send(what) {
    this.pending = what;
    this.#draw();
    this.exchange();
  }

  #take({ reason, page, waiting, last, round, awaited }, sent) {
    if (this.pending === sent) this.pending = null;
    if (reason) this.#hint(reason, true);
    else if (sent?.accept) this.#hint(`Stored: ${sent.accept.accepted.length} accepted, ${sent.accept.wrong.length} for the Label page`);
    else if (sent?.undo) this.#hint("Taken back: here it is again");
    Object.assign(this, { waiting, last, round, awaited });
    const before = this.page?.token;
    this.page = page;
    this.classId = page?.class_id ?? this.classId;
    if (page?.token === before && page?.images.length === this.tiles?.length) return;
    if (before && page && page.token !== before && !sent && !this.changed)
      this.#hint("The reservation had lapsed: these are other images", true);
    this.changed = false;
    if (page?.token !== before) this.wrong.clear();
    this.here = 0;
    this.#lay();
  }

  /** New tiles; nobody may accept before all of them are painted and were looked at. */
  #lay() {
    this.readyAt = Infinity;
    const page = this.page;
    this.tiles = (page?.images ?? []).map((image, index) => this.#tile(image, index));
    this.at.tiles.replaceChildren(...this.tiles);
    if (!page) return;
    const loads = this.tiles.map((tile) => tile.firstElementChild.decode());
    Promise.all(loads).then(() => {
      if (this.page?.token !== page.token) return;
      this.shownAt = performance.now();
      this.readyAt = this.shownAt + GUARD_MS;
      this.root.dataset.shown = page.token;
      setTimeout(() => this.#draw(), GUARD_MS + 20);
    }, () => this.#hint("An image cannot be loaded: reload the page", true));
  }

  #tile({ item_id, probability }, index) {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.className = "tile";
    const image = Object.assign(document.createElement("img"), {
      src: `/images/${this.data.project}/${item_id}/thumbnail`,
      alt: `Image ${index + 1}`,
      draggable: false,
    });
    const told = Object.assign(document.createElement("span"), { className: "p", textContent: `${Math.floor(100 * probability)}%` });
    tile.append(image, told);
    tile.addEventListener("click", () => this.mark(index));
    tile.addEventListener("mousedown", (event) => event.preventDefault());
    return tile;
  }

  #draw() {
    const { page, at } = this;
    const storing = Boolean(this.pending);
    this.root.classList.toggle("storing", storing);
    this.#choices();
    this.tiles?.forEach((tile, index) => {
      tile.classList.toggle("here", index === this.here);
      tile.setAttribute("aria-pressed", this.wrong.has(page?.images[index]?.candidate_id));
    });
    const marked = this.wrong.size;
    const rest = (page?.images.length ?? 0) - marked;
    const name = this.names.get(page?.class_id) ?? "";
    at.accept.hidden = !page;
    at.accept.disabled = storing || !this.#ready();
    at.accept.firstElementChild.textContent = marked ? `${rest} are ${name}, ${marked} not` : `All ${rest} are ${name}`;
    at.undo.hidden = !this.last;
    at.undo.disabled = storing;
    at.told.textContent = page ? `${page.images.length} images, about ${page.expected_errors.toFixed(1)} expected to be something else` : "";
    const [state, text] = this.failures ? ["off", `${this.problem}${storing ? ", the page is kept" : ""}`] : storing ? ["busy", "Storing"] : ["ok", "All stored"];
    at.pill.dataset.state = state;
    at.pill.textContent = text;
    this.#empty();
  }

  #choices() {
    const waiting = new Map(Object.entries(this.waiting ?? {}).map(([id, count]) => [Number(id), count]));
    const options = this.data.classes.filter(({ id }) => waiting.has(id) || id === this.page?.class_id).map(({ id, name }) =>
      Object.assign(document.createElement("option"), { value: id, textContent: `${name} (${waiting.get(id) ?? 0})` }),
    );
    this.at.class.replaceChildren(...options);
    if (this.page) this.at.class.value = this.page.class_id;
    this.at.class.closest("label").hidden = !options.length;
  }

  #empty() {
    this.at.empty.hidden = Boolean(this.page);
    this.at.tiles.hidden = !this.page;
    const [title, text] =
      this.round === undefined ? ["Opening the grid", "One moment."]
      : this.round?.state === "open" ? ["Nothing for the grid", "What is left of this round is with other people, was marked as wrong, or belongs to the random control slice: those images are answered one by one on the Label page."]
      : ["No round is open", `The grid shows the images of an open round by the class the model holds most probable.${this.awaited ? ` Waiting for ${this.awaited}.` : ""}`];
    this.at.empty.querySelector("h3").textContent = title;
    this.at.empty.querySelector("p").textContent = text;
  }

  #ready() {
    return Boolean(this.page) && !this.pending && performance.now() >= this.readyAt;
  }

  #listen() {
    const signal = this.off.signal;
    window.addEventListener("keydown", (event) => this.#key(event), { capture: true, signal });
    window.addEventListener("pointerdown", () => (this.lastInput = Date.now()), { capture: true, signal });
    window.addEventListener("online", () => this.exchange(), { signal });
    this.at.accept.addEventListener("click", () => this.accept(), { signal });
    this.at.undo.addEventListener("click", () => this.undo(), { signal });
    this.at.large.addEventListener("click", () => this.#view(false), { signal });
    this.at.class.addEventListener("change", () => this.#choose(Number(this.at.class.value)), { signal });
    for (const node of [this.at.accept, this.at.undo]) node.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  }

  #choose(classId) {
    this.classId = classId;
    this.changed = true;
    this.at.class.blur();
    this.exchange();
  }

  #key(event) {
    const target = event.composedPath()[0];
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() !== "z") return;
    const action = this.#action(event.key, event.ctrlKey || event.metaKey);
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.lastInput = Date.now();
    if (!event.repeat || STEPS[event.key]) action();
  }

  #action(key, control) {
    if (key === "Backspace" || control) return () => this.undo();
    if (key === "Enter") return () => this.accept();
    if (key === " ") return () => this.mark();
    if (key.toLowerCase() === "v") return () => this.#view(this.at.large.hidden);
    if (key === "Escape" && !this.at.large.hidden) return () => this.#view(false);
    return STEPS[key] ? () => this.#move(...STEPS[key]) : null;
  }

  #move(dx, dy) {
    if (!this.tiles?.length) return;
    const top = this.tiles[0].offsetTop;
    const columns = this.tiles.filter((tile) => tile.offsetTop === top).length;
    const next = this.here + dx + dy * columns;
    if (next >= 0 && next < this.tiles.length) this.here = next;
    this.tiles[this.here].scrollIntoView({ block: "nearest" });
    if (!this.at.large.hidden) this.#view(true);
    this.#draw();
  }

  #view(open) {
    const image = this.page?.images[this.here];
    this.at.large.hidden = !open || !image;
    if (!this.at.large.hidden) this.at.large.firstElementChild.src = `/images/${this.data.project}/${image.item_id}/rendition`;
  }

  #hint(text, warn = false) {
    this.at.hint.textContent = text;
    this.at.hint.classList.toggle("warn", warn);
  }
}

/** The one grid that listens: a page being replaced may still hold the last one. */
const LIVE = Symbol.for("alflow.grid");

export default function ({ data, parentElement }) {
  const identity = JSON.stringify(data);
  const live = window[LIVE];
  if (live?.parent !== parentElement || live.identity !== identity) {
    live?.grid.destroy();
    window[LIVE] = { parent: parentElement, identity, grid: new Grid(parentElement, data) };
  }
  return () => {
    if (window[LIVE]?.parent !== parentElement) return;
    window[LIVE].grid.destroy();
    delete window[LIVE];
  };
}
