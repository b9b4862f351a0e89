/** Where files are dropped or chosen, and how far they are. What is on its way goes on while other pages are shown. */
/** @import { UploaderData, Upload } from "../shared/types.js" */
/** @import { UploaderParts } from "./parts.js" */
import { make, one, parts } from "../shared/dom.js";
import { chosen, dropped } from "./drop.js";
import { Uploads } from "./uploads.js";

const SHOWN = 20; // refused files; the table of the page has all of them

/** @type {Map<string, Uploads>} by address, as long as the page is open */
const every = new Map();

/** @param {string} address */
function uploadsOf(address) {
  const known = every.get(address) ?? new Uploads(address);
  every.set(address, known);
  return known;
}

globalThis.window?.addEventListener("online", () => {
  for (const uploads of every.values()) uploads.go();
});
globalThis.window?.addEventListener("beforeunload", (event) => {
  if ([...every.values()].some(({ busy }) => busy)) event.preventDefault();
});

export class Uploader {
  #drawn = false;

  /**
   * @param {ShadowRoot} parent
   * @param {UploaderData} data
   */
  constructor(parent, data) {
    this.root = one(parent, ".uploader");
    this.at = /** @type {UploaderParts} */ (parts(this.root));
    this.query = data.query;
    this.uploads = uploadsOf(data.address);
    this.uploads.onChange = () => this.#soon();
    this.at.call.textContent = data.call;
    this.at.hint.textContent = data.hint;
    this.at.purpose.hidden = this.at.folder.hidden = data.query !== null;
    this.at.files.onclick = () => this.at.chosen.click();
    this.at.folder.onclick = () => this.at.walked.click();
    for (const input of [this.at.chosen, this.at.walked])
      input.onchange = () => {
        if (input.files) this.uploads.add(chosen(input.files), this.#to());
        input.value = "";
      };
    for (const radio of this.#radios()) radio.onchange = () => this.#draw();
    this.at.stop.onclick = () => this.uploads.stop();
    this.at.zone.ondragenter = this.at.zone.ondragover = (event) => this.#over(event, true);
    this.at.zone.ondragleave = (event) => this.#over(event, false);
    this.at.zone.ondrop = async (event) => {
      this.#over(event, false);
      const to = this.#to();
      if (event.dataTransfer) this.uploads.add(await dropped(event.dataTransfer), to);
    };
    this.#draw();
  }

  destroy() {
    this.uploads.onChange = () => {};
  }

  #radios() {
    return /** @type {NodeListOf<HTMLInputElement>} */ (this.root.querySelectorAll("[name=for]"));
  }

  #chosen() {
    return [...this.#radios()].find(({ checked }) => checked)?.value ?? "pool";
  }

  /** What the files are for, as the address says it. */
  #to() {
    if (this.query !== null) return this.query;
    if (this.#chosen() !== "drawn") return `split=${this.#chosen()}`;
    const { test, target } = this.at;
    const share = (/** @type {HTMLInputElement} */ field) => Math.min(Math.max(Number(field.value) || 0, 0), 50) / 100;
    return `split=pool&shares=${encodeURIComponent(`test=${share(test)},target=${share(target)}`)}`;
  }

  /**
   * @param {DragEvent} event
   * @param {boolean} over
   */
  #over(event, over) {
    event.preventDefault();
    this.at.zone.classList.toggle("over", over);
  }

  /** At most once a frame: thousands of small files tell much. */
  #soon() {
    if (this.#drawn) return;
    this.#drawn = true;
    requestAnimationFrame(() => {
      this.#drawn = false;
      this.#draw();
    });
  }

  #draw() {
    const { uploads, at } = this;
    at.shares.hidden = this.#chosen() !== "drawn";
    at.state.hidden = !uploads.files && !uploads.hidden && !uploads.refused.length;
    at.stop.hidden = at.bar.hidden = !uploads.busy;
    const arrived = [...uploads.going].reduce((sum, { arrived }) => sum + arrived, uploads.sent);
    at.bar.value = uploads.bytes ? arrived / uploads.bytes : 0;
    const told = this.#told();
    if (at.status.textContent !== told) at.status.textContent = told;
    at.going.replaceChildren(...[...uploads.going].map(going));
    at.read.replaceChildren(...uploads.read.slice(0, SHOWN).map(read));
    at.refused.replaceChildren(...uploads.refused.slice(0, SHOWN).map(refused));
  }

  #told() {
    const { files, done, known, hidden, problem, busy } = this.uploads;
    const turned = this.uploads.refused.length;
    const said = [
      problem && `${problem}: it goes on by itself`,
      busy ? `${done + turned} of ${files} files are sent` : `${done} ${done === 1 ? "file is" : "files are"} sent`,
      known ? `${known} had been sent before` : "",
      turned ? `${turned} left out` : "",
      hidden ? `${hidden} hidden ${hidden === 1 ? "file" : "files"} passed over` : "",
    ];
    return `${said.filter(Boolean).join("; ")}.`;
  }
}

/** @param {Upload} one */
function going(one) {
  const line = make("li");
  const bar = Object.assign(make("progress"), { max: Math.max(one.file.size, 1), value: one.arrived });
  bar.setAttribute("aria-label", `Sent of ${one.path}`);
  line.append(make("span", "name", one.path), bar);
  return line;
}

/** @param {Upload} one */
const read = ({ path, said }) => told(path, said);

/** @param {Upload} one */
const refused = ({ path, why }) => told(path, [`Left out: ${why}`]);

/**
 * @param {string} path
 * @param {string[]} lines
 */
function told(path, lines) {
  const line = make("li");
  line.append(make("span", "name", path), make("span"), ...lines.map((each) => make("span", "why", each)));
  return line;
}
