/** What a browser has and Node has not: a storage, and a server that answers as a test says. */

/** Like `Storage`: its names are its own keys, as `Object.keys` gives them. */
export class FakeStorage {
  setItem(name, value) {
    this[name] = String(value);
  }

  getItem(name) {
    return Object.hasOwn(this, name) ? this[name] : null;
  }

  removeItem(name) {
    delete this[name];
  }
}

/** A page whose browser keeps this; where it keeps nothing for the site, asking for the storage is refused. */
export function page(storage = new FakeStorage(), address = "http://127.0.0.1:8501/") {
  globalThis.window = { localStorage: storage };
  globalThis.document = { baseURI: address };
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true, writable: true });
  return storage;
}

export function pageWithoutStorage() {
  page();
  const refuse = () => {
    throw new Error("SecurityError");
  };
  Object.defineProperty(globalThis.window, "localStorage", { get: refuse });
}

/** Time that a test moves on. `tick(ms)` runs what is due, and lets promises come to their end. */
export function clock(t) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  return async (ms = 0) => {
    t.mock.timers.tick(ms);
    await settled();
  };
}

/** Let everything that waits for no time come to its end. */
export async function settled() {
  for (let i = 0; i < 5; i++) await new Promise((go) => setImmediate(go));
}

/**
 * A server. `answers` are taken one after the other, the last one for ever: `{status, body}`, a function of what was
 * asked, or an `Error` for a lost connection. What was asked is in `asked`, oldest first.
 */
export function server(...answers) {
  const asked = [];
  globalThis.fetch = async (address, { body, ...rest }) => {
    const request = { address, body: JSON.parse(body), ...rest };
    asked.push(request);
    let answer = answers.length > 1 ? answers.shift() : answers[0];
    if (typeof answer === "function") answer = await answer(request.body);
    if (answer instanceof Error) throw answer;
    const { status = 200, body: told = {} } = answer;
    return new Response(typeof told === "string" ? told : JSON.stringify(told), { status });
  };
  return asked;
}
