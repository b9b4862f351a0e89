/** The link: one request at a time, nothing given up, whoever uses it. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Events, flushElsewhere } from "../../../ui/components/deck/events.js";
import { Outbox } from "../../../ui/components/deck/outbox.js";
import { Pending } from "../../../ui/components/grid/pending.js";
import { Link, OFFLINE, SIGNED_OUT } from "../../../ui/components/shared/link.js";
import { clock, page, server, settled } from "./browser.mjs";

const LOST = new TypeError("Failed to fetch");
const ENTRY = { candidate_id: 1, item_id: 10 };

/** Everything is stored. */
const stores = ({ events }) => ({ body: { acknowledgements: events.map(({ key }) => ({ key, stored: true })) } });
const tokens = ({ body }) => body.events.map(({ token }) => token);

/** A deck's link with its outbox; `hooks` change what it does. */
function desk(hooks = {}) {
  const outbox = new Outbox(1, 2);
  const replies = [];
  const states = [];
  const events = new Events(outbox, () => ({ annotator: 1, queue: "todo" }), (reply) => replies.push(reply));
  const link = new Link("./desk/2/sync", events, { onState: () => states.push(link.failures), pause: () => 5000, ...hooks });
  const give = (token, comment = "") => outbox.add({ kind: "answer", token, candidate_id: 1, comment }, ENTRY);
  return { outbox, link, replies, states, give, kept: () => outbox.pending().map(({ token }) => token) };
}

beforeEach(() => page());

test("a request carries the events as the server knows them, and what is stored leaves the outbox", async (t) => {
  clock(t);
  const asked = server(stores);
  const { link, give, kept, replies, states } = desk();
  give("a");
  await link.sync();
  assert.equal(asked[0].address, "./desk/2/sync");
  assert.equal(asked[0].method, "POST");
  assert.equal(asked[0].keepalive, true);
  const told = { kind: "answer", token: "a", candidate_id: 1, comment: "", key: "answer:a" };
  assert.deepEqual(asked[0].body, { annotator: 1, queue: "todo", events: [told] });
  assert.deepEqual(kept(), []);
  assert.equal(replies.length, 1);
  assert.deepEqual(states, [0]);
});

test("one request at a time: what happens meanwhile goes into the next, at once", async (t) => {
  clock(t);
  let answer;
  const asked = server((body) => new Promise((go) => (answer = () => go(stores(body)))), stores);
  const { link, give, kept } = desk();
  give("a");
  const done = link.sync();
  give("b");
  await link.sync();
  give("c");
  await link.sync();
  assert.equal(asked.length, 1);
  answer();
  await done;
  assert.deepEqual(asked.map(tokens), [["a"], ["b", "c"]]);
  assert.deepEqual(kept(), []);
});

test("it asks again after the pause, and not before", async (t) => {
  const tick = clock(t);
  const asked = server(stores);
  const { link } = desk();
  await link.sync();
  await tick(4999);
  assert.equal(asked.length, 1);
  await tick(1);
  assert.equal(asked.length, 2);
});

test("after failures it tries less and less often, for ever, and nothing is lost", async (t) => {
  const tick = clock(t);
  const asked = server(LOST);
  const { link, give, kept, states } = desk();
  give("a");
  await link.sync();
  for (const ms of [1000, 2000, 4000, 8000, 8000, 8000]) {
    const before = asked.length;
    await tick(ms - 1);
    assert.equal(asked.length, before);
    await tick(1);
    assert.equal(asked.length, before + 1);
  }
  assert.equal(link.problem, OFFLINE);
  assert.deepEqual(states, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(kept(), ["a"]);
});

test("back online it delivers at once, and then waits as before", async (t) => {
  const tick = clock(t);
  const asked = server(LOST, LOST, stores);
  const { link, give, kept } = desk();
  give("a");
  await link.sync();
  await tick(1000);
  await link.sync();
  assert.equal(link.failures, 0);
  assert.deepEqual(kept(), []);
  await tick(4999);
  assert.equal(asked.length, 3);
});

for (const [answer, problem] of [
  [{ status: 401, body: { reason: "Somebody else is signed in by now." } }, SIGNED_OUT],
  [{ status: 401, body: "Sign in first." }, SIGNED_OUT],
  [{ status: 503, body: { reason: "The database does not answer." } }, "The database does not answer."],
  [{ status: 502, body: "<html>Bad gateway</html>" }, OFFLINE],
  [{ status: 500, body: "Something went wrong here" }, OFFLINE],
  [{ status: 429, body: { reason: "These are many requests at once." } }, "These are many requests at once."],
  [{ status: 403, body: "no" }, "The server refused (403)"],
  [{ status: 404, body: { reason: "There is no such project." } }, "There is no such project."],
  [{ status: 200, body: "<html>Sign in to the network</html>" }, null],
]) {
  test(`${answer.status} ${JSON.stringify(answer.body)}: the answer is kept, and why is said`, async (t) => {
    const tick = clock(t);
    server(answer, stores);
    const { link, give, kept } = desk();
    give("a");
    await link.sync();
    if (problem !== null) assert.equal(link.problem, problem);
    assert.equal(link.failures, 1);
    assert.deepEqual(kept(), ["a"]);
    await tick(1000);
    assert.equal(link.failures, 0);
    assert.deepEqual(kept(), []);
  });
}

test("a refused event is set aside with the reason; its neighbours are stored", async (t) => {
  clock(t);
  const refuse = (key) => (key === "answer:b" ? { key, stored: false, reason: "closed" } : { key, stored: true });
  server(({ events }) => ({ body: { acknowledgements: events.map(({ key }) => refuse(key)) } }));
  const { link, give, kept, outbox } = desk();
  for (const token of ["a", "b", "c"]) give(token);
  await link.sync();
  assert.deepEqual(kept(), []);
  assert.equal(outbox.refused.get("answer:b").reason, "closed");
});

test("an event that failed for no fault of its own is sent again, with a pause", async (t) => {
  const tick = clock(t);
  const asked = server(
    { body: { acknowledgements: [{ key: "answer:a", stored: false, again: true, reason: "later" }, { key: "answer:b", stored: true }] } },
    stores,
  );
  const { link, give, kept, outbox, replies } = desk();
  give("a");
  give("b");
  await link.sync();
  assert.equal(link.problem, "later");
  assert.equal(replies.length, 1);
  assert.deepEqual(kept(), ["a"]);
  assert.equal(outbox.refused.size, 0);
  assert.equal(asked.length, 1);
  await tick(1000);
  assert.deepEqual(kept(), []);
  assert.equal(link.failures, 0);
});

for (const status of [400, 413, 422]) {
  test(`${status}: a request that cannot be read is taken apart, and the one event that is to blame refused`, async (t) => {
    clock(t);
    const read = (body) => (body.events.some(({ token }) => token === "b") ? { status, body: { reason: "unreadable" } } : stores(body));
    const asked = server(read);
    const { link, give, kept, outbox } = desk();
    for (const token of ["a", "b", "c", "d"]) give(token);
    await link.sync();
    assert.deepEqual(asked.map(tokens), [["a", "b", "c", "d"], ["a"], ["b", "c", "d"], ["b"], ["c"], ["d"]]);
    assert.deepEqual(kept(), []);
    assert.deepEqual([...outbox.refused.values()].map(({ token, reason }) => [token, reason]), [["b", "unreadable"]]);
    assert.equal(link.failures, 0);
  });
}

test("a request without events that cannot be read is no endless loop", async (t) => {
  clock(t);
  const asked = server({ status: 422, body: { reason: "There is no such queue." } });
  const { link } = desk();
  await link.sync();
  assert.equal(asked.length, 1);
  assert.equal(link.problem, "There is no such queue.");
});

test("a request takes 50 events at most, in order", async (t) => {
  clock(t);
  const asked = server(stores);
  const { link, give, kept } = desk();
  for (let i = 0; i < 120; i++) give(`t${i}`);
  await link.sync();
  assert.deepEqual(asked.map((request) => request.body.events.length), [50, 50, 20]);
  assert.deepEqual(asked.flatMap(tokens), Array.from({ length: 120 }, (_, i) => `t${i}`));
  assert.deepEqual(kept(), []);
});

test("long comments make the batches small, counted in bytes; one that is too long goes alone", async (t) => {
  clock(t);
  const asked = server(stores);
  const { link, give } = desk();
  give("a", "é".repeat(7000));
  give("b", "é".repeat(7000));
  give("c", "é".repeat(7000));
  give("d", "x".repeat(70000));
  give("e");
  await link.sync();
  assert.deepEqual(asked.map(tokens), [["a", "b"], ["c"], ["d"], ["e"]]);
  assert.deepEqual(asked.map(({ keepalive }) => keepalive), [true, true, false, true]); // browsers send no larger one that way
});

test("who leaves sends what is kept and gives back what was reserved; nothing leaves the outbox unheard", async (t) => {
  clock(t);
  const asked = server(LOST);
  const { link, give, kept } = desk();
  give("a");
  link.leave({ ahead: 0, leave: true });
  await settled();
  assert.equal(asked[0].body.leave, true);
  assert.equal(asked[0].body.ahead, 0);
  assert.deepEqual(tokens(asked[0]), ["a"]);
  assert.deepEqual(kept(), ["a"]);
  assert.equal(link.failures, 0);
});

test("where nobody is it rests, but never with answers on board", async (t) => {
  const tick = clock(t);
  const asked = server(stores);
  let away = false;
  const { link, give } = desk({ rests: () => away });
  await link.sync();
  away = true;
  for (let i = 0; i < 10; i++) await tick(5000);
  assert.equal(asked.length, 1);
  give("a");
  await tick(5000);
  assert.equal(asked.length, 2);
  for (let i = 0; i < 3; i++) await tick(5000);
  assert.equal(asked.length, 2);
  away = false;
  await tick(5000);
  assert.equal(asked.length, 3);
});

test("a closed link is silent, but hears the reply that is under way", async (t) => {
  const tick = clock(t);
  let answer;
  const asked = server((body) => new Promise((go) => (answer = () => go(stores(body)))));
  const { link, give, kept, states } = desk();
  give("a");
  const done = link.sync();
  link.close();
  answer();
  await done;
  assert.deepEqual(kept(), []);
  assert.deepEqual(states, []);
  await link.sync();
  await tick(60000);
  assert.equal(asked.length, 1);
});

test("answers kept for other projects are delivered without going there", async (t) => {
  const tick = clock(t);
  for (const project of [3, 4]) new Outbox(1, project).add({ kind: "answer", token: `p${project}`, candidate_id: 1 }, ENTRY);
  new Outbox(9, 5).add({ kind: "answer", token: "of somebody else", candidate_id: 1 }, ENTRY);
  const asked = server(stores);
  flushElsewhere(1, 2);
  await settled();
  assert.deepEqual(asked.map(({ address }) => address).sort(), ["./desk/3/sync", "./desk/4/sync"]);
  assert.deepEqual(asked.map(({ body }) => body.ahead), [0, 0]);
  await tick(60000);
  assert.equal(asked.length, 2);
  assert.deepEqual(Outbox.elsewhere(1, 2), []);
});

// ---- the grid's cargo on the same link

const GRID = { reason: null, page: null };

/** A grid's link with its one pending page. */
function grid(hooks = {}) {
  const replies = [];
  const dropped = [];
  const take = (reply, sent) => replies.push([reply.reason, sent]);
  const pending = new Pending("alflow-grid:1:2", () => ({ class_id: 7 }), take, () => dropped.push(pending.event));
  const link = new Link("/grid/2", pending, { onState: () => {}, pause: () => 5000, ...hooks });
  return { pending, link, replies, dropped };
}

test("a page of the grid is kept until the server has spoken of it, whatever it says first", async (t) => {
  const tick = clock(t);
  const answers = [LOST, { status: 503, body: { reason: "busy" } }, { status: 401 }, { status: 404, body: { reason: "odd" } }];
  const asked = server(...answers, { body: GRID });
  const { pending, link, replies } = grid({ rests: () => true });
  const event = { undo: "token" };
  pending.keep(event);
  await link.sync();
  const problems = [link.problem];
  for (const ms of [1000, 2000, 4000]) {
    await tick(ms);
    problems.push(link.problem);
    assert.equal(pending.event, event);
  }
  assert.deepEqual(problems, [OFFLINE, "busy", SIGNED_OUT, "odd"]);
  await tick(8000);
  assert.equal(link.failures, 0);
  assert.equal(pending.event, null);
  assert.deepEqual(replies, [[null, event]]);
  assert.deepEqual(asked.map(({ body }) => body), Array(5).fill({ class_id: 7, undo: "token" }));
});

for (const status of [400, 413, 422]) {
  test(`${status}: a page that the server cannot read is dropped and not sent again, as is said`, async (t) => {
    const tick = clock(t);
    const asked = server({ status, body: { reason: "unreadable" } }, { body: GRID });
    const { pending, link, replies, dropped } = grid();
    pending.keep({ undo: "token" });
    await link.sync();
    assert.equal(link.problem, "unreadable");
    assert.deepEqual([pending.event, dropped], [null, [null]]);
    await tick(1000);
    assert.deepEqual(asked.map(({ body }) => body), [{ class_id: 7, undo: "token" }, { class_id: 7 }]);
    assert.deepEqual(replies, [[null, null]]);
  });
}

test("a page that is answered while the grid asks goes next, at once, and only what was sent is done with", async (t) => {
  clock(t);
  let answer;
  const asked = server(() => new Promise((go) => (answer = () => go({ body: GRID }))), { body: GRID });
  const { pending, link, replies } = grid();
  const done = link.sync();
  pending.keep({ undo: "token" });
  await link.sync();
  answer();
  await done;
  assert.deepEqual(asked.map(({ body }) => body), [{ class_id: 7 }, { class_id: 7, undo: "token" }]);
  assert.deepEqual(replies, [[null, null], [null, { undo: "token" }]]);
  assert.equal(pending.event, null);
});

test("a refusal of the server ends the waiting: it is no failure", async (t) => {
  clock(t);
  server({ body: { ...GRID, reason: "The round is closed." } });
  const { pending, link, replies } = grid();
  pending.keep({ undo: "token" });
  await link.sync();
  assert.deepEqual(replies, [["The round is closed.", { undo: "token" }]]);
  assert.equal(pending.event, null);
  assert.equal(link.failures, 0);
});

test("a grid at which nobody sits rests", async (t) => {
  const tick = clock(t);
  const asked = server({ body: GRID });
  const { link } = grid({ rests: () => true });
  await link.sync();
  await tick(50000);
  assert.equal(asked.length, 1);
});
