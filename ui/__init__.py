"""The web face of alflow: pages in Streamlit, and the few plain HTTP routes that labelling at speed needs."""
