/**
 * The labelling deck: owns the item on screen, binds every answer to it, keeps answers until they are acknowledged.
 *
 * The server never decides what an answer belongs to: the answer names the candidate this page was showing, with a
 * token made here. `POST /desk/PROJECT/sync` takes the outbox and gives acknowledgements and the queue.
 */
const POLL_MS = 3000; // while there is nothing to show
const IDLE_MS = 10 * 60 * 1000; // nobody there: let the leases lapse, so that others get the items
const GUARD_MS = 700; // the image changed under the annotator's fingers: let them look first
const AHEAD = 5;
const OFFLINE = "No connection";
const BATCH = 50; // events in one request; a keepalive body may have 64 KB

class Deck {
  constructor(parent, data) {
    this.at = Object.fromEntries([...parent.querySelectorAll("[data-is]")].map((node) => [node.dataset.is, node]));
    this.root = parent.querySelector(".deck");
    this.data = data;
    this.outbox = new Outbox(`${data.annotator}:${data.project}`);
    this.stage = new Stage(this.at.stage, {
      source: (entry) => `/images/${data.project}/${entry.item_id}/rendition`,
      onShown: (entry) => this.#tell("shown", entry),
    });
    this.queue = [];
    this.recent = [];
    this.round = undefined; // undefined: not asked yet; null: none
    this.failures = 0;
    this.guardUntil = 0;
    this.lastInput = Date.now();
    this.off = new AbortController();
    this.classes = new ClassList(this.at, data.classes, (id) => this.answer("class", id));
    this.#listen();
    document.activeElement?.blur?.();
    this.render();
    this.sync();
  }

  destroy() {
    this.off.abort();
    clearTimeout(this.timer);
  }

  /** Answer the item on screen; refused, visibly, while it is not there. */
  answer(verdict, classId = null) {
    const entry = this.stage.current;
    if (!this.#mayAnswer()) return this.#ignore(entry);
    const event = {
      kind: "answer",
      token: crypto.randomUUID(),
      candidate_id: entry.candidate_id,
      verdict,
      class_id: classId,
      seconds: Math.round(performance.now() - this.stage.shownAt) / 1000,
      shown: this.stage.describe(),
    };
    this.outbox.add(event, entry);
    this.#tell("answered", entry, { class_id: classId, token: event.token });
    this.#hint("");
    this.render();
    this.sync();
  }

  /** Take back an answer of this round, the latest by default, and show its item again. */
  undo(token = this.#history()[0]?.token) {
    const answer = this.#history().find((each) => each.token === token);
    if (!answer) return this.#hint("Nothing to undo");
    const entry = { candidate_id: answer.candidate_id, item_id: answer.item_id };
    this.outbox.add({ kind: "undo", token, candidate_id: entry.candidate_id }, entry);
    this.stage.show(entry);
    this.#tell("undone", entry, { token });
    this.#hint("Taken back: answer again");
    this.render();
    this.sync();
  }

  /** Exchange with the server, one request at a time; what happens meanwhile goes into the next. */
  async sync() {
    clearTimeout(this.timer);
    if (this.syncing) {
      this.again = true;
      return;
    }
    this.syncing = true;
    try {
      do {
        this.again = false;
        await this.#exchange();
      } while (this.again);
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      this.problem = error.message;
    }
    this.syncing = false;
    if (this.off.signal.aborted) return;
    this.render();
    this.timer = setTimeout(() => this.#tick(), this.#pause());
  }

  /** Draw everything from state; the item on screen stays unless it is answered or gone. */
  render() {
    const entries = this.#entries();
    const kept = entries.find((entry) => entry.candidate_id === this.stage.current?.candidate_id);
    this.stage.show(kept ?? entries[0] ?? null);
    this.stage.hold(kept ? [kept, ...entries.filter((entry) => entry !== kept).slice(0, AHEAD)] : entries.slice(0, AHEAD + 1));
    const view = new View(this.at, this.data);
    view.progress(this.round, this.#pendingAnswers().length);
    view.pill(this.outbox.pending().length, this.failures, this.problem);
    view.empty(this.round, this.stage.current);
    view.recent(this.#history(), (token) => this.undo(token));
    this.root.classList.toggle("idle", !this.stage.current);
  }

  async #exchange() {
    const sent = this.outbox.pending().slice(0, BATCH);
    const request = fetch(`/desk/${this.data.project}/sync`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ events: sent.map(({ entry, at, ...event }) => event) }),
      keepalive: true,
    });
    const response = await request.catch(() => Promise.reject(new Error(OFFLINE)));
    if (response.status === 401) throw new Error("Signed out: open the sign-in link");
    if (!response.ok) throw new Error(response.status < 500 ? (await response.json()).reason : OFFLINE);
    const reply = await response.json();
    for (const { key, stored, reason } of reply.acknowledgements) {
      this.outbox.remove(key);
      if (!stored) this.#hint(reason, true);
    }
    const before = this.stage.current;
    this.again ||= this.outbox.pending().some((event) => !sent.includes(event));
    Object.assign(this, { queue: reply.queue, recent: reply.recent, round: reply.round });
    if (this.off.signal.aborted) return;
    this.render();
    if (before && this.stage.current && before.candidate_id !== this.stage.current.candidate_id)
      this.#moved(before, reply.acknowledgements.every(({ stored }) => stored));
  }

  /** The server took the item away (answered in another tab, or by someone else): nobody may answer in surprise. */
  #moved(before, explain) {
    this.guardUntil = performance.now() + GUARD_MS;
    if (explain) this.#hint("Answered elsewhere: this is the next one");
    this.#tell("moved", before);
  }

  /** The server's queue as changed by events it has not acknowledged. */
  #entries() {
    const latest = new Map(this.outbox.pending().map((event) => [event.candidate_id, event]));
    const undone = [...latest.values()].filter((event) => event.kind === "undo").map((event) => event.entry);
    return [...undone.reverse(), ...this.queue.filter((entry) => !latest.has(entry.candidate_id))];
  }

  #pendingAnswers() {
    const latest = new Map(this.outbox.pending().map((event) => [event.candidate_id, event]));
    return [...latest.values()].filter((event) => event.kind === "answer");
  }

  /** Answers that stand, newest first: those on their way, then the stored ones. */
  #history() {
    const events = this.outbox.pending();
    const undone = new Set(events.filter((event) => event.kind === "undo").map((event) => event.token));
    const pending = events
      .filter((event) => event.kind === "answer" && !undone.has(event.token))
      .map((event) => ({ ...event, item_id: event.entry.item_id, stored: false }));
    const known = new Set(pending.map((event) => event.token));
    const stored = this.recent.filter((answer) => !undone.has(answer.token) && !known.has(answer.token));
    return [...pending.reverse(), ...stored.map((answer) => ({ ...answer, stored: true }))].slice(0, 12);
  }

  #mayAnswer() {
    return this.stage.current && this.stage.ready && performance.now() >= this.guardUntil;
  }

  #ignore(entry) {
    if (!entry) return;
    this.#hint(this.stage.ready ? "New image: look first" : "Not yet: the image is loading", true);
    this.#tell("ignored", entry);
  }

  #listen() {
    const signal = this.off.signal;
    window.addEventListener("keydown", (event) => this.#key(event), { capture: true, signal });
    window.addEventListener("pointerdown", () => this.#awake(), { capture: true, signal });
    window.addEventListener("online", () => this.sync(), { signal });
    document.addEventListener("visibilitychange", () => !document.hidden && this.sync(), { signal });
    this.at.skip.addEventListener("click", () => this.answer("skip"), { signal });
    this.at.undo.addEventListener("click", () => this.undo(), { signal });
    for (const node of [this.at.skip, this.at.undo, this.at.classes, this.at.recent])
      node.addEventListener("mousedown", (event) => event.preventDefault(), { signal }); // keep focus off the buttons
  }

  /** Hot keys. Streamlit has shortcuts of its own (c, r): a key that answers must not reach them. */
  #key(event) {
    const target = event.composedPath()[0];
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;
    const pressing = target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter");
    const control = event.ctrlKey || event.metaKey;
    if (typing || pressing || event.altKey || (control && event.key.toLowerCase() !== "z")) return;
    const action = this.#action(event.key, control);
    if (!action) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat || !this.#awake()) return;
    action();
  }

  #action(key, control) {
    if (key === "Backspace" || control) return () => this.undo();
    if (key === " ") return () => this.answer("skip");
    if (key === "/") return () => this.classes.find();
    const classId = this.classes.byKey(key);
    return classId === undefined ? null : () => this.answer("class", classId);
  }

  /** Someone is there. After a long pause the queue is asked first, since the leases have lapsed. */
  #awake() {
    const asleep = Date.now() - this.lastInput > IDLE_MS;
    this.lastInput = Date.now();
    if (!asleep) return true;
    this.guardUntil = performance.now() + GUARD_MS;
    this.#hint("Welcome back");
    this.sync();
    return false;
  }

  #tick() {
    if (Date.now() - this.lastInput < IDLE_MS || this.outbox.pending().length) return this.sync();
    this.timer = setTimeout(() => this.#tick(), this.#pause());
  }

  #pause() {
    if (this.failures) return Math.min(500 * 2 ** this.failures, 15000);
    return this.stage.current ? this.data.heartbeat_ms : POLL_MS;
  }

  #hint(text, warn = false) {
    this.at.hint.textContent = text;
    this.at.hint.classList.toggle("warn", warn);
    this.at.hint.getAnimations().forEach((animation) => animation.cancel());
    if (text) this.at.hint.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], { duration: 2600, fill: "forwards" });
  }

  /** What happened on screen, for whoever measures or watches. */
  #tell(what, entry, more = {}) {
    window.dispatchEvent(new CustomEvent("alflow", { detail: { what, ...entry, ...more, at: performance.now() } }));
  }
}

/** The one deck that listens: a page being replaced may still hold the last one. */
const LIVE = Symbol.for("alflow.deck");

export default function ({ data, parentElement }) {
  const identity = JSON.stringify(data);
  const live = window[LIVE];
  if (live?.parent !== parentElement || live.identity !== identity) {
    live?.deck.destroy();
    window[LIVE] = { parent: parentElement, identity, deck: new Deck(parentElement, data) };
  }
  return () => {
    if (window[LIVE]?.parent !== parentElement) return;
    window[LIVE].deck.destroy();
    delete window[LIVE];
  };
}
