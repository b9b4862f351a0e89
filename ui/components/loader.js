/** What Streamlit gets in place of a component's module, which lies at `ADDRESS`, seen from the page; a lost connection is waited for. */
/** @import { Mounted } from "./shared/types.js" */
const TRIES = 6;

const load = async (tries = 1) => {
  try {
    // a browser may remember that an address failed: it is another one each time
    return await import(new URL(`${ADDRESS}${tries > 1 ? `?try=${tries}` : ""}`, document.baseURI).href);
  } catch (error) {
    if (tries === TRIES) throw error;
    await new Promise((wake) => setTimeout(wake, 250 * 2 ** tries));
    return load(tries + 1);
  }
};

/** @param {Mounted<unknown>} mounted what is inert until something listens to it: a press before would be lost */
export default async (mounted) => {
  const cleanUp = (await load()).default(mounted);
  mounted.parentElement.querySelector("[inert]")?.removeAttribute("inert");
  return cleanUp;
};
