/** @import { Entry } from "../shared/types.js" */

/**
 * Announce on the window what happened on screen, for tests and measurements.
 *
 * @param {string} what
 * @param {Entry} entry
 * @param {object} [more]
 */
export function announce(what, entry, more = {}) {
  window.dispatchEvent(new CustomEvent("alflow", { detail: { what, ...entry, ...more, at: performance.now() } }));
}
