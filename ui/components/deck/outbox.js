/**
 * Answers the server has not acknowledged yet, in the order they were given, and those it refused.
 *
 * One localStorage entry per event: neither a reload, a lost connection nor a second tab can lose or overwrite one.
 * Where storage is forbidden, memory serves for the life of the page (`durable` is then false).
 */
/** @import { AnswerAlone, DeckEvent, Entry, KeptEvent, RefusedEvent } from "../shared/types.js" */
import { inStorage, ours } from "../shared/memory.js";

export class Outbox {
  /** @type {Map<string, KeptEvent>} */
  events = new Map();
  /** @type {Map<string, RefusedEvent>} */
  refused = new Map();
  durable = true;
  #last = 0;

  /**
   * @param {number} annotator
   * @param {number} project
   */
  constructor(annotator, project) {
    this.prefix = `${ours()}:${annotator}:${project}:`;
    this.refusedPrefix = `${ours()}-refused:${annotator}:${project}:`;
    this.#load(this.prefix, this.events);
    this.#load(this.refusedPrefix, this.refused);
  }

  /**
   * Other projects for which this browser still keeps answers of the same person.
   *
   * @param {number} annotator
   * @param {number} project
   */
  static elsewhere(annotator, project) {
    const names = inStorage((storage) => Object.keys(storage), () => []);
    const projects = new Set();
    for (const name of names) {
      const [word, who, where] = name.split(":");
      if (word === ours() && who === String(annotator) && where !== String(project)) projects.add(Number(where));
    }
    return /** @type {number[]} */ ([...projects]);
  }

  /**
   * Keep an event until it is acknowledged; `entry` lets its item be shown again before the server says so.
   *
   * @param {DeckEvent} event
   * @param {Entry | AnswerAlone} entry
   * @returns {KeptEvent}
   */
  add(event, entry) {
    this.#last = Math.max(this.#last + 0.001, Date.now());
    const kept = { ...event, key: `${event.kind}:${event.token}`, at: this.#last, entry };
    this.events.set(kept.key, kept);
    this.#storage((storage) => storage.setItem(this.prefix + kept.key, JSON.stringify(kept)));
    return kept;
  }

  /** @param {string} key of an event that the server has stored: no longer ours */
  remove(key) {
    this.events.delete(key);
    this.#storage((storage) => storage.removeItem(this.prefix + key));
  }

  /**
   * Never to be stored: kept aside with the reason, until somebody has read it.
   *
   * @param {string} key
   * @param {string} reason
   */
  refuse(key, reason) {
    const refused = /** @type {RefusedEvent} */ ({ ...this.events.get(key), reason });
    this.refused.set(key, refused);
    this.#storage((storage) => storage.setItem(this.refusedPrefix + key, JSON.stringify(refused)));
    this.remove(key);
  }

  forgetRefused() {
    for (const key of this.refused.keys()) this.#storage((storage) => storage.removeItem(this.refusedPrefix + key));
    this.refused.clear();
  }

  /** All events, oldest first. */
  pending() {
    return [...this.events.values()].sort((a, b) => a.at - b.at);
  }

  /**
   * @template {{key: string}} Event
   * @param {string} prefix
   * @param {Map<string, Event>} into
   */
  #load(prefix, into) {
    this.#storage((storage) => {
      for (const name of Object.keys(storage)) {
        if (!name.startsWith(prefix)) continue;
        const event = JSON.parse(storage.getItem(name) ?? "");
        into.set(event.key, event);
      }
    });
  }

  /** @param {(storage: Storage) => void} use */
  #storage(use) {
    inStorage(use, (error) => {
      this.durable = false;
      console.warn("alflow: answers are kept in memory only", error);
    });
  }
}
