/**
 * The tabs in which one person has the desk of a project open. Whoever closes the last one gives the reserved images
 * back at once; a browser that dies leaves them to lapse with their leases.
 */
const TAB_MS = 30000; // a tab that is open says so more often than this

class Tabs {
  constructor(annotator, project) {
    this.prefix = `alflow-tab:${annotator}:${project}:`;
    this.name = this.prefix + crypto.randomUUID();
  }

  /** This tab is open. */
  stay() {
    this.#storage((storage) => storage.setItem(this.name, String(Date.now())));
  }

  /** This tab closes; whether it was the last one. */
  leave() {
    let last = false;
    this.#storage((storage) => {
      storage.removeItem(this.name);
      const others = Object.keys(storage).filter((name) => name.startsWith(this.prefix));
      const open = others.filter((name) => Date.now() - Number(storage.getItem(name)) < TAB_MS);
      for (const name of others) if (!open.includes(name)) storage.removeItem(name);
      last = !open.length;
    });
    return last;
  }

  #storage(use) {
    try {
      use(window.localStorage);
    } catch (error) {
      console.warn("alflow: tabs cannot know of each other", error);
    }
  }
}
