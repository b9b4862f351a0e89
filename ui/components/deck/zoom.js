/**
 * Zoom and pan of the image on screen: wheel, double click, two fingers, drag; a swipe at rest leads to the neighbours,
 * and never answers: a thumb that slips does no harm.
 *
 * Scale 1 shows the whole image. `onZoom` is called when more pixels than those of the rendition may be wanted.
 */
/** @typedef {{clientX: number, clientY: number}} Point */
import { target } from "../shared/dom.js";

const MOST = 12;
const SWIPE_PX = 60;

/** @param {Event} event whether it is for a button or a field that lies over the image */
const ofControls = (event) => Boolean(target(event).closest?.("button, form"));

export class Zoom {
  scale = 1;
  x = 0;
  y = 0;
  /** @type {Map<number, PointerEvent>} */
  #pointers = new Map();
  /** @type {PointerEvent | null} */
  #start = null;
  #touched = false; // two quick taps are no wish to zoom

  /**
   * @param {HTMLElement} stage
   * @param {object} hooks
   * @param {() => number | undefined} hooks.width of the image in its own pixels, where it is known
   * @param {() => void} hooks.onZoom
   * @param {(step: number) => void} hooks.onSwipe
   * @param {AbortSignal} hooks.signal
   */
  constructor(stage, { width, onZoom, onSwipe, signal }) {
    this.stage = stage;
    this.sheet = /** @type {HTMLElement} */ (stage.firstElementChild);
    this.width = width;
    this.onZoom = onZoom;
    this.onSwipe = onSwipe;
    /**
     * @template {keyof HTMLElementEventMap} Name
     * @param {Name} what
     * @param {(event: HTMLElementEventMap[Name]) => void} act
     */
    const on = (what, act) => stage.addEventListener(what, act, { passive: false, signal });
    on("wheel", (event) => this.#wheel(event));
    on("dblclick", (event) => ofControls(event) || this.#touched || this.toggle(event));
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#pointers.delete(event.pointerId));
    on("touchmove", (event) => event.cancelable && this.#takes(event) && event.preventDefault());
    this.reset();
  }

  get zoomed() {
    return this.scale > 1.001;
  }

  reset() {
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.#draw();
  }

  /**
   * Between the whole image and one image pixel on one screen pixel.
   *
   * @param {Point} [event]
   */
  toggle(event) {
    if (this.zoomed) return this.reset();
    this.to(Math.max(this.#natural(), 1.5), event);
  }

  /** @param {number} factor */
  by(factor) {
    this.to(this.scale * factor);
  }

  /**
   * Zoom to a scale around a point of the screen, the middle by default.
   *
   * @param {number} scale
   * @param {Point} [at]
   */
  to(scale, at) {
    const box = this.stage.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.x - box.width / 2, at.clientY - box.y - box.height / 2] : [0, 0];
    const next = Math.min(MOST, Math.max(1, scale));
    this.x = px - ((px - this.x) * next) / this.scale;
    this.y = py - ((py - this.y) * next) / this.scale;
    this.scale = next;
    this.#draw();
    if (this.zoomed) this.onZoom();
  }

  /** The scale at which one pixel of the image takes one of the screen. */
  #natural() {
    const image = /** @type {HTMLImageElement | null} */ (this.stage.querySelector("img.on"));
    if (!image?.naturalWidth) return 1;
    const { offsetWidth, offsetHeight } = this.sheet; // untouched by the zoom
    const fit = Math.min(offsetWidth / image.naturalWidth, offsetHeight / image.naturalHeight);
    return (this.width() || image.naturalWidth) / (image.naturalWidth * fit * window.devicePixelRatio);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    this.to(this.scale * Math.exp(-event.deltaY / 400), event);
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (ofControls(event)) return;
    this.#touched = event.pointerType === "touch";
    this.#pointers.set(event.pointerId, event);
    this.#start = this.#pointers.size === 1 ? event : null;
    if (this.zoomed || this.#pointers.size > 1) this.stage.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    if (this.#pointers.size === 2) this.#pinch(event, before);
    else if (this.zoomed) {
      this.x += event.clientX - before.clientX;
      this.y += event.clientY - before.clientY;
      this.#draw();
    }
    this.#pointers.set(event.pointerId, event);
  }

  /**
   * Whether fingers are here for the image, not to scroll the page: after a fling of its own the browser swallows a tap.
   *
   * @param {TouchEvent} event
   */
  #takes({ touches: [finger, other] }) {
    if (!this.#pointers.size) return false;
    if (this.zoomed || other || !this.#start) return true;
    return Math.abs(finger.clientX - this.#start.clientX) > Math.abs(finger.clientY - this.#start.clientY);
  }

  /**
   * @param {PointerEvent} event
   * @param {PointerEvent} before of the same finger
   */
  #pinch(event, before) {
    const other = [...this.#pointers.values()].find((each) => each.pointerId !== event.pointerId);
    if (!other) return;
    /** @param {Point} one */
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.to((this.scale * apart(event)) / Math.max(apart(before), 1), middle);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    this.#pointers.delete(event.pointerId);
    const start = this.#start;
    if (!start || this.zoomed || event.pointerType !== "touch") return;
    const [dx, dy] = [event.clientX - start.clientX, event.clientY - start.clientY];
    if (Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 2 * Math.abs(dy)) this.onSwipe(dx < 0 ? 1 : -1);
  }

  /** Keep the image in the frame, and say to the browser which gestures are ours. */
  #draw() {
    const [spareX, spareY] = [this.stage.clientWidth, this.stage.clientHeight].map((side) => (side * (this.scale - 1)) / 2);
    this.x = Math.max(-spareX, Math.min(spareX, this.x));
    this.y = Math.max(-spareY, Math.min(spareY, this.y));
    this.sheet.style.transform = this.zoomed ? `translate(${this.x}px, ${this.y}px) scale(${this.scale})` : "";
    this.stage.classList.toggle("zoomed", this.zoomed);
  }
}
