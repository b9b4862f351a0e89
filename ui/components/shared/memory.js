/** The browser's storage, which may be forbidden or full. */

/**
 * What begins a name: the folder of the pages, for there may be others of alflow on the same host, with answers of
 * their own.
 */
export const ours = () => `alflow${new URL(".", document.baseURI).pathname.slice(0, -1)}`;

/**
 * @template Found
 * @param {(storage: Storage) => Found} use
 * @param {(error: unknown) => Found} otherwise
 */
export function inStorage(use, otherwise) {
  try {
    return use(window.localStorage);
  } catch (error) {
    return otherwise(error);
  }
}

/** @param {string} name what this browser remembers under a name, if it remembers anything */
export const remembered = (name) => inStorage((storage) => storage.getItem(name), () => null);

/** @param {string} name what this browser need not remember any more */
export const forget = (name) => inStorage((storage) => storage.removeItem(name), () => {});

/**
 * What is not remembered is chosen anew on the next visit.
 *
 * @param {string} name
 * @param {string} value
 */
export const remember = (name, value) => inStorage((storage) => storage.setItem(name, value), () => {});
