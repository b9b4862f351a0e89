/** What a person chose for their desk: kept here first, sent when there is a connection, taken over from other browsers. */
/** @import { Own as Stored } from "../shared/types.js" */
import { ours, remember, remembered } from "../shared/memory.js";

/** @typedef {(number | null)[]} Numbers */
/** @typedef {{numbers: () => Numbers, take: (numbers: Numbers) => void}} Choice */
/** @typedef {"favourites" | "goal"} Name */

export class Own {
  #asked = false;
  /** @type {Set<Name>} what the server has not taken yet */
  #changed;

  /**
   * @param {number} annotator
   * @param {number} project
   * @param {Record<Name, Choice>} choices
   */
  constructor(annotator, project, choices) {
    this.name = `${ours()}-own:${annotator}:${project}`;
    this.choices = choices;
    this.#changed = new Set(/** @type {Name[]} */ ((remembered(this.name) ?? "").split(" ").filter(Boolean)));
  }

  /** @param {Name} name of what was chosen anew */
  changed(name) {
    this.#changed.add(name);
    this.#keep();
  }

  /** What to send beside the events: once, to be told; then what was chosen. */
  ask() {
    if (this.#asked && !this.#changed.size) return {};
    return { own: Object.fromEntries([...this.#changed].map((name) => [name, this.choices[name].numbers()])) };
  }

  /**
   * Whether something of another browser was taken over. A browser of before the server kept any gives what it has.
   *
   * @param {Stored} [stored] what the server keeps
   */
  taken(stored) {
    if (!stored) return false;
    this.#asked = true;
    let anew = false;
    for (const name of /** @type {Name[]} */ (Object.keys(this.choices))) {
      const { numbers, take } = this.choices[name];
      const theirs = stored[name];
      if (String(theirs) === String(numbers())) this.#changed.delete(name);
      else if (theirs === null) numbers().some(Boolean) && this.#changed.add(name);
      else if (!this.#changed.has(name)) {
        take(theirs);
        anew = true;
      }
    }
    this.#keep();
    return anew;
  }

  #keep() {
    remember(this.name, [...this.#changed].join(" "));
  }
}
