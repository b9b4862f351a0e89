/** The outbox: no answer is lost, whatever the browser does. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Outbox } from "../../../ui/components/deck/outbox.js";
import { FakeStorage, page, pageWithoutStorage } from "./browser.mjs";

const ENTRY = { candidate_id: 1, item_id: 10 };
const event = (token, kind = "answer") => ({ kind, token, candidate_id: 1, verdict: "skip", class_id: null });
const tokens = (outbox) => outbox.pending().map(({ token }) => token);

let storage;
beforeEach(() => {
  storage = page();
});

test("what is kept survives a reload, with the image that it is about", () => {
  new Outbox(1, 2).add(event("a"), ENTRY);
  const [kept] = new Outbox(1, 2).pending();
  assert.equal(kept.key, "answer:a");
  assert.deepEqual(kept.entry, ENTRY);
});

test("what is stored by the server is gone, also after a reload", () => {
  const outbox = new Outbox(1, 2);
  outbox.add(event("a"), ENTRY);
  outbox.remove("answer:a");
  assert.deepEqual(tokens(outbox), []);
  assert.deepEqual(tokens(new Outbox(1, 2)), []);
  assert.deepEqual(Object.keys(storage), []);
});

test("events are in the order in which they were given, also within one millisecond and after a reload", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5000 });
  const outbox = new Outbox(1, 2);
  for (const token of ["c", "a", "b"]) outbox.add(event(token), ENTRY);
  outbox.add(event("a", "undo"), ENTRY);
  const keys = ["answer:c", "answer:a", "answer:b", "undo:a"];
  assert.deepEqual(outbox.pending().map(({ key }) => key), keys);
  assert.deepEqual(new Outbox(1, 2).pending().map(({ key }) => key), keys);
});

test("a clock that goes back changes no order", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5000 });
  const outbox = new Outbox(1, 2);
  outbox.add(event("first"), ENTRY);
  t.mock.timers.setTime(1000);
  outbox.add(event("second"), ENTRY);
  assert.deepEqual(tokens(outbox), ["first", "second"]);
});

test("a refused event waits for nobody, is kept with its reason until it was read, and survives a reload", () => {
  const outbox = new Outbox(1, 2);
  outbox.add(event("a"), ENTRY);
  outbox.refuse("answer:a", "The round is closed.");
  assert.deepEqual(tokens(outbox), []);
  const again = new Outbox(1, 2);
  assert.deepEqual(tokens(again), []);
  assert.equal(again.refused.get("answer:a").reason, "The round is closed.");
  assert.equal(again.refused.get("answer:a").token, "a");
  again.forgetRefused();
  assert.equal(again.refused.size, 0);
  assert.equal(new Outbox(1, 2).refused.size, 0);
});

test("two tabs neither lose nor overwrite each other's events", () => {
  const [one, other] = [new Outbox(1, 2), new Outbox(1, 2)];
  one.add(event("a"), ENTRY);
  other.add(event("b"), ENTRY);
  other.remove("answer:b");
  one.add(event("c"), ENTRY);
  assert.deepEqual(tokens(one), ["a", "c"]);
  assert.deepEqual(tokens(new Outbox(1, 2)), ["a", "c"]);
});

test("people and projects have their own; those of other projects are found", () => {
  new Outbox(1, 2).add(event("a"), ENTRY);
  new Outbox(1, 3).add(event("b"), ENTRY);
  new Outbox(1, 3).add(event("c"), ENTRY);
  new Outbox(9, 4).add(event("d"), ENTRY);
  new Outbox(1, 22).refuse(new Outbox(1, 22).add(event("e"), ENTRY).key, "no");
  storage.setItem("alflow-guide", "open");
  assert.deepEqual(tokens(new Outbox(1, 2)), ["a"]);
  assert.deepEqual(Outbox.elsewhere(1, 2), [3]);
  assert.deepEqual(Outbox.elsewhere(1, 5).sort(), [2, 3]);
});

test("where storage is forbidden memory serves, and says so", (t) => {
  t.mock.method(console, "warn", () => {});
  pageWithoutStorage();
  const outbox = new Outbox(1, 2);
  outbox.add(event("a"), ENTRY);
  outbox.add(event("b"), ENTRY);
  assert.equal(outbox.durable, false);
  assert.deepEqual(tokens(outbox), ["a", "b"]);
  outbox.remove("answer:a");
  outbox.refuse("answer:b", "no");
  assert.deepEqual(tokens(outbox), []);
  assert.equal(outbox.refused.size, 1);
  assert.deepEqual(Outbox.elsewhere(1, 9), []);
});

test("a storage that is full keeps in memory what it cannot take", (t) => {
  t.mock.method(console, "warn", () => {});
  const outbox = new Outbox(1, 2);
  outbox.add(event("a"), ENTRY);
  t.mock.method(FakeStorage.prototype, "setItem", () => {
    throw new Error("QuotaExceededError");
  });
  outbox.add(event("b"), ENTRY);
  assert.equal(outbox.durable, false);
  assert.deepEqual(tokens(outbox), ["a", "b"]);
  assert.deepEqual(tokens(new Outbox(1, 2)), ["a"]);
});

test("another alflow in another folder of the host has answers of its own", () => {
  new Outbox(1, 2).add(event("a"), ENTRY);
  page(storage, "https://example.org/alflow/rounds");
  assert.deepEqual(tokens(new Outbox(1, 2)), []);
  assert.deepEqual(Outbox.elsewhere(1, 3), []);
  new Outbox(1, 2).add(event("b"), ENTRY);
  page(storage, "https://example.org/alflow/");
  assert.deepEqual(tokens(new Outbox(1, 2)), ["b"]);
  assert.deepEqual(Outbox.elsewhere(1, 3), [2]);
  page(storage);
  assert.deepEqual(tokens(new Outbox(1, 2)), ["a"]);
});
