/** What somebody dropped or chose, as files with their paths: folders are walked through. */
/** @import { Found } from "../shared/types.js" */

/**
 * @param {DataTransfer} dropped
 * @returns {Promise<Found[]>}
 */
export async function dropped(dropped) {
  const items = [...dropped.items].filter(({ kind }) => kind === "file");
  // asked for at once: what was dropped is gone after the event
  const roots = items.map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = await Promise.all(roots.map((root) => (root instanceof File ? [{ path: root.name, file: root }] : walk(root))));
  return belowOneFolder(found.flat());
}

/**
 * @param {FileList} files
 * @returns {Found[]}
 */
export const chosen = (files) =>
  belowOneFolder([...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));

/**
 * @param {FileSystemEntry | null} entry
 * @returns {Promise<Found[]>}
 */
async function walk(entry) {
  if (!entry) return [];
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry);
    const file = /** @type {File} */ (await new Promise((give, fail) => one.file(give, fail)));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    // a browser gives a hundred at a time
    const some = /** @type {FileSystemEntry[]} */ (await new Promise((give, fail) => reader.readEntries(give, fail)));
    if (!some.length) return found;
    for (const one of some) found.push(...(await walk(one)));
  }
}

/**
 * Paths below the one folder that holds all of them and folders of its own: those are named like classes, it is not.
 *
 * @param {Found[]} found
 */
function belowOneFolder(found) {
  const parts = found.map(({ path }) => path.split("/"));
  const [first] = parts;
  const is_packed = first && parts.every((names) => names.length > 1 && names[0] === first[0]);
  if (!is_packed || parts.every((names) => names.length === 2)) return found;
  return found.map(({ file }, at) => ({ path: /** @type {string[]} */ (parts[at]).slice(1).join("/"), file }));
}
