/**
 * The pages as an app on a phone or a desktop: their manifest and icons, and the helper that answers a reload without a
 * connection. Streamlit's own frame names neither.
 */

/** @type {[rel: string, href: string][]} */
const LINKS = [["manifest", "./manifest.webmanifest"], ["apple-touch-icon", "./icon-touch.png"]];

/** Once a page. */
export function install() {
  navigator.serviceWorker?.register("./offline.js").catch(() => {});
  for (const [rel, href] of LINKS)
    if (!document.head.querySelector(`link[rel="${rel}"]`))
      document.head.append(Object.assign(document.createElement("link"), { rel, href }));
}
