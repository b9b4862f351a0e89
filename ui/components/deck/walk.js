/** Where one is among the answers given and the images that wait, and where it goes on from there. */
/** @import { Entry, StandingAnswer } from "../shared/types.js" */
/** @import { Ledger } from "./ledger.js" */

export class Walk {
  /** @type {number | null} the candidate of an answer that is looked at again */
  #revisited = null;
  /** @type {number | null | undefined} the candidate that follows the one just answered */
  #nextUp = null;

  /** @param {Ledger} ledger */
  constructor(ledger) {
    this.ledger = ledger;
  }

  /** Begin anew, at the first image that waits. */
  restart() {
    [this.#revisited, this.#nextUp] = [null, null];
  }

  /** Stop looking at an earlier answer: the server refused what was sent. */
  forget() {
    this.#revisited = null;
  }

  /**
   * What is to be shown, which is the current entry unless that is answered or gone, and what follows it.
   *
   * @param {Entry | null} current
   * @returns {{shown: Entry | null, following: Entry[]}}
   */
  from(current) {
    const entries = this.ledger.entries();
    /** @param {number | null | undefined} id */
    const at = (id) => entries.find((entry) => entry.candidate_id === id);
    const kept = this.#revisited && this.#revisited === current?.candidate_id ? current : at(current?.candidate_id);
    const shown = kept ?? at(this.#nextUp) ?? entries[0] ?? null;
    const after = shown ? entries.indexOf(shown) + 1 : 0;
    const following = [...entries.slice(after), ...entries.slice(0, after)].filter((entry) => entry !== shown);
    return { shown, following };
  }

  /**
   * The neighbour of an entry: an answer that was given, or an image that waits for one.
   *
   * @param {Entry | null} current
   * @param {number} direction
   * @returns {Entry & {answer?: StandingAnswer} | undefined}
   */
  neighbour(current, direction) {
    const sequence = this.ledger.sequence();
    const here = sequence.findIndex((each) => each.candidate_id === current?.candidate_id);
    return here < 0 ? sequence.at(Math.min(direction, 0)) : sequence[here + direction];
  }

  /**
   * Stay with this candidate, though it is in no queue, and go on afterwards from where one was before.
   *
   * @param {number | null} candidateId
   * @param {Entry | null} current
   */
  revisit(candidateId, current) {
    if (!this.#revisited) this.#nextUp = current?.candidate_id;
    this.#revisited = candidateId;
  }

  /**
   * This entry is answered: go on after it, or where one was before looking back.
   *
   * @param {Entry} entry
   */
  answered(entry) {
    const entries = this.ledger.entries();
    const here = entries.findIndex((each) => each.candidate_id === entry.candidate_id);
    if (here >= 0) this.#nextUp = entries[here + 1]?.candidate_id ?? null;
    this.#revisited = null;
  }
}
