/** Which tiles were on screen: a page of hundreds is longer than it, and nobody accepts what they cannot have seen. */

const FOOTER_PX = 64; // what the buttons below cover

export class Seen {
  /** @type {Set<HTMLButtonElement>} */
  #unseen = new Set();
  /** @type {IntersectionObserver | undefined} */
  #observer;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /** How many were not on screen yet. */
  get left() {
    return this.#unseen.size;
  }

  /** @returns {HTMLButtonElement | undefined} the first of them */
  get next() {
    return this.#unseen.values().next().value;
  }

  /** @param {HTMLButtonElement[]} tiles in order, in place of those before */
  watch(tiles) {
    this.#observer?.disconnect();
    this.#unseen = new Set(tiles);
    this.#observer = new IntersectionObserver((entries) => this.#look(entries), { threshold: 0.5, rootMargin: `0px 0px -${FOOTER_PX}px` });
    for (const tile of tiles) this.#observer.observe(tile);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #look(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.#unseen.delete(/** @type {HTMLButtonElement} */ (target));
      this.#observer?.unobserve(target);
    }
    this.onChange();
  }
}
