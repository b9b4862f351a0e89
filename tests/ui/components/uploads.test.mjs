/** Uploads: a few at once, nothing given up but what the server refuses for good. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AT_ONCE, Uploads } from "../../../ui/components/uploader/uploads.js";
import { clock, settled } from "./browser.mjs";

const found = (...paths) => paths.map((path) => ({ path, file: new File(["1234"], path) }));
const pathOf = (address) => new URL(address, "http://host").searchParams.get("path");

/** Things come to pass, in some turns of the event loop. */
async function until(come) {
  for (let turn = 0; !come() && turn < 200; turn += 1) await settled();
}

/** A server that answers as `reply(path, method)` says; returns the uploads, and what was asked. */
function sending(reply) {
  const asked = [];
  const uploads = new Uploads("./upload/1", async (method, address, body) => {
    asked.push({ method, path: pathOf(address), size: body?.size ?? 0, address });
    return { status: 200, reply: {}, ...(await reply(pathOf(address), method)) };
  });
  return { uploads, asked };
}

test("some are sent at once, those that images are named in come last, and the end is told", async (t) => {
  clock(t);
  let most = 0;
  const { uploads, asked } = sending(async () => {
    most = Math.max(most, uploads.going.size);
    await settled();
  });
  uploads.add(found("labels.csv", "all.zip", "a.png", ".hidden", "b/__MACOSX/c.png", "b/Thumbs.db", "d.png"), "split=test");
  await until(() => !uploads.busy);
  assert.equal(most, AT_ONCE);
  assert.deepEqual(asked.map(({ path }) => path), ["a.png", "d.png", "all.zip", "labels.csv", null]);
  assert.match(asked[0].address, /&split=test$/);
  assert.deepEqual([uploads.done, uploads.hidden, uploads.sent], [4, 3, 16]);
});

test("what is refused for good is told, what is lost is sent again", async (t) => {
  const tick = clock(t);
  let lost = 2;
  const { uploads, asked } = sending((path) => {
    if (path === "bad.png") return { status: 422, reply: { reason: "it is text" } };
    return path && lost-- > 0 ? { status: 0 } : {};
  });
  uploads.add(found("bad.png"), "split=pool");
  await tick();
  assert.deepEqual(uploads.refused.map(({ path, why }) => [path, why]), [["bad.png", "it is text"]]);
  uploads.add(found("a.png"), "split=pool");
  await until(() => uploads.problem); // a part of the file is read first: is it there at all?
  assert.equal(uploads.problem, "No connection");
  await tick(1000);
  await until(() => !uploads.going.size);
  await tick(2000);
  await until(() => !uploads.busy);
  assert.deepEqual([uploads.busy, uploads.problem, uploads.done], [false, "", 1]);
  assert.equal(asked.filter(({ path }) => path === "a.png").length, 3);
});

test("a large file is announced by its beginning, and not sent if it is refused", async (t) => {
  clock(t);
  const large = { path: "huge.png", file: new File([new Uint8Array(9_000_000)], "huge.png") };
  const { uploads, asked } = sending((_, method) => (method === "POST" ? { status: 422, reply: { reason: "too large" } } : {}));
  uploads.add([large], "split=pool");
  await until(() => !uploads.busy);
  assert.deepEqual(asked.filter(({ path }) => path).map(({ method, size }) => [method, size]), [["POST", 65_536]]);
  assert.equal(uploads.refused[0].why, "too large");
});

test("a file that is gone from the disk is not sent for ever", async (t) => {
  clock(t);
  const gone = { size: 4, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("NotFoundError")) }) };
  const { uploads } = sending(() => ({ status: 0 }));
  uploads.add([{ path: "gone.png", file: gone }], "split=pool");
  await until(() => !uploads.busy);
  assert.match(uploads.refused[0].why, /choose it again/);
});

test("a link to nowhere, as an empty file, holds nothing up: the server says that it is empty", async (t) => {
  clock(t);
  const uploads = new Uploads("./upload/1", async (_, __, body) =>
    body instanceof File ? { status: 0, reply: {} } : { status: 422, reply: { reason: "the file is empty" } },
  );
  uploads.add([{ path: "nowhere.png", file: new File([], "nowhere.png") }], "split=pool");
  await until(() => !uploads.busy);
  assert.equal(uploads.refused[0].why, "the file is empty");
});

test("stopping sends nothing more", async (t) => {
  clock(t);
  const { uploads, asked } = sending(() => new Promise(() => {}));
  uploads.add(found("a.png", "b.png", "c.png", "d.png"), "split=pool");
  uploads.stop();
  await settled();
  assert.equal(uploads.busy, false);
  assert.deepEqual(asked.map(({ path }) => path), ["a.png", "b.png", "c.png", null]);
});

test("what became of a file is told, where the server says so", async (t) => {
  clock(t);
  const { uploads } = sending((path) => (path === "tasks.json" ? { reply: { said: ["2 added", "left out: boxes (1)"] } } : {}));
  uploads.add(found("tasks.json", "a.png"), "annotator=Ann");
  await until(() => !uploads.busy);
  assert.deepEqual(uploads.read.map(({ path, said }) => [path, said]), [["tasks.json", ["2 added", "left out: boxes (1)"]]]);
});
