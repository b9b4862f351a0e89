/** What there is to answer and what was answered: the server's last word, changed by events it has not acknowledged. */
/** @import { Aside, DeskReply, Entry, KeptEvent, QueueKind, RoundState, StandingAnswer, StoredAnswer } from "../shared/types.js" */
/** @import { Outbox } from "./outbox.js" */

export class Ledger {
  /** @type {Entry[]} */
  queue = [];
  /** @type {StoredAnswer[]} */
  recent = [];
  /** @type {Partial<Record<Aside, number>>} */
  aside = {};
  /** @type {RoundState | null | undefined} undefined: not asked yet; null: none */
  round = undefined;
  /** What the round waits for. */
  awaited = "";

  /** @param {Outbox} outbox */
  constructor(outbox) {
    this.outbox = outbox;
  }

  /**
   * The server's word on the queue that is open (`kind`); a late word on another one is not about this queue.
   *
   * @param {DeskReply} reply
   * @param {QueueKind} open
   */
  take({ queue, recent, round, awaited, aside, kind }, open) {
    Object.assign(this, { recent, round, awaited, aside });
    if (kind === open) this.queue = queue;
  }

  /**
   * Everything one can step through: the answers that stand, oldest first, then what is to be answered.
   *
   * @returns {(Entry & {answer?: StandingAnswer})[]}
   */
  sequence() {
    const answered = this.history().filter((each) => each.candidate_id !== null);
    return [...answered.reverse().map((answer) => ({ ...answer, answer })), ...this.entries()];
  }

  /**
   * What can be answered, in order: items just taken back, then the queue.
   *
   * @returns {Entry[]}
   */
  entries() {
    const latest = this.#latest();
    const undone = [...latest.values()].filter((event) => event.kind === "undo").map((event) => event.entry);
    return [...undone.reverse(), ...this.queue.filter((entry) => !latest.has(entry.candidate_id))];
  }

  /** How many items have a first answer on its way. */
  pendingAnswers() {
    const answered = new Set(this.recent.map((answer) => answer.candidate_id));
    return [...this.#latest().values()].filter((event) => event.kind === "answer" && !answered.has(event.candidate_id)).length;
  }

  /**
   * Answers that stand, newest first: those on their way, then the stored ones.
   *
   * @returns {StandingAnswer[]}
   */
  history() {
    const events = this.outbox.pending();
    const undone = new Set(events.filter((event) => event.kind === "undo").map((event) => event.token));
    const pending = events
      .filter((event) => event.kind === "answer")
      .filter((event) => !undone.has(event.token))
      .map((event) => ({ ...event, item_id: event.entry.item_id, stored: false }));
    const known = new Set(pending.map((event) => event.token));
    const replaced = new Set(pending.map((event) => event.candidate_id));
    const stored = this.recent.filter(
      (answer) => !undone.has(answer.token) && !known.has(answer.token) && !replaced.has(answer.candidate_id),
    );
    return [...pending.reverse(), ...stored.map((answer) => ({ ...answer, stored: true }))].slice(0, 12);
  }

  /** The last pending event of each candidate. */
  #latest() {
    return new Map(this.outbox.pending().map((event) => /** @type {[number, KeptEvent]} */ ([event.candidate_id, event])));
  }
}
