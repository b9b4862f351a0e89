/**
 * What a reload shows while the server cannot be reached: that no answer is lost, instead of the browser's own page.
 * It stands beside pages only; images and answers go their own way.
 */
self.addEventListener("install", (event) => {
  self.skipWaiting();
  const past = ["images/", "desk/", "grid/", "map/"].map((path) => new URL(path, location).pathname);
  // where the browser knows such rules, it need not even ask
  event.addRoutes?.(past.map((path) => ({ condition: { urlPattern: `${path}*` }, source: "network" })));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const offline = () => new Response(PAGE, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
const byProxy = ({ status }) => status === 502 || status === 503 || status === 504;

self.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate" || event.request.method !== "GET") return;
  event.respondWith(fetch(event.request).then((response) => (byProxy(response) ? offline() : response), offline));
});
