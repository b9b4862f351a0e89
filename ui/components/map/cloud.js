/**
 * The images as points, in typed arrays: 100,000 are read, searched and selected without an object each.
 *
 * What is read is a 32-bit length, a JSON head of that many bytes, and columns (see `ui/routes/map.py`).
 */
/** @typedef {{key: string, title: string, kind: "kinds" | "steps", names: string[]}} FieldHead */
/** @typedef {FieldHead & {codes: Uint16Array, counts: number[]}} Field */
/** @typedef {{x: number, y: number}} Spot in the square from -1 to 1 */

const CELLS = 256; // a side: of 100,000 points a cell has one or two
const SPAN = 65_535;

export class Cloud {
  /** @param {ArrayBuffer} content */
  constructor(content) {
    const length = new DataView(content).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(content, 4, length)));
    /** @param {string} name */
    const column = (name) => {
      const { kind, at, count } = head.columns[name];
      const start = 4 + length + at;
      return kind === "u16" ? new Uint16Array(content, start, count) : new Int32Array(content, start, count);
    };
    this.count = /** @type {number} */ (head.count);
    this.words = /** @type {string} */ (head.words);
    this.ids = /** @type {Int32Array} */ (column("ids"));
    this.x = Float32Array.from(column("x"), (step) => (step / SPAN) * 2 - 1);
    this.y = Float32Array.from(column("y"), (step) => (step / SPAN) * 2 - 1);
    this.fields = /** @type {FieldHead[]} */ (head.fields).map((field) => {
      const codes = /** @type {Uint16Array} */ (column(field.key));
      const counts = /** @type {number[]} */ (new Array(field.names.length).fill(0));
      for (const code of codes) counts[code] += 1;
      return { ...field, codes, counts };
    });
    this.slices = /** @type {string[]} */ (head.slices).map((name, place) => ({ name, rows: column(`slice-${place}`) }));
    this.#sort();
  }

  /** The rows by cell, so that what is near a place is found without looking at all. */
  #sort() {
    const cells = Uint16Array.from(this.x, (x, row) => cell(x) + CELLS * cell(this.y[row]));
    this.starts = new Int32Array(CELLS * CELLS + 1);
    for (const each of cells) this.starts[each + 1] += 1;
    for (let each = 0; each < CELLS * CELLS; each++) this.starts[each + 1] += this.starts[each];
    const next = this.starts.slice();
    this.rows = new Int32Array(this.count);
    for (let row = 0; row < this.count; row++) this.rows[next[cells[row]]++] = row;
  }

  /**
   * The row that is nearest to a place, not farther than so much; -1 for none.
   *
   * @param {Spot} spot
   * @param {number} reach
   */
  nearest({ x, y }, reach) {
    let [best, least] = [-1, reach * reach];
    this.#around(x - reach, y - reach, x + reach, y + reach, (row) => {
      const distance = (this.x[row] - x) ** 2 + (this.y[row] - y) ** 2;
      if (distance <= least) [best, least] = [row, distance];
    });
    return best;
  }

  /**
   * The rows inside a polygon, ascending; its edge may cross itself (even and odd).
   *
   * @param {Spot[]} corners
   */
  within(corners) {
    if (corners.length < 3) return new Int32Array(0);
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    const found = /** @type {number[]} */ ([]);
    this.#around(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (row) => {
      if (isInside(corners, this.x[row], this.y[row])) found.push(row);
    });
    return Int32Array.from(found).sort();
  }

  /**
   * @param {string} key of a field
   * @param {number} code
   */
  having(key, code) {
    const { codes } = this.field(key);
    return Int32Array.from([...codes.keys()].filter((row) => codes[row] === code));
  }

  /** @param {string} key */
  field(key) {
    return this.fields.find((field) => field.key === key) ?? this.fields[0];
  }

  /**
   * The name of a row's value.
   *
   * @param {string} key of a field
   * @param {number} row
   */
  named(key, row) {
    const field = this.fields.find((each) => each.key === key);
    return field ? field.names[field.codes[row]] : "";
  }

  /**
   * @param {number} left
   * @param {number} low
   * @param {number} right
   * @param {number} high
   * @param {(row: number) => void} look
   */
  #around(left, low, right, high, look) {
    const starts = /** @type {Int32Array} */ (this.starts);
    const rows = /** @type {Int32Array} */ (this.rows);
    for (let line = cell(low); line <= cell(high); line++) {
      const [from, to] = [starts[CELLS * line + cell(left)], starts[CELLS * line + cell(right) + 1]];
      for (let at = from; at < to; at++) look(rows[at]);
    }
  }
}

/** @param {number} value */
const cell = (value) => Math.max(0, Math.min(CELLS - 1, Math.floor(((value + 1) / 2) * CELLS)));

/**
 * @param {Spot[]} corners
 * @param {number} x
 * @param {number} y
 */
function isInside(corners, x, y) {
  let inside = false;
  for (let at = 0, before = corners.length - 1; at < corners.length; before = at++) {
    const [one, two] = [corners[at], corners[before]];
    if (one.y > y !== two.y > y && x < ((two.x - one.x) * (y - one.y)) / (two.y - one.y) + one.x) inside = !inside;
  }
  return inside;
}
