/** What stands where in the list of classes: groups with two keys, favourites, those used last. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Groups } from "../../../ui/components/deck/groups.js";
import { Own } from "../../../ui/components/deck/own.js";
import { Shelf } from "../../../ui/components/deck/shelf.js";
import { page, pageWithoutStorage } from "./browser.mjs";

/** As much of an element as a list needs. */
class Node {
  dataset = {};
  attributes = {};
  classes = new Set();
  classList = { toggle: (name, on) => (on ? this.classes.add(name) : this.classes.delete(name)) };
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  append() {}
  scrollIntoView() {}
}

const press = (code, key, shiftKey = true) => ({ code, key, shiftKey });
const CLASS_KEY = true;
let drawn;
function list(...names) {
  document.createElement = () => new Node();
  const classes = names.map((group, i) => ({ id: i + 1, name: `class ${i + 1}`, key: null, group }));
  const buttons = classes.map(({ id }) => Object.assign(new Node(), { dataset: { id: String(id) } }));
  drawn = 0;
  return { groups: new Groups(classes, buttons, () => drawn++), buttons };
}

beforeEach(() => page());

test("classes without a group come first, then each group under its heading, in the order of their first classes", () => {
  const { groups, buttons } = list("b", "", "a", "b");
  const rows = groups.rows(() => true, (button) => button);
  const [b, a] = groups.groups.map(({ head }) => head);
  assert.deepEqual(rows, [buttons[1], b, buttons[0], buttons[3], a, buttons[2]]);
  assert.equal(b.attributes["aria-expanded"], "true");
});

test("many classes are folded, until their group is opened", () => {
  const { groups, buttons } = list(...Array(12).fill("a"));
  groups.rows(() => true, (button) => button);
  assert.ok(buttons[0].classes.has("folded"));
  groups.groups[0].head.onclick();
  groups.rows(() => true, (button) => button);
  assert.ok(!buttons[0].classes.has("folded"));
  assert.equal(drawn, 1);
});

test("Shift and a digit open a group, and the next key answers with the class at that place", () => {
  const { groups, buttons } = list("a", "b", "b");
  assert.equal(groups.step(press("Digit2", "2", false)), undefined);
  assert.equal(groups.step(press("Digit2", '"')), null);
  assert.equal(groups.keyOf(buttons[2]), "2");
  assert.equal(groups.step(press("Digit2", "2", false)), 3);
  assert.equal(groups.keyOf(buttons[2]), "");
});

test("another key than a place ends it, and answers nothing", () => {
  const { groups } = list("a", "b");
  assert.equal(groups.step(press("Digit1", "!")), null);
  assert.equal(groups.step(press("Digit9", "9", false)), null);
  assert.equal(groups.step(press("Digit1", "1", false)), undefined);
  assert.equal(groups.step(press("Digit7", "/")), undefined); // there are two groups
  assert.equal(groups.step(press("Digit1", "1"), CLASS_KEY), undefined); // where digits are typed with Shift
});

test("where digits are typed with Shift, the row of digits opens a group without it, unless its sign is a key of its own", () => {
  const { groups } = list("a", "b", "b");
  assert.equal(groups.step(press("Digit2", "é", false), CLASS_KEY), undefined);
  assert.equal(groups.step(press("Digit2", "é", false)), null);
  assert.equal(groups.step(press("Digit1", "&", false), CLASS_KEY), 2); // the second key is a place, whatever it means alone
  assert.equal(groups.step(press("Digit2", "2")), null); // no class has the digit
  assert.equal(groups.step(press("Digit2", "2")), 3);
  assert.equal(groups.step(press("Digit1", "!"), CLASS_KEY), null); // with Shift it is the group, as ever
  assert.equal(groups.step(press("KeyA", "#", false)), null); // no place: nothing is answered
});

test("the last classes come first, and favourites stay in the order in which they were chosen, after a reload too", () => {
  const shelf = new Shelf(1, 2);
  for (const id of [5, 6, 5]) shelf.use(id);
  assert.ok(shelf.toggle(9));
  assert.ok(shelf.toggle(7));
  const again = new Shelf(1, 2);
  assert.deepEqual([again.used, again.favourites], [[5, 6], [9, 7]]);
  assert.ok(!again.toggle(9));
  assert.deepEqual(again.favourites, [7]);
  assert.deepEqual(new Shelf(2, 2).used, []);
});

test("favourites of another browser are taken over, but not in place of what was chosen here since", () => {
  const shelf = new Shelf(1, 2);
  const favourites = { numbers: () => shelf.favourites, take: (ids) => shelf.take(ids) };
  const own = new Own(1, 2, { favourites });
  shelf.toggle(9);
  assert.deepEqual(own.ask(), { own: {} });
  assert.ok(!own.taken({ favourites: null })); // this browser is the first that tells the server
  assert.deepEqual(own.ask(), { own: { favourites: [9] } });
  own.taken({ favourites: [9] });
  assert.deepEqual(own.ask(), {});
  shelf.toggle(7);
  own.changed("favourites");
  assert.ok(!own.taken({ favourites: [9] })); // a reply to before
  const again = new Own(1, 2, { favourites }); // without a connection until now
  assert.deepEqual(again.ask(), { own: { favourites: [9, 7] } });
  again.taken({ favourites: [9, 7] });
  assert.ok(again.taken({ favourites: [4] }));
  assert.deepEqual(shelf.favourites, [4]);
});

test("a browser that keeps nothing still has them for the life of the page", () => {
  pageWithoutStorage();
  const shelf = new Shelf(1, 2);
  shelf.use(3);
  assert.deepEqual(shelf.used, [3]);
});
