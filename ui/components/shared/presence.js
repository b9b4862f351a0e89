/** Whether somebody is there. */
const IDLE_MS = 10 * 60 * 1000; // nobody there: let the leases lapse, so that others get the images

export const GUARD_MS = 700; // images changed under somebody's fingers: let them look first

export class Presence {
  #last = Date.now();

  /** Somebody pressed or touched something. */
  seen() {
    this.#last = Date.now();
  }

  get away() {
    return Date.now() - this.#last > IDLE_MS;
  }
}
