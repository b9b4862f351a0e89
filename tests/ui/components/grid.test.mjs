/** What a reload of the grid must not lose, and what one may accept. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Marks } from "../../../ui/components/grid/marks.js";
import { Pending } from "../../../ui/components/grid/pending.js";
import { onLongPress } from "../../../ui/components/grid/press.js";
import { Seen } from "../../../ui/components/grid/seen.js";
import { clock, page, pageWithoutStorage } from "./browser.mjs";

const NAME = "alflow-grid:1:2";

let storage;
beforeEach(() => {
  storage = page();
});

test("marks survive a reload of their page, and count for no other", () => {
  const marks = new Marks(NAME);
  marks.of("one");
  for (const id of [3, 4, 3, 5]) marks.toggle(id);
  const again = new Marks(NAME);
  again.of("one");
  assert.deepEqual([again.size, again.has(4), again.has(3)], [2, true, false]);
  again.of("two");
  assert.equal(again.size, 0);
  const back = new Marks(NAME);
  back.of("one");
  assert.equal(back.size, 0);
});

test("a page that was answered is sent after a reload, once", () => {
  const event = { accept: { token: "one", class_id: 7, accepted: [1], wrong: [2], seconds: 1, screen: "" } };
  new Pending(NAME, () => ({}), () => {}, () => {}).keep(event);
  const after = new Pending(NAME, () => ({ class_id: 7 }), () => {}, () => {});
  assert.equal(after.waits(), true);
  const sent = after.load();
  assert.deepEqual(after.body(sent), { class_id: 7, ...event });
  after.taken({}, sent);
  assert.deepEqual([after.waits(), Object.keys(storage)], [false, []]);
});

test("where the browser keeps nothing, memory serves", () => {
  pageWithoutStorage();
  const pending = new Pending(NAME, () => ({}), () => {}, () => {});
  pending.keep({ undo: "one" });
  assert.deepEqual(pending.load(), { undo: "one" });
  const marks = new Marks(NAME);
  marks.of("one");
  marks.toggle(3);
  assert.equal(marks.has(3), true);
});

test("a tile was seen once it was on screen, and of a new page none was", () => {
  let look;
  globalThis.IntersectionObserver = class {
    constructor(act) {
      look = act;
    }
    observe() {}
    unobserve() {}
    disconnect() {}
  };
  const changes = [];
  const seen = new Seen(() => changes.push(seen.left));
  const tiles = ["a", "b", "c"];
  seen.watch(tiles);
  assert.deepEqual([seen.left, seen.next], [3, "a"]);
  look([{ isIntersecting: true, target: "a" }, { isIntersecting: false, target: "b" }]);
  look([{ isIntersecting: true, target: "c" }]);
  assert.deepEqual([seen.left, seen.next, changes], [1, "b", [2, 1]]);
  seen.watch(["d"]);
  assert.deepEqual([seen.left, seen.next], [1, "d"]);
});

test("a finger that rests shows more and taps nothing; one that moves, or a mouse, does not", async (t) => {
  const tick = clock(t);
  const [node, root] = [new EventTarget(), new EventTarget()];
  let shown = 0;
  onLongPress(node, () => shown++, root);
  const say = (to, type, more = {}) => to.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), more));
  const down = (pointerType) => say(node, "pointerdown", { pointerType, clientX: 5, clientY: 5 });
  down("touch");
  await tick(500);
  say(node, "pointerup");
  assert.deepEqual([shown, say(root, "contextmenu"), say(root, "click")], [1, false, false]);
  say(root, "pointerdown");
  assert.equal(say(root, "click"), true);
  down("touch");
  say(node, "pointermove", { clientX: 5, clientY: 60 });
  await tick(500);
  down("mouse");
  await tick(500);
  down("touch");
  await tick(100);
  say(node, "pointerup");
  await tick(500);
  assert.equal(shown, 1);
});
