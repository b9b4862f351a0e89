/**
 * Answers the server has not acknowledged yet, in the order they were given.
 *
 * One localStorage entry per event: neither a reload, a lost connection nor a second tab can lose or overwrite one.
 * Where storage is forbidden, memory serves for the life of the page.
 */
class Outbox {
  constructor(scope) {
    this.prefix = `alflow:${scope}:`;
    this.events = new Map();
    this.last = 0;
    this.#storage((storage) => {
      for (let i = 0; i < storage.length; i++) {
        const name = storage.key(i);
        if (!name.startsWith(this.prefix)) continue;
        const event = JSON.parse(storage.getItem(name));
        this.events.set(event.key, event);
      }
    });
  }

  /** Keep an event until `remove`; `entry` lets an undone item be shown again before the server says so. */
  add(event, entry) {
    this.last = Math.max(this.last + 0.001, Date.now());
    const kept = { ...event, key: `${event.kind}:${event.token}`, at: this.last, entry };
    this.events.set(kept.key, kept);
    this.#storage((storage) => storage.setItem(this.prefix + kept.key, JSON.stringify(kept)));
    return kept;
  }

  remove(key) {
    this.events.delete(key);
    this.#storage((storage) => storage.removeItem(this.prefix + key));
  }

  /** All events, oldest first. */
  pending() {
    return [...this.events.values()].sort((a, b) => a.at - b.at);
  }

  #storage(use) {
    try {
      use(window.localStorage);
    } catch (error) {
      console.warn("alflow: answers are kept in memory only", error);
    }
  }
}
