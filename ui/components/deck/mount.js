/** The deck of the page. */
/** @import { DeckData } from "../shared/types.js" */
import { install } from "../shared/install.js";
import { live } from "../shared/live.js";
import { Deck } from "./deck.js";

const REDRAWN_MS = 2000; // a page that is drawn anew has a new deck by then

install();

/**
 * A deck goes; the page may be about to draw it anew, so its images are given back only if that does not happen.
 *
 * @param {Deck} deck
 * @param {() => Deck | undefined} now
 */
function retire(deck, now) {
  deck.destroy();
  setTimeout(() => now()?.data.project === deck.data.project || deck.depart(), REDRAWN_MS);
}

export default live("deck", (parent, /** @type {DeckData} */ data) => new Deck(parent, data), retire);
