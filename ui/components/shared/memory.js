/** The browser's storage, which may be forbidden or full. */

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

/**
 * What is not remembered is chosen anew on the next visit.
 *
 * @param {string} name
 * @param {string} value
 */
export const remember = (name, value) => inStorage((storage) => storage.setItem(name, value), () => {});
