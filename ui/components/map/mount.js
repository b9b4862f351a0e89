/** The map of the page. */
/** @import { MapData, Mounted } from "../shared/types.js" */
import { mapOf } from "./map.js";

/** @param {Mounted<MapData>} mounted */
export default function ({ data, parentElement, setTriggerValue }) {
  mapOf(parentElement, data, (act) => setTriggerValue("act", act));
}
