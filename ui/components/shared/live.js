/** Between the page and what it shows: Streamlit draws an element anew when it likes; of one kind one at most listens. */
/** @import { CleanUp, Mounted } from "./types.js" */

/**
 * @template What
 * @typedef {object} Live
 * @property {ShadowRoot} parent
 * @property {string} identity
 * @property {What} what
 * @property {object} call the last one; those before it have no say any more
 */

/**
 * The default export of a component of which a page holds one.
 *
 * @template Data, What
 * @param {string} name
 * @param {(parent: ShadowRoot, data: Data) => What} build
 * @param {(what: What, now: () => What | undefined) => void} retire what goes; `now()` is what lives at that time
 * @returns {(mounted: Mounted<Data>) => CleanUp}
 */
export function live(name, build, retire) {
  const place = Symbol.for(`alflow.${name}`); // on the page, which may hold modules of two versions
  const page = /** @type {{[place: symbol]: Live<What> | undefined}} */ (/** @type {unknown} */ (window));
  const now = () => page[place]?.what;
  return ({ data, parentElement: parent }) => {
    const identity = JSON.stringify(data);
    const call = {};
    const before = page[place];
    if (before?.parent === parent && before.identity === identity) before.call = call;
    else {
      if (before) retire(before.what, now);
      page[place] = { parent, identity, what: build(parent, data), call };
    }
    return () => {
      const last = page[place];
      if (last?.call !== call) return;
      retire(last.what, now);
      delete page[place];
    };
  };
}
