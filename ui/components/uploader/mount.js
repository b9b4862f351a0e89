/** The uploader of the page. */
/** @import { UploaderData } from "../shared/types.js" */
import { live } from "../shared/live.js";
import { Uploader } from "./uploader.js";

export default live(
  "uploader",
  (parent, /** @type {UploaderData} */ data) => new Uploader(parent, data),
  (uploader) => uploader.destroy(),
);
