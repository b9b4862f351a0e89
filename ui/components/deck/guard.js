/** Keeps answers from images that the annotator cannot have looked at yet. */
/** @import { Entry } from "../shared/types.js" */
/** @import { Stage } from "./stage.js" */
import { GUARD_MS } from "../shared/presence.js";

export class Guard {
  #until = 0;

  /**
   * @param {Stage} stage
   * @param {{covers: boolean}} [strip] whether it has another image in front
   */
  constructor(stage, strip) {
    this.stage = stage;
    this.strip = strip;
  }

  /** The image changed, or may have, without the annotator's doing: allow no answer for a moment. */
  pause() {
    this.#until = performance.now() + GUARD_MS;
  }

  /**
   * Whether this entry is on screen and painted, and there is no pause.
   *
   * @param {Entry | null} entry
   */
  allows(entry) {
    return !this.strip?.covers && entry !== null && entry === this.stage.current && this.stage.ready && performance.now() >= this.#until;
  }

  /** Why no answer is allowed. */
  get reason() {
    if (this.strip?.covers) return "Another image is in front: press Esc first";
    return this.stage.ready ? "New image: look first" : "The image is still loading";
  }
}
