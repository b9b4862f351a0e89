/** Between the page and the deck: Streamlit draws an element anew when it likes; of the decks one at most listens. */
const AGAIN_MS = 2000; // a page that is drawn anew has its deck again by then
const LIVE = Symbol.for("alflow.deck");

navigator.serviceWorker?.register("/offline.js").catch(() => {}); // a reload without a connection then shows something

/** A deck goes; the page may be about to draw it anew, so its images are given back only if that does not happen. */
function retire(deck) {
  deck.destroy();
  setTimeout(() => window[LIVE]?.deck.data.project === deck.data.project || deck.depart(), AGAIN_MS);
}

export default function ({ data, parentElement }) {
  const identity = JSON.stringify(data);
  const live = window[LIVE];
  if (live?.parent !== parentElement || live.identity !== identity) {
    if (live) retire(live.deck);
    window[LIVE] = { parent: parentElement, identity, deck: new Deck(parentElement, data) };
  }
  return () => {
    if (window[LIVE]?.parent !== parentElement) return;
    retire(window[LIVE].deck);
    delete window[LIVE];
  };
}
