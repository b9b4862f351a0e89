/** What there is to answer and what was answered: the server's last word, changed by events it has not acknowledged. */
/** @import { Answer, Aside, DeskReply, Entry, KeptEvent, Likewise, QueueKind, RoundState, StandingAnswer, StoredAnswer } from "../shared/types.js" */
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
    /** @type {(StandingAnswer & Entry)[]} */
    const answered = this.history().flatMap((each) => (each.candidate_id === null ? [] : [{ ...each, candidate_id: each.candidate_id }]));
    return [...answered.reverse().map((answer) => ({ ...answer, answer })), ...this.entries()];
  }

  /**
   * What can be answered, in order: items just taken back, then the queue.
   *
   * @returns {Entry[]}
   */
  entries() {
    const latest = this.#latest();
    const undone = [...latest.values()].filter((event) => event.kind === "undo").map((event) => /** @type {Entry} */ (event.entry));
    return [...undone.reverse(), ...this.queue.filter((entry) => !latest.has(entry.candidate_id))];
  }

  /** How many items that the round waits for have a first answer on its way. */
  pendingAnswers() {
    const answered = new Set(this.recent.map((answer) => answer.candidate_id));
    return [...this.#latest().values()].filter(
      (event) => event.kind === "answer" && !("extra" in event.entry && event.entry.extra) && !answered.has(event.candidate_id),
    ).length;
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
      .filter((event) => event.kind !== "undo")
      .filter((event) => !undone.has(event.token))
      .map(standing);
    const known = new Set(pending.map((event) => event.token));
    const replaced = new Set(pending.map((event) => event.candidate_id));
    replaced.delete(null);
    const stored = this.recent.filter(
      (answer) => !undone.has(answer.token) && !known.has(answer.token) && !replaced.has(answer.candidate_id),
    );
    return [...pending.reverse(), ...stored.map((answer) => ({ ...answer, stored: true }))].slice(0, 12);
  }

  /** The last pending event of each candidate. */
  #latest() {
    const about = this.outbox.pending().filter((event) => event.candidate_id !== null);
    return new Map(about.map((event) => /** @type {[number, KeptEvent]} */ ([event.candidate_id, event])));
  }
}

/**
 * @param {KeptEvent & (Answer | Likewise)} event as an answer that stands
 * @returns {StandingAnswer}
 */
function standing(event) {
  const shared = { item_id: event.entry.item_id, group: "group" in event.entry ? event.entry.group : undefined, stored: false };
  if (event.kind === "answer") return { ...event, ...shared };
  return { ...event, ...shared, verdict: "class", comment: "", likewise: event.item_ids.length };
}
