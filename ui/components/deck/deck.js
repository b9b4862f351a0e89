/**
 * The labelling deck: owns the item on screen, binds every answer to it, keeps answers until they are acknowledged.
 *
 * The server never decides what an answer belongs to: the answer names the candidate this page was showing, with a
 * token made here.
 */
/** @import { Answer, DeckData, DeskReply, Entry, QueueKind, Verdict } from "../shared/types.js" */
/** @import { DeckParts } from "./parts.js" */
import { parts } from "../shared/dom.js";
import { Link } from "../shared/link.js";
import { Aids } from "./aids.js";
import { announce } from "./announce.js";
import { ClassList } from "./classes.js";
import { Controls } from "./controls.js";
import { Events, flushElsewhere } from "./events.js";
import { Feedback } from "./feedback.js";
import { Guard } from "./guard.js";
import { Ledger } from "./ledger.js";
import { Notes } from "./notes.js";
import { Outbox } from "./outbox.js";
import { Stage } from "./stage.js";
import { Tabs } from "./tabs.js";
import { View } from "./view.js";
import { Walk } from "./walk.js";
import { Zoom } from "./zoom.js";

const POLL_MS = 3000; // while there is nothing to show
const AHEAD = 5;

export class Deck {
  /** @type {QueueKind} the queue that is shown */
  open = "todo";
  off = new AbortController();

  /**
   * @param {ShadowRoot} parent
   * @param {DeckData} data
   */
  constructor(parent, data) {
    this.at = /** @type {DeckParts} */ (parts(parent));
    this.data = data;
    this.outbox = new Outbox(data.annotator, data.project);
    this.ledger = new Ledger(this.outbox);
    this.walk = new Walk(this.ledger);
    this.tabs = new Tabs(data.annotator, data.project);
    this.view = new View(this.at, data);
    this.feedback = new Feedback(this.view.names, (text, warn) => this.hint(text, warn));
    const signal = this.off.signal;
    this.stage = new Stage(this.at.stage, {
      source: (entry) => `./images/${data.project}/${entry.item_id}/rendition`,
      onShown: (entry) => announce("shown", entry),
      onChange: (entry) => this.#changed(entry),
    });
    const hooks = { onFollow: () => this.follow(), onDecline: () => this.#decline(), onChoice: () => this.#chosen(), signal };
    this.aids = new Aids(this.at, data, this.view, hooks);
    this.guard = new Guard(this.stage, this.aids.strip);
    this.zoom = new Zoom(this.at.frame, {
      width: () => this.stage.current?.width,
      onZoom: () => this.stage.sharpen((entry) => `./images/${data.project}/${entry.item_id}/full`),
      onSwipe: (step) => this.step(step),
      signal,
    });
    this.notes = new Notes(this.at, {
      onComment: (entry) => this.notes.follow(entry),
      onNone: (entry, name) => this.guard.allows(entry) && this.answer("none", null, { proposed_class: name }),
      signal,
    });
    const ask = () => ({ annotator: data.annotator, queue: this.open, showing: this.stage.current?.candidate_id, ...this.aids.own.ask() });
    this.link = new Link(`./desk/${data.project}/sync`, new Events(this.outbox, ask, (reply) => this.#take(reply)), {
      onState: () => this.render(),
      pause: () => (this.stage.current ? data.heartbeat_ms : POLL_MS),
      rests: () => this.controls.presence.away,
    });
    this.classes = new ClassList(this.at, data.classes, this.aids.shelf, (id, event) => this.controls.meant(event) && this.answer("class", id));
    this.controls = new Controls(this, signal);
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur?.();
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
    if (this.tabs.leave()) this.link.leave({ ahead: 0, leave: true });
  }

  /**
   * Answer the item on screen; refused, visibly, while it is not there.
   *
   * @param {Verdict} verdict
   * @param {number | null} [classId]
   * @param {{proposed_class?: string}} [more]
   */
  answer(verdict, classId = null, more = {}) {
    const entry = this.stage.current;
    if (!entry || !this.guard.allows(entry)) return this.ignore(entry);
    /** @type {Answer} */
    const event = {
      kind: "answer",
      token: crypto.randomUUID(),
      candidate_id: entry.candidate_id,
      verdict,
      class_id: classId,
      seconds: Math.round(performance.now() - this.stage.shownAt) / 1000,
      comment: this.notes.of(entry),
      shown: { ...this.stage.describe(entry), ...this.#known(entry) },
      ...more,
    };
    this.aids.answered(classId);
    this.walk.answered(entry);
    this.outbox.add(event, { candidate_id: entry.candidate_id, item_id: entry.item_id, extra: entry.extra, group: entry.group });
    announce("answered", entry, { class_id: classId, token: event.token });
    this.hint("");
    this.render();
    this.link.sync();
  }

  /**
   * Look at the neighbour of the image on screen: an answer that was given, or an image that waits for one.
   *
   * @param {number} direction
   */
  step(direction) {
    const entry = this.walk.neighbour(this.stage.current, direction);
    if (!entry) return this.hint(direction < 0 ? "No earlier image" : "No next image yet");
    this.walk.revisit(entry.answer ? entry.candidate_id : null, this.stage.current);
    this.stage.show(entry);
    this.hint(entry.answer ? `Your answer: ${this.view.said(entry.answer)}. Answer again to change it.` : "");
    this.render();
  }

  /**
   * Open another queue: what was set aside, or back to what is to do.
   *
   * @param {QueueKind} kind
   */
  openQueue(kind) {
    this.open = kind;
    this.walk.restart();
    Object.assign(this.ledger, { queue: [], round: undefined });
    this.stage.show(null);
    this.render();
    this.link.sync();
  }

  /** Take back an answer, the latest by default, and keep its item on screen until it is answered again. */
  undo(token = this.ledger.history()[0]?.token) {
    const answer = this.ledger.history().find((each) => each.token === token);
    if (!answer) return this.hint("Nothing to undo");
    if (answer.final) return this.hint("Cannot undo: the round is closed and the model is fitted to this answer", true);
    const { candidate_id, item_id, group } = answer;
    if (candidate_id === null) {
      this.outbox.add({ kind: "undo", token: answer.token, candidate_id }, { candidate_id, item_id });
      this.hint(`Undone: ${this.view.said(answer)}`);
    } else this.#again({ candidate_id, item_id, group }, answer.token);
    this.render();
    this.link.sync();
  }

  /**
   * Take back the answer about an entry, and show it.
   *
   * @param {Entry} entry
   * @param {string} token
   */
  #again(entry, token) {
    this.outbox.add({ kind: "undo", token, candidate_id: entry.candidate_id }, entry);
    this.aids.sitting.undone();
    this.walk.revisit(entry.candidate_id, this.stage.current);
    this.stage.show(entry);
    announce("undone", entry, { token });
    this.hint("Undone: answer again");
  }

  /** Label the near copies that are offered, but for those left out, as the image that was answered. */
  follow() {
    const chosen = this.aids.likewise.chosen();
    if (!chosen) return this.hint(this.aids.likewise.offer ? "Near copies: look first" : "No near copies to label");
    const { token: answer, class_id, item_ids, seconds } = chosen;
    const { screen } = this.data;
    const token = crypto.randomUUID();
    this.outbox.add({ kind: "likewise", token, answer, candidate_id: null, class_id, item_ids, seconds, screen }, { candidate_id: null, item_id: item_ids[0] });
    this.#decline();
    this.link.sync();
  }

  #decline() {
    this.feedback.declined();
    this.render();
  }

  /** Draw everything from state; the item on screen stays unless it is answered or gone. */
  render() {
    const { shown, following } = this.walk.from(this.stage.current);
    this.stage.show(shown);
    this.stage.hold([...(shown ? [shown] : []), ...following.slice(0, AHEAD)]);
    this.stage.warm(following.slice(AHEAD));
    this.#draw();
  }

  #draw() {
    const { ledger, view } = this;
    const history = ledger.history();
    view.progress(ledger.round, ledger.pendingAnswers(), this.stage.current);
    view.pill(this.outbox, this.link);
    view.banner(this.outbox, this.link, this.stage.loaded(this.ledger.entries()));
    view.queues(ledger.aside, this.open, (kind) => this.openQueue(kind));
    view.empty(ledger.round, this.stage.current, this.open, this.outbox, this.link, ledger.awaited);
    view.recent(history, (token) => this.undo(token));
    const last = history.find((answer) => answer.stored && this.feedback.of(answer.token));
    view.worth(this.feedback.of(last?.token), last ? view.said(last) : "");
    const { current } = this.stage;
    const fresh = ledger.entries().find((entry) => entry.candidate_id === current?.candidate_id) ?? current;
    this.aids.draw(fresh, history, history[0]?.stored ? this.feedback.offer(history[0].token) : undefined);
    view.idle(!this.stage.current);
    if (this.link.failures) this.#dismissFrame();
  }

  /** Streamlit reports a lost server in a dialog that blocks the page; the banner reports it too, and one can go on. */
  #dismissFrame() {
    const close = document.querySelector('[data-testid="stDialog"] button[aria-label="Close"]');
    /** @type {HTMLElement | null} */ (close)?.click();
  }

  /** @param {DeskReply} reply */
  #take(reply) {
    if (this.off.signal.aborted) return;
    const before = this.stage.current;
    this.tabs.stay();
    this.feedback.take(reply.acknowledgements);
    this.ledger.take(reply, this.open);
    if (this.aids.own.taken(reply.own)) this.classes.draw();
    if (reply.acknowledgements.some(({ stored, again }) => !stored && !again)) this.walk.forget();
    if (this.link.failures) this.stage.retry();
    this.render();
    if (before && this.stage.current && before.candidate_id !== this.stage.current.candidate_id)
      this.#moved(before);
  }

  /** The annotator is back after a while: ask for the queue first. */
  wake() {
    this.guard.pause();
    this.hint("Welcome back");
    this.link.sync();
  }

  /** A goal or a favourite: it is seen at once, and sent when there is a connection. */
  #chosen() {
    this.render();
    this.link.sync();
  }

  settleBanner() {
    this.outbox.forgetRefused();
    this.render();
    this.link.sync();
  }

  /** @param {Entry | null} entry another one, or none, is on screen */
  #changed(entry) {
    this.zoom?.reset();
    this.notes?.follow(entry);
    this.aids?.changed(entry);
    this.classes?.suggest(entry?.suggestion, entry?.likely);
  }

  /**
   * What the annotator could know of the model's prediction, for the record.
   *
   * @param {Entry} entry
   */
  #known(entry) {
    const before = this.ledger.history().find((answer) => answer.candidate_id === entry.candidate_id);
    const revealed = Boolean(this.feedback.of(before?.token));
    const { screen } = this.data;
    const known = { screen, suggestion: entry.suggestion ?? null, revealed, queue: this.open, keys: this.controls.keys.name };
    return { ...known, ...this.aids.shown(entry) };
  }

  /**
   * The server took the item away, because it was answered in another tab or by somebody else.
   *
   * @param {Entry} before
   */
  #moved(before) {
    this.guard.pause();
    if (!this.outbox.refused.size) this.hint("Answered elsewhere: this is the next image");
    announce("moved", before);
  }

  /**
   * Say why a press did nothing.
   *
   * @param {Entry | null} entry
   */
  ignore(entry) {
    if (!entry) return;
    this.hint(this.guard.reason, true);
    announce("ignored", entry);
  }

  /**
   * A message over the image that fades.
   *
   * @param {string} text
   * @param {boolean} [warn]
   */
  hint(text, warn = false) {
    this.at.hint.textContent = text;
    this.at.hint.classList.toggle("warn", warn);
    for (const animation of this.at.hint.getAnimations()) animation.cancel();
    if (text) this.at.hint.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], { duration: 2600, fill: "forwards" });
  }
}
