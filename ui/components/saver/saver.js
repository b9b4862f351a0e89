/** Saves a chart of the page as an SVG file: Streamlit's own menu offers PNG only. */
/** @import { Mounted, SaverData } from "../shared/types.js" */
import { make, one } from "../shared/dom.js";

const A_MINUTE = 60_000;

/**
 * The chart as a file that stands alone.
 *
 * @param {Element} chart
 */
export function written(chart) {
  const copy = /** @type {Element} */ (chart.cloneNode(true));
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}

/**
 * The class that Streamlit gives to the container with this key.
 *
 * @param {string} key
 */
export const place = (key) => `.st-key-${key.trim().replace(/[^a-zA-Z0-9_-]/g, "-")}`;

/**
 * @param {Blob} file
 * @param {string} name
 */
function save(file, name) {
  const address = URL.createObjectURL(file);
  const link = Object.assign(make("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), A_MINUTE);
}

/** @param {Mounted<SaverData>} mounted */
export default function ({ data, parentElement }) {
  const status = one(parentElement, "[role=status]");
  one(parentElement, "button").onclick = () => {
    const chart = document.querySelector(`${place(data.figure)} [data-testid=stVegaLiteChart] svg`);
    status.textContent = chart ? "" : "The chart is not on the page now: show it first.";
    if (chart) save(written(chart), `${data.name}.svg`);
  };
}
