/** Pointers, wheel and keys on the canvas: moving, zooming, and drawing a lasso or a box. */
/** @import { Surface } from "./surface.js" */
/** @import { Spot } from "./cloud.js" */

const STEP = 60; // pixels of an arrow key
const CLICK = 4; // pixels that a press may wander
const KEYS = /** @type {{[key: string]: [number, number]}} */ ({ ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] });

/** @typedef {"move" | "lasso" | "box"} Tool */

export class Hands {
  /** @type {Tool} */
  tool = "move";
  /** @type {Map<number, {clientX: number, clientY: number}>} */
  #down = new Map();
  /** @type {{clientX: number, clientY: number}[]} */
  #trail = [];

  /**
   * @param {Surface} surface
   * @param {SVGPolygonElement} line
   * @param {object} hooks
   * @param {() => void} hooks.moved the view is another one
   * @param {(corners: Spot[]) => void} hooks.drawn a lasso or a box
   * @param {(spot: Spot) => void} hooks.pressed
   * @param {(event: PointerEvent | null) => void} hooks.over
   * @param {(key: string) => boolean} hooks.key whether it meant something
   */
  constructor(surface, line, hooks) {
    this.surface = surface;
    this.line = line;
    this.hooks = hooks;
    const { canvas } = surface;
    canvas.onpointerdown = (event) => this.#begin(event);
    canvas.onpointermove = (event) => this.#go(event);
    canvas.onpointerup = (event) => this.#end(event);
    canvas.onpointercancel = (event) => this.#forget(event);
    canvas.onpointerleave = () => hooks.over(null);
    canvas.onkeydown = (event) => this.#key(event);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.surface.nearer(Math.exp(-event.deltaY * lines * 0.002), this.surface.spot(event));
    this.hooks.moved();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS[event.key];
    if (step) this.surface.move(...step);
    else if (event.key === "+" || event.key === "=") this.surface.nearer(1.4);
    else if (event.key === "-") this.surface.nearer(1 / 1.4);
    else if (event.key === "0") this.surface.whole();
    else {
      if (this.hooks.key(event.key)) event.preventDefault();
      return;
    }
    event.preventDefault();
    this.hooks.moved();
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    if (event.button) return;
    this.surface.canvas.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, event);
    this.#trail = this.#down.size === 1 ? [event] : [];
    this.line.setAttribute("points", "");
    this.hooks.over(null);
  }

  /** @param {PointerEvent} event */
  #go(event) {
    const before = this.#down.get(event.pointerId);
    if (!before) {
      this.hooks.over(event);
      return;
    }
    if (this.#down.size === 2) this.#pinch(event, before);
    else if (this.#down.size === 1 && this.#trail.length) this.#drag(event, before);
    this.#down.set(event.pointerId, event);
  }

  /**
   * @param {PointerEvent} event
   * @param {{clientX: number, clientY: number}} before
   */
  #drag(event, before) {
    this.#trail.push(event);
    if (this.tool === "move") {
      this.surface.move(event.clientX - before.clientX, event.clientY - before.clientY);
      this.hooks.moved();
    } else {
      const { left, top } = this.surface.canvas.getBoundingClientRect();
      const points = this.#outline().map(({ clientX, clientY }) => `${clientX - left},${clientY - top}`);
      this.line.setAttribute("points", points.join(" "));
    }
  }

  /**
   * @param {PointerEvent} event
   * @param {{clientX: number, clientY: number}} before
   */
  #pinch(event, before) {
    const other = [...this.#down].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) return;
    /** @param {{clientX: number, clientY: number}} one */
    const away = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    this.surface.nearer(away(event) / Math.max(1, away(before)), this.surface.spot(other));
    this.hooks.moved();
  }

  /** @param {PointerEvent} event */
  #end(event) {
    const [first] = this.#trail;
    if (first && this.#down.size === 1) {
      const far = this.#trail.some((one) => Math.hypot(one.clientX - first.clientX, one.clientY - first.clientY) > CLICK);
      if (!far) this.hooks.pressed(this.surface.spot(event));
      else if (this.tool !== "move") this.hooks.drawn(this.#outline().map((one) => this.surface.spot(one)));
    }
    this.#forget(event);
  }

  /** @param {PointerEvent} event */
  #forget(event) {
    this.#down.delete(event.pointerId);
    this.#trail = [];
    this.line.setAttribute("points", "");
  }

  #outline() {
    if (this.tool === "lasso") return this.#trail;
    const [one, two] = [this.#trail[0], this.#trail[this.#trail.length - 1]];
    return [one, { clientX: two.clientX, clientY: one.clientY }, two, { clientX: one.clientX, clientY: two.clientY }];
  }
}
