/** What the server says about stored answers: what each was worth, and whether a check was answered correctly. */
/** @import { Acknowledgement, Worth } from "../shared/types.js" */

export class Feedback {
  /** @type {Map<string, Worth>} by the token of the answer */
  #worths = new Map();
  /** @type {{token: string, item_ids: number[]} | undefined} near copies of the image that was answered last */
  #offer;

  /**
   * @param {Map<number, string>} names of the classes
   * @param {(text: string, warn: boolean) => void} hint
   */
  constructor(names, hint) {
    this.names = names;
    this.hint = hint;
  }

  /** @param {Acknowledgement[]} acknowledgements */
  take(acknowledgements) {
    for (const { worth, check, offer, likewise } of acknowledgements) {
      if (worth) this.#worths.set(worth.token, worth);
      if (offer) this.#offer = offer;
      if (likewise?.taken) this.hint(`${likewise.labelled} labelled likewise; the others have an answer by now`, false);
      if (!check) continue;
      const verdict = check.right ? "This was a check, and you were right" : "This was a check. Correct class";
      this.hint(`${verdict}: ${this.names.get(check.class_id)}`, !check.right);
    }
  }

  /** @param {string} [token] of the answer whose image has the near copies */
  offer(token) {
    return this.#offer?.token === token ? this.#offer : undefined;
  }

  /** The near copies are labelled, or shall not be. */
  declined() {
    this.#offer = undefined;
  }

  /**
   * What an answer was worth.
   *
   * @param {string | undefined} token
   */
  of(token) {
    return token === undefined ? undefined : this.#worths.get(token);
  }
}
