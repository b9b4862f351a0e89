"""A button that saves a chart of the page as SVG; the browser makes the file from what it shows."""

from alflow.ui.components import modules


def saver(figure: str, name: str) -> None:
    """Offer the chart in the container with the key `figure` as the file `name`.svg."""
    modules.component("saver", "saver.js")(data={"figure": figure, "name": name}, key=f"save-{figure}")
