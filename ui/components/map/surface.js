/**
 * Draws points into pixels: a frame of 100,000 takes a few milliseconds on a processor, with or without a graphics card.
 */
/** @import { Cloud, Spot } from "./cloud.js" */
/** @import { Look } from "./colours.js" */
import { channels } from "./colours.js";

const MOST = 400; // zoom
const MARGIN = 0.94;
const DIMMED = 0.3; // of its colour a point keeps while others are selected

/** @typedef {{looks: Look[], codes: Uint16Array, ink: string, paper: string}} Style */

export class Surface {
  zoom = 1;
  middle = { x: 0, y: 0 };

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.fit();
  }

  /** Take the size that the page gives. */
  fit() {
    const { width, height } = this.canvas.getBoundingClientRect();
    this.ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.width = Math.max(1, Math.round(width * this.ratio));
    this.canvas.height = Math.max(1, Math.round(height * this.ratio));
    this.picture = this.pen.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.picture.data.buffer);
  }

  /** Pixels of the canvas per unit of the map. */
  get scale() {
    return (Math.min(this.canvas.width, this.canvas.height) / 2) * MARGIN * this.zoom;
  }

  /**
   * The place on the map under a point of the page.
   *
   * @param {{clientX: number, clientY: number}} event
   * @returns {Spot}
   */
  spot({ clientX, clientY }) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const ratio = this.ratio ?? 1;
    return {
      x: ((clientX - left) * ratio - this.canvas.width / 2) / this.scale + this.middle.x,
      y: (this.canvas.height / 2 - (clientY - top) * ratio) / this.scale + this.middle.y,
    };
  }

  /** The corners of what is in view. */
  corners() {
    const { left, top, right, bottom } = this.canvas.getBoundingClientRect();
    const pairs = /** @type {[number, number][]} */ ([[left, top], [right, top], [right, bottom], [left, bottom]]);
    return pairs.map(([clientX, clientY]) => this.spot({ clientX, clientY }));
  }

  /**
   * So much nearer, with this place staying where it is.
   *
   * @param {number} times
   * @param {Spot} [about]
   */
  nearer(times, about = this.middle) {
    const zoom = Math.max(0.5, Math.min(MOST, this.zoom * times));
    const share = this.zoom / zoom;
    this.middle = { x: about.x + (this.middle.x - about.x) * share, y: about.y + (this.middle.y - about.y) * share };
    this.zoom = zoom;
    this.#hold();
  }

  /**
   * @param {number} right in pixels of the page
   * @param {number} down
   */
  move(right, down) {
    const step = (this.ratio ?? 1) / this.scale;
    this.middle = { x: this.middle.x - right * step, y: this.middle.y + down * step };
    this.#hold();
  }

  whole() {
    [this.zoom, this.middle] = [1, { x: 0, y: 0 }];
  }

  #hold() {
    this.middle = { x: Math.max(-1, Math.min(1, this.middle.x)), y: Math.max(-1, Math.min(1, this.middle.y)) };
  }

  /** Half the width of a point, in pixels of the canvas. */
  radius(/** @type {number} */ count) {
    const base = count > 50_000 ? 1.4 : count > 10_000 ? 1.9 : count > 2_000 ? 2.6 : 3.6;
    return Math.min(7, base * this.zoom ** 0.3) * (this.ratio ?? 1);
  }

  /**
   * @param {Cloud} cloud
   * @param {Style} style
   * @param {Uint8Array} selected 1 for rows that are
   * @param {boolean} any whether any is
   */
  draw(cloud, style, selected, any) {
    const pixels = /** @type {Uint32Array} */ (this.pixels).fill(0);
    const radius = this.radius(cloud.count);
    const width = this.canvas.width;
    const [disc, ring, edge] = [mask(radius, 0, width), mask(radius, Math.max(0, radius - 1.3 * (this.ratio ?? 1)), width), mask(radius + 1.5, 0, width)];
    const full = style.looks.map(({ colour }) => packed(colour, style.paper, 1));
    const dim = style.looks.map(({ colour }) => packed(colour, style.paper, DIMMED));
    const [masks, ink, ground] = [style.looks.map((look) => (look.ring ? ring : disc)), packed(style.ink, style.paper, 1), packed(style.paper, style.paper, 1)];
    const reach = Math.ceil(radius) + 2;
    const [sx, sy, scale] = [width / 2 - this.middle.x * this.scale, this.canvas.height / 2 + this.middle.y * this.scale, this.scale];
    const [right, bottom] = [width - reach, this.canvas.height - reach];
    const { x, y } = cloud;
    /** @param {0 | 1 | 2 | 3} turn unknown ones lie lowest; the edges of all selected ones under their colours */
    const pass = (turn) => {
      for (let row = 0; row < cloud.count; row++) {
        const code = style.codes[row];
        if (selected[row] ? turn < 2 : turn > 1 || (code === 0) !== (turn === 0)) continue;
        const [px, py] = [Math.round(sx + x[row] * scale), Math.round(sy - y[row] * scale)];
        if (px < reach || py < reach || px >= right || py >= bottom) continue;
        const at = py * width + px;
        if (turn === 2) {
          for (const step of edge) pixels[at + step] = ink;
          continue;
        }
        if (turn === 3 && masks[code] === ring) for (const step of disc) pixels[at + step] = ground;
        const colour = any && turn !== 3 ? dim[code] : full[code];
        for (const step of masks[code]) pixels[at + step] = colour;
      }
    };
    pass(0);
    pass(1);
    if (any) {
      pass(2);
      pass(3);
    }
    this.pen.putImageData(/** @type {ImageData} */ (this.picture), 0, 0);
  }
}

/**
 * The steps in memory from the middle of a point to each of its pixels.
 *
 * @param {number} radius
 * @param {number} hole
 * @param {number} width of the canvas
 */
function mask(radius, hole, width) {
  const steps = [];
  const reach = Math.ceil(radius);
  for (let down = -reach; down <= reach; down++)
    for (let right = -reach; right <= reach; right++) {
      const away = Math.hypot(right, down);
      if (away <= radius && away >= hole) steps.push(down * width + right);
    }
  return Int32Array.from(steps);
}

/**
 * A colour as a pixel in memory: red comes first, on every machine that runs a browser.
 *
 * @param {string} colour
 * @param {string} paper
 * @param {number} share of the colour; the rest is paper
 */
function packed(colour, paper, share) {
  const ground = channels(paper);
  const [red, green, blue] = channels(colour).map((value, at) => Math.round(value * share + ground[at] * (1 - share)));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
