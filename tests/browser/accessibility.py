"""What axe-core finds on an open page: rules of WCAG 2.2, levels A and AA."""

from axe_playwright_python.sync_playwright import Axe

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


#: Nothing fades in any more; what never ends, as a spinner does, is not waited for.
AT_REST = """() => document.getAnimations().every(
    one => one.playState !== 'running' || one.effect.getComputedTiming().endTime === Infinity)"""
#: Words that are fainter while the server works on them, as long as that takes on a busy machine, count as they are at rest.
NEVER_FAINT = "[data-stale] {opacity: 1 !important; transition: none !important}"


def violations(page) -> list[str]:
    """The rules that the page breaks: each with its impact and the first place.

    The page is looked at once it is at rest: a word that fades in is for a moment fainter than it will be.
    """
    page.add_style_tag(content=NEVER_FAINT)
    page.wait_for_function(AT_REST)
    found = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['target']}" for rule in found]
