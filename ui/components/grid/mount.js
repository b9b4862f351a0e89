/** The grid of the page. */
/** @import { GridData } from "../shared/types.js" */
import { install } from "../shared/install.js";
import { live } from "../shared/live.js";
import { Grid } from "./grid.js";

install();

export default live("grid", (parent, /** @type {GridData} */ data) => new Grid(parent, data), (grid) => grid.destroy());
