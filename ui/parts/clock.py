"""Times as the clock of the visitor shows them."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone() -> ZoneInfo:
    """The visitor's, or UTC where their browser names none that is known."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def here(at: datetime) -> datetime:
    """This moment in the zone of the visitor."""
    return at.astimezone(zone())
