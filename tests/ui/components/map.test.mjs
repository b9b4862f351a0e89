// The map without a page: reading what the server sends, finding images by place, and colours that everybody can tell.
import assert from "node:assert/strict";
import test from "node:test";
import { Cloud } from "../../../ui/components/map/cloud.js";
import { between, channels, KINDS, looks, STEPS } from "../../../ui/components/map/colours.js";

const SPAN = 65_535;

/** What the server would send for these points. */
function content(spots, { codes = spots.map(() => 0), names = ["none", "one"], slices = {} } = {}) {
  const step = (value) => Math.round(((value + 1) / 2) * SPAN);
  const columns = {
    ids: Int32Array.from(spots, (_, row) => 100 + row),
    x: Uint16Array.from(spots, ([x]) => step(x)),
    y: Uint16Array.from(spots, ([, y]) => step(y)),
    label: Uint16Array.from(codes),
    ...Object.fromEntries(Object.values(slices).map((rows, place) => [`slice-${place}`, Int32Array.from(rows)])),
  };
  const parts = [];
  const places = {};
  let at = 0;
  for (const [name, column] of Object.entries(columns)) {
    places[name] = { kind: column instanceof Uint16Array ? "u16" : "i32", at, count: column.length };
    const bytes = new Uint8Array(Math.ceil(column.byteLength / 4) * 4);
    bytes.set(new Uint8Array(column.buffer));
    parts.push(bytes);
    at += bytes.length;
  }
  const fields = [{ key: "label", title: "Class", kind: "kinds", names }];
  const written = JSON.stringify({ count: spots.length, words: "t-SNE", fields, slices: Object.keys(slices), columns: places });
  const length = new TextEncoder().encode(written).length;
  const head = new TextEncoder().encode(written + " ".repeat(-length & 3));
  return new Blob([Uint32Array.of(head.length), head, ...parts]).arrayBuffer();
}

/** Points like dust, the same each time. */
function dust(count) {
  let state = 7;
  const draw = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return (state / 2_147_483_648) * 2 - 1;
  };
  return Array.from({ length: count }, () => [draw(), draw()]);
}

test("what is sent is read: places, codes, counts, slices", async () => {
  const cloud = new Cloud(await content([[-1, -1], [1, 1], [0.5, 0]], { codes: [0, 1, 1], slices: { "Größe": [0, 2] } }));
  assert.deepEqual([...cloud.ids], [100, 101, 102]);
  assert.deepEqual([cloud.x[0], cloud.y[1]], [-1, 1]);
  assert.deepEqual(cloud.field("label").counts, [1, 2]);
  assert.deepEqual([...cloud.having("label", 1)], [1, 2]);
  assert.equal(cloud.named("label", 2), "one");
  assert.equal(cloud.named("nothing", 2), "");
  assert.deepEqual(cloud.slices.map(({ name, rows }) => [name, ...rows]), [["Größe", 0, 2]]);
});

test("the nearest image and those inside a lasso are the ones that looking at all would find", async () => {
  const spots = dust(3_000);
  const cloud = new Cloud(await content(spots));
  for (const [x, y] of dust(40)) {
    const away = spots.map((_, row) => Math.hypot(cloud.x[row] - x, cloud.y[row] - y));
    const best = away.indexOf(Math.min(...away));
    assert.equal(cloud.nearest({ x, y }, 0.2), away[best] <= 0.2 ? best : -1);
  }
  const ring = Array.from({ length: 60 }, (_, at) => ({ x: 0.2 + 0.5 * Math.cos(at / 9.55), y: 0.5 * Math.sin(at / 9.55) }));
  const inside = [...cloud.within(ring)];
  const circle = spots.map((_, row) => row).filter((row) => Math.hypot(cloud.x[row] - 0.2, cloud.y[row]) < 0.497);
  assert.ok(circle.every((row) => inside.includes(row)));
  assert.ok(inside.every((row) => Math.hypot(cloud.x[row] - 0.2, cloud.y[row]) < 0.501));
  assert.deepEqual(inside, inside.toSorted((one, two) => one - two));
});

test("a lasso of nothing selects nothing, and one about everything selects all", async () => {
  const cloud = new Cloud(await content([[0, 0], [1, 1], [-1, 1]]));
  assert.equal(cloud.within([]).length, 0);
  assert.equal(cloud.within([{ x: 0, y: 0 }, { x: 1, y: 1 }]).length, 0);
  const about = [[-2, -2], [2, -2], [2, 2], [-2, 2]].map(([x, y]) => ({ x, y }));
  assert.deepEqual([...cloud.within(about)], [0, 1, 2]);
  assert.equal(cloud.nearest({ x: 5, y: 5 }, 0.1), -1);
  const empty = new Cloud(await content([]));
  assert.equal(empty.nearest({ x: 0, y: 0 }, 3), -1);
  assert.equal(empty.within(about).length, 0);
});

// ---- colours

const linear = (value) => (value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const luminance = (colour) => {
  const [red, green, blue] = channels(colour).map(linear);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
/** How dichromats see linear light (Machado, Oliveira and Fernandes 2009, severity 1). */
const SIGHTS = {
  everybody: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};
/** A colour in CIELAB, as somebody sees it. */
function lab(colour, sight) {
  const light = channels(colour).map(linear);
  const [red, green, blue] = sight.map((row) => Math.max(0, Math.min(1, row.reduce((sum, share, at) => sum + share * light[at], 0))));
  const [x, y, z] = [
    (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
    0.2126 * red + 0.7152 * green + 0.0722 * blue,
    (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089,
  ].map((value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const apart = (one, two, sight) => Math.hypot(...lab(one, sight).map((value, at) => value - lab(two, sight)[at]));
const PAPER = { light: "#fbfaf7", dark: "#141516" };

for (const scheme of ["light", "dark"]) {
  test(`groups are told apart on ${scheme} paper, by the colour-blind too`, () => {
    for (const [who, sight] of Object.entries(SIGHTS))
      for (const [at, one] of KINDS[scheme].entries())
        for (const two of KINDS[scheme].slice(at + 1))
          assert.ok(apart(one, two, sight) > 11, `${who}: ${one} and ${two} are ${apart(one, two, sight).toFixed(1)} apart`);
    for (const colour of KINDS[scheme]) {
      const [dark, bright] = [luminance(colour), luminance(PAPER[scheme])].toSorted((one, two) => one - two);
      assert.ok((bright + 0.05) / (dark + 0.05) >= 3, colour);
    }
  });

  test(`from little to much the lightness only grows or only falls on ${scheme} paper`, () => {
    const all = Array.from({ length: 21 }, (_, at) => luminance(between(STEPS[scheme], at / 20)));
    const ordered = all.toSorted((one, two) => (scheme === "light" ? two - one : one - two));
    assert.deepEqual(all, ordered);
  });
}

test("each group has a look, and those with the most images have one of their own", () => {
  const few = looks({ kind: "kinds", names: ["none", "a", "b"], counts: [5, 1, 9] }, "light");
  assert.equal(new Set(few.map(({ colour }) => colour)).size, 3);
  const names = Array.from({ length: 1_001 }, (_, at) => `class ${at}`);
  const many = looks({ kind: "kinds", names, counts: names.map((_, at) => at) }, "dark");
  assert.equal(many.length, 1_001);
  assert.ok(many.every((look) => /^#[0-9a-f]{6}$/.test(look.colour)));
  const own = new Set(many.slice(-16).map(({ colour, ring }) => `${colour}${ring}`));
  assert.equal(own.size, 16);
  for (const count of [1, 2, 3, 40]) {
    const steps = looks({ kind: "steps", names: names.slice(0, count), counts: [] }, "light");
    assert.equal(steps.length, count);
  }
});
