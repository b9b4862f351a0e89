"""The page that a browser shows when the server cannot be reached (see offline.js).

Answers wait in the browser's storage then, and are stored by the deck once it is back: the page says how many, and
returns by itself.
"""

import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from alflow.ui.door import forms as door

PATH = "/offline.js"
LEAD = "The server cannot be reached right now. This page reloads by itself as soon as the server is back."
KEPT = """<p role="status" id="kept"></p>
<script>
  const ours = `alflow${new URL(".", location).pathname.slice(0, -1)}`;
  const answers = Object.keys(localStorage)
    .map((name) => name.split(":")).filter(([word, , , kind]) => word === ours && kind === "answer").length;
  const pages = Object.keys(localStorage)
    .map((name) => name.split(":")).filter(([word, , , more]) => word === `${ours}-grid` && !more).length;
  const kept = answers === 1 ? "1 answer is" : `${answers} answers are`;
  const page = "A page of the grid is kept in this browser. Nothing is lost: the Grid page will store it.";
  const label = `${kept} kept in this browser. Nothing is lost: the Label page will store them.`;
  const words = [answers ? label : "", pages ? page : ""].join(" ").trim();
  if (words) document.getElementById("kept").textContent = words;
  const retry = () => fetch("./_stcore/health").then(({ ok }) => ok && location.reload()).catch(() => {});
  addEventListener("online", retry);
  setInterval(retry, 3000);
</script>"""
TRY = '<a class="button" href="">Try now</a>'


def worker(_: Request) -> Response:
    """The browser's helper, a service worker, with the page in it."""
    return Response(_script(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


ROUTES = [Route(PATH, worker, methods=["GET"])]


@cache
def _script() -> str:
    page = door.PAGE.substitute(title="no connection", lead=LEAD, form=KEPT, links=TRY)
    return f"const PAGE = {json.dumps(page)};\n{Path(__file__).with_suffix('.js').read_text(encoding='utf-8')}"
