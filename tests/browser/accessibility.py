"""What axe-core finds on an open page: rules of WCAG 2.2, levels A and AA."""

from axe_playwright_python.sync_playwright import Axe

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page) -> list[str]:
    """The rules that the page breaks: each with its impact and the first place."""
    found = Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]}).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {rule['nodes'][0]['target']}" for rule in found]
