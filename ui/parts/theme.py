"""The look: one accent, warm neutrals, both light and dark; handed to Streamlit as configuration."""

LIGHT = {
    "primaryColor": "#0b6e63",
    "backgroundColor": "#fbfaf7",
    "secondaryBackgroundColor": "#f1efe9",
    "textColor": "#1d1c1a",
    "borderColor": "#dedad1",
    "linkColor": "#0b6e63",
}
DARK = {
    "primaryColor": "#3fbfae",
    "backgroundColor": "#141516",
    "secondaryBackgroundColor": "#1d1f21",
    "textColor": "#ecebe7",
    "borderColor": "#33363a",
    "linkColor": "#5fd3c3",
}
SHARED = {"baseRadius": "0.6rem", "showSidebarBorder": True, "headingFontWeights": [700, 600, 600]}

THEME = {
    f"theme.{section}{name}": value
    for section, options in (("", SHARED), ("light.", LIGHT), ("dark.", DARK))
    for name, value in options.items()
}

FRAME = """
[data-testid^="stBaseButton-primary"]:not(:disabled), [data-tag-index] > span { color: light-dark(#fff, #000) }
[data-testid="stPopoverBody"] { color-scheme: light dark }
[data-testid="stPopover"] button[kind="tertiary"] { color: inherit !important }
[data-testid="stCaptionContainer"] { opacity: .72 } [data-testid="stCaptionContainer"] code { color: inherit }
[class*="st-key-live-"] [data-stale="true"] { opacity: 1; transition: none }
[role="radio"][data-variant="segmented_control"][data-selected="true"] { color: inherit !important }
[data-testid="stMainBlockContainer"] { padding: 3.4rem 2.5rem 2rem; max-width: 110rem }
@media (max-width: 46rem) {
  [data-testid="stMainBlockContainer"] { padding: 3.4rem 1rem 2rem }
  [data-testid="stColumn"]:has([data-testid="stMetric"]) { flex: 1 1 calc(50% - 1rem); min-width: calc(50% - 1rem) }
}
[data-testid="stHeader"] { background: transparent }
[data-collapsed="true"] ~ * [data-testid="stHeader"] { background: GROUND; height: 3.4rem; min-height: 0 }
@media (max-width: 66rem) {
  [data-collapsed="false"] ~ * [data-testid="stColumn"]:has([data-testid="stMetric"]) { min-width: calc(50% - 1rem) }
}
@media (max-width: 56rem) {
  [data-collapsed="false"] ~ * [data-testid="stColumn"]:has([data-testid="stSelectbox"]) { min-width: 9rem }
  [data-collapsed="false"] ~ * [data-testid="stColumn"]:has([data-testid="stButtonGroup"]) { min-width: 20rem }
}
[data-testid="stColumn"]:has([data-testid="stVegaLiteChart"]) { min-width: min(18rem, 100%) }
@media (max-height: 32rem) and (min-aspect-ratio: 4/3) {
  [data-testid="stHeading"] h2 { font-size: 1.4rem; padding: 0 0 .4rem }
  [data-testid="stHeading"] h3 { font-size: 1.15rem; padding: 0 0 .4rem }
}
[data-testid="stSidebarNavLink"]:focus-visible { outline: 2px solid currentColor; outline-offset: -2px }
.facts, .facts dt, .facts dd { margin: 0 !important; padding: 0 !important }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.5rem }
.facts dt { opacity: .65 }
.facts dd { overflow-wrap: anywhere }
.judged { margin: 0; height: calc(100dvh - 19rem); min-height: 18rem; padding: 1rem; box-sizing: border-box }
.judged { border: 1px solid var(--st-border-color, #8884); border-radius: .8rem }
.judged img { width: 100%; height: 100%; object-fit: contain }
@media (max-aspect-ratio: 1) {
  .judged { height: 45dvh } [data-testid="stColumn"]:is(:has(.judged), :has(.judged) ~ *) { min-width: 100% }
}
.example { margin: 0; height: 6rem } .example img { height: 100%; max-width: 100%; object-fit: contain }
.strip { display: flex; flex-wrap: wrap; gap: .75rem } .strip figure { margin: 0; width: 6.6rem }
.strip img { width: 100%; height: 6.6rem; object-fit: contain; border-radius: .5rem }
.strip img { background: color-mix(in srgb, currentColor 5%, transparent) }
.strip figcaption { font-size: .8rem; opacity: .75; overflow-wrap: anywhere }
.change time { opacity: .65; font-variant-numeric: tabular-nums } .change small { opacity: .65 }
.person small { display: block; opacity: .65; overflow-wrap: anywhere }
.left-out { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: .8rem }
.left-out figure { margin: 0; display: grid; grid-template-columns: 5.5rem 1fr; gap: .8rem; align-items: start }
.left-out img, .left-out figure > span { width: 5.5rem; height: 5.5rem; object-fit: contain; border-radius: .5rem }
.left-out img, .left-out figure > span { background: color-mix(in srgb, currentColor 5%, transparent) }
.left-out figure > span { display: grid; place-items: center; text-align: center; font-size: .75rem; padding: .3rem }
.left-out figcaption { display: grid; gap: .15rem; font-size: .875rem; overflow-wrap: anywhere }
.account { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
.running { margin: 0; font-size: .875rem; opacity: .8; overflow-wrap: anywhere }
.running a, .step a { color: inherit !important }
.step { font-weight: 600 }
.quiet { font-size: .875rem; color: inherit !important; opacity: .7 }
button.quiet { padding: 0; border: 0; background: none; text-decoration: underline; cursor: pointer }
[class*="st-key-bare-table"] [data-testid="stElementToolbarButton"]:has([aria-label^="Download"]) { display: none }
[data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; line-height: 1.2 }
:is([data-testid="stMetric"], [data-testid="stButton"], [data-testid="stCheckbox"]) :is(.stMarkdownEllipsis, p) {
  white-space: normal; overflow: visible; overflow-wrap: break-word
}
""".replace("GROUND", f"light-dark({LIGHT['backgroundColor']}, {DARK['backgroundColor']})")
