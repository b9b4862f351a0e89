/** The keys: which key does what, in each set, whatever the project has given away. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { KEY_SETS, Keys, WORDS } from "../../../ui/components/deck/keys.js";
import { page, pageWithoutStorage, settled } from "./browser.mjs";

const classes = (...keys) => keys.map((key, i) => ({ id: i + 1, name: `class ${i + 1}`, key }));
const press = (key, code = "", shiftKey = false) => ({ key, code, shiftKey });

let storage;
beforeEach(() => {
  storage = page();
});

test("in the project's set a class has the key of the project, in capitals too", () => {
  const keys = new Keys(classes("1", "C", null));
  assert.deepEqual(keys.action(press("1", "Digit1")), { classId: 1 });
  assert.deepEqual(keys.action(press("c", "KeyC")), { classId: 2 });
  assert.deepEqual(keys.action(press("C", "KeyC", true)), { classId: 2 });
  assert.deepEqual([1, 2, 3].map((id) => keys.classKey(id)), ["1", "c", ""]);
});

test("what the key types counts in the project's set, not where it lies", () => {
  const keys = new Keys(classes("a"));
  assert.deepEqual(keys.action(press("a", "KeyQ")), { classId: 1 }); // on a French keyboard
  assert.equal(keys.action(press("q", "KeyA")), undefined);
});

test("a command takes the first of its keys that no class has", () => {
  const keys = new Keys(classes("u", "N", "0", " "));
  assert.deepEqual(keys.action(press("u")), { classId: 1 });
  assert.deepEqual(keys.action(press(",")), { command: "unsure" });
  assert.equal(keys.commandKey("unsure"), ",");
  assert.equal(keys.commandKey("none"), ""); // classes have both
  assert.equal(keys.commandKey("skip"), "");
  assert.deepEqual(keys.action(press(" ", "Space")), { classId: 4 });
});

test("arrows, Backspace, search and help work in every set, unless a class has the key", () => {
  assert.deepEqual(new Keys(classes("/")).action(press("/", "Slash")), { classId: 1 });
  for (const name of Object.keys(KEY_SETS)) {
    const keys = new Keys(classes("1", "2"));
    keys.choose(name);
    assert.deepEqual(keys.action(press("ArrowLeft", "ArrowLeft")), { command: "previous" });
    assert.deepEqual(keys.action(press("ArrowRight", "ArrowRight")), { command: "next" });
    assert.deepEqual(keys.action(press("Backspace", "Backspace")), { command: "undo" });
    assert.deepEqual(keys.action(press("/", "Slash")), { command: "find" });
    assert.deepEqual(keys.action(press("?", "Slash", true)), { command: "help" });
  }
});

test("what is typed with Shift wins over the place that a set has given away", () => {
  const keys = new Keys(classes("1"));
  keys.choose("right");
  assert.deepEqual(keys.action(press("7", "Digit7")), { command: "unsure" });
  assert.deepEqual(keys.action(press("/", "Digit7", true)), { command: "find" }); // on a German keyboard
});

for (const [name, first, second] of [["left", "KeyS", "KeyD"], ["right", "KeyJ", "KeyK"]]) {
  test(`the set for the ${name} hand goes by places, in the order of the classes`, () => {
    const keys = new Keys(classes("1", "2", ...Array(11).fill(null)));
    keys.choose(name);
    assert.deepEqual(keys.action(press("?!", first)), { classId: 1 });
    assert.deepEqual(keys.action(press("?!", second)), { classId: 2 });
    assert.equal(keys.action(press("1", "Numpad1")), undefined);
    assert.equal(keys.classKey(13), ""); // there are twelve places
  });
}

test("within a set no key does two things, and every command has a name", () => {
  for (const [name, set] of Object.entries(KEY_SETS)) {
    const given = [...(set.classes ?? []), ...Object.values(set.commands).flat()];
    assert.equal(new Set(given).size, given.length, name);
    for (const command of Object.keys(set.commands)) assert.ok(WORDS[command], command);
  }
});

test("what is printed on a key follows the keyboard where the browser knows it", async () => {
  const layout = new Map([["KeyS", "o"], ["Backquote", "^"]]);
  navigator.keyboard = { getLayoutMap: async () => layout };
  const keys = new Keys(classes("1"));
  keys.choose("left");
  assert.equal(keys.classKey(1), "s");
  assert.equal(keys.commandKey("fit"), "`");
  await settled();
  assert.equal(keys.classKey(1), "o");
  assert.equal(keys.commandKey("fit"), "^");
  assert.equal(keys.commandKey("skip"), "Space");
  assert.equal(keys.commandKey("unsure"), "1"); // not in the layout: by its place
});

test("a browser that will not tell its keyboard is no trouble", async () => {
  navigator.keyboard = { getLayoutMap: async () => Promise.reject(new Error("not allowed")) };
  const keys = new Keys(classes("1"));
  await settled();
  assert.equal(keys.classKey(1), "1");
});

test("the choice is remembered for the next visit", () => {
  new Keys(classes("1")).choose("left");
  assert.equal(new Keys(classes("1")).name, "left");
});

for (const odd of ["both", "", "constructor"]) {
  test(`a remembered set ${JSON.stringify(odd)} that is none is the project's`, () => {
    storage.setItem("alflow-keys", odd);
    const keys = new Keys(classes("1"));
    assert.equal(keys.name, "project");
    assert.deepEqual(keys.action(press("1")), { classId: 1 });
  });
}

test("where storage is forbidden the choice holds for this visit", () => {
  pageWithoutStorage();
  const keys = new Keys(classes("1"));
  keys.choose("right");
  assert.equal(keys.name, "right");
  assert.equal(new Keys(classes("1")).name, "project");
});
