/**
 * The labelling deck: owns the item on screen, binds every answer to it, keeps answers until they are acknowledged.
 *
 * The server never decides what an answer belongs to: the answer names the candidate this page was showing, with a
 * token made here.
 */
const POLL_MS = 3000; // while there is nothing to show
const GUARD_MS = 700; // the image changed under the annotator's fingers: let them look first
const AHEAD = 5;

class Deck {
  constructor(parent, data) {
    this.at = Object.fromEntries([...parent.querySelectorAll("[data-is]")].map((node) => [node.dataset.is, node]));
    this.root = parent.querySelector(".deck");
    this.data = data;
    this.outbox = new Outbox(data.annotator, data.project);
    this.ledger = new Ledger(this.outbox);
    this.tabs = new Tabs(data.annotator, data.project);
    this.view = new View(this.at, data);
    this.off = new AbortController();
    const signal = this.off.signal;
    this.stage = new Stage(this.at.stage, {
      source: (entry) => `/images/${data.project}/${entry.item_id}/rendition`,
      onShown: (entry) => this.#tell("shown", entry),
      onChange: (entry) => this.#changed(entry),
    });
    this.zoom = new Zoom(this.at.frame, {
      width: () => this.stage.current?.width,
      onZoom: () => this.stage.sharpen((entry) => `/images/${data.project}/${entry.item_id}/full`),
      onSwipe: (step) => this.step(step),
      signal,
    });
    this.notes = new Notes(this.at, {
      onComment: (entry) => this.notes.follow(entry),
      onNone: (entry, name) => this.mayAnswer(entry) && this.answer("none", null, { proposed_class: name }),
      signal,
    });
    this.guide = new Guide(this.at, data, signal);
    this.open = "todo"; // the queue that is shown
    this.revisited = null; // the candidate of an answer that is looked at again
    this.nextUp = null; // the candidate that follows the one just answered
    this.worths = new Map(); // candidate id -> what its answer was worth
    this.link = new Link(data.project, this.outbox, {
      ask: () => ({ annotator: data.annotator, queue: this.open, showing: this.stage.current?.candidate_id }),
      onReply: (reply) => this.#take(reply),
      onState: () => this.render(),
      pause: () => (this.stage.current ? data.heartbeat_ms : POLL_MS),
      rests: () => this.controls.asleep(),
    });
    this.guardUntil = 0;
    this.classes = new ClassList(this.at, data.classes, (id, event) => this.controls.meant(event) && this.answer("class", id));
    this.controls = new Controls(this, signal);
    document.activeElement?.blur?.();
    this.render();
    this.link.sync();
    this.others = flushElsewhere(data.annotator, data.project);
  }

  destroy() {
    this.off.abort();
    this.tabs.leave();
    for (const link of [this.link, ...this.others]) link.close();
  }

  /** Nobody looks at this project any more: give back what is reserved, unless another tab shows it. */
  depart() {
    if (this.tabs.leave()) this.link.leave();
  }

  /** Answer the item on screen; refused, visibly, while it is not there. */
  answer(verdict, classId = null, more = {}) {
    const entry = this.stage.current;
    if (!this.mayAnswer(entry)) return this.ignore(entry);
    const event = {
      kind: "answer",
      token: crypto.randomUUID(),
      candidate_id: entry.candidate_id,
      verdict,
      class_id: classId,
      seconds: Math.round(performance.now() - this.stage.shownAt) / 1000,
      comment: this.notes.of(entry),
      shown: { ...this.stage.describe(), ...this.#told(entry) },
      ...more,
    };
    this.#leave(entry);
    this.outbox.add(event, { candidate_id: entry.candidate_id, item_id: entry.item_id });
    this.#tell("answered", entry, { class_id: classId, token: event.token });
    this.hint("");
    this.render();
    this.link.sync();
  }

  /** Look at the neighbour of the image on screen: an answer that was given, or an image that waits for one. */
  step(direction) {
    const sequence = this.ledger.sequence();
    const here = sequence.findIndex((each) => each.candidate_id === this.stage.current?.candidate_id);
    const entry = sequence[here < 0 ? (direction < 0 ? sequence.length - 1 : 0) : here + direction];
    if (!entry) return this.hint(direction < 0 ? "No earlier image" : "No further image yet");
    this.#revisit(entry.answer ? entry.candidate_id : null);
    this.stage.show(entry);
    this.hint(entry.answer ? `Your answer: ${this.view.said(entry.answer)}. Answer again to change it.` : "");
    this.render();
  }

  /** Open another queue: what was put aside, or back to what is to do. */
  openQueue(kind) {
    Object.assign(this, { open: kind, revisited: null, nextUp: null });
    Object.assign(this.ledger, { queue: [], round: undefined });
    this.stage.show(null);
    this.render();
    this.link.sync();
  }

  /** Take back an answer, the latest by default, and keep its item on screen until it is answered again. */
  undo(token = this.ledger.history()[0]?.token) {
    const answer = this.ledger.history().find((each) => each.token === token);
    if (!answer) return this.hint("Nothing to undo");
    if (answer.final) return this.hint("Its round is closed: the model has learned from this answer", true);
    const entry = { candidate_id: answer.candidate_id, item_id: answer.item_id };
    this.outbox.add({ kind: "undo", token, candidate_id: entry.candidate_id }, entry);
    this.#revisit(entry.candidate_id);
    this.stage.show(entry);
    this.#tell("undone", entry, { token });
    this.hint("Taken back: answer again");
    this.render();
    this.link.sync();
  }

  /** Draw everything from state; the item on screen stays unless it is answered or gone. */
  render() {
    const entries = this.ledger.entries();
    const at = (id) => entries.find((entry) => entry.candidate_id === id);
    const current = this.stage.current;
    const kept = this.revisited && this.revisited === current?.candidate_id ? current : at(current?.candidate_id);
    const shown = kept ?? at(this.nextUp) ?? entries[0] ?? null;
    this.stage.show(shown);
    const after = entries.indexOf(shown) + 1;
    const following = [...entries.slice(after), ...entries.slice(0, after)].filter((entry) => entry !== shown);
    this.stage.hold([...(shown ? [shown] : []), ...following.slice(0, AHEAD)]);
    this.stage.warm(following.slice(AHEAD));
    this.#draw();
  }

  #draw() {
    const { ledger, view } = this;
    const history = ledger.history();
    view.progress(ledger.round, ledger.pendingAnswers());
    view.pill(this.outbox, this.link);
    view.banner(this.outbox, this.link, this.stage.loaded(this.ledger.entries()));
    view.queues(ledger.aside, this.open, (kind) => this.openQueue(kind));
    view.empty(ledger.round, this.stage.current, this.open, this.outbox, this.link, ledger.awaited);
    view.recent(history, (token) => this.undo(token));
    const last = history.find((answer) => answer.stored && this.worths.has(answer.token));
    view.worth(this.worths.get(last?.token), last && view.said(last));
    this.root.classList.toggle("idle", !this.stage.current);
    if (this.link.failures) this.#dismissFrame();
  }

  /** Streamlit tells of a lost server in a dialog that takes the mouse away; the banner tells it, and one can go on. */
  #dismissFrame() {
    document.querySelector('[data-testid="stDialog"] button[aria-label="Close"]')?.click();
  }

  #take(reply) {
    const before = this.stage.current;
    if (!this.off.signal.aborted) this.tabs.stay();
    for (const { worth } of reply.acknowledgements) if (worth) this.worths.set(worth.token, worth);
    for (const { check } of reply.acknowledgements)
      if (check) this.hint(`${check.right ? "A check, and right" : "A check"}: ${this.view.names.get(check.class_id)}`, !check.right);
    this.ledger.take(reply, this.open);
    if (this.off.signal.aborted) return;
    if (reply.acknowledgements.some(({ stored, again }) => !stored && !again)) this.revisited = null;
    if (this.link.failures) this.stage.retry();
    this.render();
    if (before && this.stage.current && before.candidate_id !== this.stage.current.candidate_id)
      this.#moved(before);
  }

  /** The annotator was away, or wants to try now: look before anything else happens. */
  wake() {
    this.guardUntil = performance.now() + GUARD_MS;
    this.hint("Welcome back");
    this.link.sync();
  }

  settleBanner() {
    this.outbox.forgetRefused();
    this.render();
    this.link.sync();
  }

  /** Another entry, or none, is on screen. */
  #changed(entry) {
    this.zoom?.reset();
    this.notes?.follow(entry);
    this.classes?.suggest(entry?.suggestion);
  }

  /** Stay with this candidate, though it is in no queue, and go on afterwards from where one was before. */
  #revisit(candidateId) {
    if (!this.revisited) this.nextUp = this.stage.current?.candidate_id;
    this.revisited = candidateId;
  }

  /** Where to go on once this entry is answered: after it, or where one was before looking back. */
  #leave(entry) {
    const entries = this.ledger.entries();
    const here = entries.findIndex((each) => each.candidate_id === entry.candidate_id);
    if (here >= 0) this.nextUp = entries[here + 1]?.candidate_id ?? null;
    this.revisited = null;
  }

  /** What the annotator could know of the model's opinion, for the record. */
  #told(entry) {
    const before = this.ledger.history().find((answer) => answer.candidate_id === entry.candidate_id);
    const revealed = Boolean(before && this.worths.has(before.token));
    const { screen } = this.data;
    return { screen, suggestion: entry.suggestion ?? null, revealed, queue: this.open, keys: this.controls.keys.name };
  }

  /** The server took the item away (answered in another tab, or by someone else): nobody may answer in surprise. */
  #moved(before) {
    this.guardUntil = performance.now() + GUARD_MS;
    if (!this.outbox.refused.size) this.hint("Answered elsewhere: this is the next one");
    this.#tell("moved", before);
  }

  /** Whether this entry is on screen, seen, and not just changed under the annotator's fingers. */
  mayAnswer(entry) {
    return entry && entry === this.stage.current && this.stage.ready && performance.now() >= this.guardUntil;
  }

  /** Say why a press did nothing. */
  ignore(entry) {
    if (!entry) return;
    this.hint(this.stage.ready ? "New image: look first" : "Not yet: the image is loading", true);
    this.#tell("ignored", entry);
  }

  /** A word over the image that fades. */
  hint(text, warn = false) {
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
