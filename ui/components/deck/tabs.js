/**
 * The tabs in which one person has the desk of a project open. Whoever closes the last one gives the reserved images
 * back at once; a browser that dies leaves them to lapse with their leases.
 */
import { inStorage, ours } from "../shared/memory.js";

const TAB_MS = 30000; // a tab that is open says so more often than this

export class Tabs {
  /**
   * @param {number} annotator
   * @param {number} project
   */
  constructor(annotator, project) {
    this.prefix = `${ours()}-tab:${annotator}:${project}:`;
    this.name = this.prefix + crypto.randomUUID();
  }

  /** This tab is open. */
  stay() {
    inStorage((storage) => storage.setItem(this.name, String(Date.now())), warn);
  }

  /** This tab closes; whether it was the last one. */
  leave() {
    let last = false;
    inStorage((storage) => {
      storage.removeItem(this.name);
      const others = Object.keys(storage).filter((name) => name.startsWith(this.prefix));
      const open = others.filter((name) => Date.now() - Number(storage.getItem(name)) < TAB_MS);
      for (const name of others) if (!open.includes(name)) storage.removeItem(name);
      last = !open.length;
    }, warn);
    return last;
  }
}

/** @param {unknown} error */
const warn = (error) => console.warn("alflow: tabs cannot know of each other", error);
