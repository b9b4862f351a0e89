/** The colours of groups: told apart by the colour-blind too, on light paper and on dark; rings where colours run out. */
/** @import { Field } from "./cloud.js" */

/** After Okabe and Ito, with the lightness that the paper needs. */
export const KINDS = {
  light: ["#0072b2", "#d55e00", "#00916a", "#b5548f", "#7766ff", "#663300", "#000088", "#2b2b2b"],
  dark: ["#56b4e9", "#f08a4b", "#2fd3a0", "#e59ac6", "#f0d24a", "#9d92f5", "#c98d63", "#f4f2ec"],
};
/** From little to much; ever darker on light paper, ever lighter on dark. */
export const STEPS = {
  light: ["#d9cf9d", "#dda544", "#c8652f", "#8f2c4c", "#3a0f50"],
  dark: ["#4b3a6b", "#8a3f70", "#c9644f", "#e3a344", "#f7efa0"],
};
const UNKNOWN = { light: "#c9c4b8", dark: "#4a4d51" };
const OTHERS = { light: "#8f8a80", dark: "#85888c" };

/** @typedef {{colour: string, ring: boolean}} Look */
/** @typedef {"light" | "dark"} Scheme */

/**
 * A look for each code of a field. Code 0 is what nothing is known of. Of more groups than there are looks, those with
 * the most images have one of their own.
 *
 * @param {Pick<Field, "kind" | "names" | "counts">} field
 * @param {Scheme} scheme
 * @returns {Look[]}
 */
export function looks({ kind, names, counts }, scheme) {
  const unknown = { colour: UNKNOWN[scheme], ring: false };
  const groups = names.length - 1;
  if (kind === "steps")
    return names.map((_, code) =>
      code ? { colour: between(STEPS[scheme], groups > 1 ? (code - 1) / (groups - 1) : 1), ring: false } : unknown,
    );
  const palette = KINDS[scheme];
  const codes = [...names.keys()].slice(1);
  if (groups > 2 * palette.length) codes.sort((one, two) => counts[two] - counts[one] || one - two);
  const found = /** @type {Look[]} */ ([unknown]);
  for (const [place, code] of codes.entries())
    found[code] =
      place < 2 * palette.length
        ? { colour: palette[place % palette.length], ring: place >= palette.length }
        : { colour: OTHERS[scheme], ring: false };
  return found;
}

/** @param {string} colour as `#rrggbb` */
export const channels = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/**
 * A colour between those of a list.
 *
 * @param {string[]} stops
 * @param {number} share from 0 to 1
 */
export function between(stops, share) {
  const at = Math.min(share * (stops.length - 1), stops.length - 1 - 1e-9);
  const [one, two] = [channels(stops[Math.floor(at)]), channels(stops[Math.floor(at) + 1])];
  const mixed = one.map((value, channel) => Math.round(value + (two[channel] - value) * (at % 1)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}
