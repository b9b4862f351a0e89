/** Of one kind one at most listens, whenever Streamlit calls, cleans up, or calls before a clean-up has come. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { live } from "../../../ui/components/shared/live.js";
import { page } from "./browser.mjs";

let log;
beforeEach(() => {
  page();
  log = [];
});

const mount = () =>
  live(
    "thing",
    (parent, data) => {
      log.push(`build ${data} in ${parent.name}`);
      return data;
    },
    (what, now) => log.push(`retire ${what}`) && log.push(() => now()),
  );
const told = () => log.filter((each) => typeof each === "string");
const [left, right] = [{ name: "left" }, { name: "right" }];

test("drawn anew with the same data it stays", () => {
  const show = mount();
  show({ data: "a", parentElement: left });
  show({ data: "a", parentElement: left });
  assert.deepEqual(told(), ["build a in left"]);
});

test("other data or another place replaces it, also when modules of two versions are on the page", () => {
  mount()({ data: "a", parentElement: left });
  mount()({ data: "b", parentElement: left });
  mount()({ data: "b", parentElement: right });
  assert.deepEqual(told(), ["build a in left", "retire a", "build b in left", "retire b", "build b in right"]);
});

test("the clean-up of the last call retires it, and whoever retires it learns what lives then", () => {
  const show = mount();
  const cleanUp = show({ data: "a", parentElement: left });
  cleanUp();
  assert.deepEqual(told(), ["build a in left", "retire a"]);
  assert.equal(log.at(-1)(), undefined);
  show({ data: "b", parentElement: right });
  assert.equal(log.find((each) => typeof each === "function")(), "b");
});

test("a clean-up that comes late, after another call, has no say any more", () => {
  const show = mount();
  const late = show({ data: "a", parentElement: left });
  show({ data: "b", parentElement: left });
  const last = show({ data: "b", parentElement: left });
  late();
  assert.deepEqual(told(), ["build a in left", "retire a", "build b in left"]);
  last();
  last();
  assert.equal(told().at(-1), "retire b");
  assert.equal(told().filter((each) => each === "retire b").length, 1);
});
