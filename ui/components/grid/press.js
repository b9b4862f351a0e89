/** A finger that rests on something: it shows more of it, and is no tap. */

const REST_MS = 450;
const STILL_PX = 10;

/**
 * @param {HTMLElement} node
 * @param {() => void} act
 * @param {HTMLElement} root of the whole: what the finger leaves behind may lie anywhere in it
 */
export function onLongPress(node, act, root) {
  /** @type {{x: number, y: number, timer: ReturnType<typeof setTimeout>} | null} */
  let finger = null;
  const lift = () => {
    if (finger) clearTimeout(finger.timer);
    finger = null;
  };
  const rest = () => {
    lift();
    const done = new AbortController();
    const tap = /** @param {Event} event */ (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    for (const kind of ["click", "contextmenu"]) root.addEventListener(kind, tap, { capture: true, signal: done.signal });
    root.addEventListener("pointerdown", () => done.abort(), { capture: true, once: true });
    act();
  };
  node.addEventListener("pointerdown", ({ pointerType, clientX: x, clientY: y }) => {
    lift();
    if (pointerType !== "mouse") finger = { x, y, timer: setTimeout(rest, REST_MS) };
  });
  node.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (finger && Math.hypot(clientX - finger.x, clientY - finger.y) > STILL_PX) lift();
  });
  for (const end of ["pointerup", "pointercancel"]) node.addEventListener(end, lift);
}
