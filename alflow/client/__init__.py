"""A small client of alflow's HTTP API, for programs that label or read from another machine.

    from alflow.client import Client

    birds = Client("https://label.example.org", token)
    for image in birds.lease(10):
        birds.answer(image, my_model(birds.pixels(image)))

A token is made on the page `/tokens` of the server, or by `alflow token add`; it says which project is meant. The
standard library is all that is needed. What the server refuses is an error of `alflow.errors` that says why and what to
do. Where it is busy, restarts, or cannot be reached for a moment, the client tries again: every answer has a key of its
own, under which the server stores it once, however often it is sent.
"""

from alflow.client.project import Client, Image, Prediction

__all__ = ["Client", "Image", "Prediction"]
