/** When the browser has nothing else to do; Safari cannot say when that is. */
const whenIdle = window.requestIdleCallback ?? ((speak) => setTimeout(speak, 0));
const RAREST_MS = 8000;
const WHILE_RUNNING_MS = 100;

/** When a link to another page was last followed in this tab, in ms of `performance.now`; one listener for all that insist. */
const left = (window.nsrLeft ??= (() => {
  const seen = { at: -Infinity };
  const note = (event) => {
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement && node.href);
    const inThisTab = link && !link.download && ["", "_self"].includes(link.target) && !(event.ctrlKey || event.metaKey || event.shiftKey);
    if (inThisTab && new URL(link.href).pathname !== location.pathname) seen.at = performance.now();
  };
  document.addEventListener("click", note, { capture: true });
  return seen;
})());

/**
 * Whether the server is at work for this tab, or is about to be for the next page.
 *
 * A question of a page's part that reaches the server behind the request for the next page is taken up after that page and named
 * after the page that was left: the browser clears all, the server no longer has the part, and the page stays empty.
 */
function isUnderWay() {
  const app = document.querySelector("[data-testid=stApp]");
  return app?.dataset.testScriptState === "running" || performance.now() - left.at < RAREST_MS;
}

/**
 * Speaks to the server now or later, and again, ever more rarely, until the component is called anew, which is the answer.
 *
 * Streamlit sends what is said in one turn of the browser together, to one fragment where a fragment speaks, and the rest goes unheard:
 * what is said here would silence a click elsewhere on the page, or be silenced. So this waits for a turn of its own, and insists.
 * It is silent while the server is at work, and on a page that is being left or was.
 *
 * @param host the component's own place in the page; who insists for it last, does.
 * @param inMs, againMs when it speaks, and how long after that again; this doubles each time.
 * @param speak says whether it has still something to say, and if so says it.
 */
function insist(host, inMs, againMs, speak) {
  const turn = (host.turn = (host.turn ?? 0) + 1);
  const here = location.pathname; // going back and forward changes it before the server knows
  const isAlone = () => turn === host.turn && host.isConnected && location.pathname === here;
  const later = (ms, next) =>
    setTimeout(() => whenIdle(() => {
      if (!isAlone()) return;
      if (isUnderWay()) later(WHILE_RUNNING_MS, next);
      else if (speak()) later(next, Math.min(2 * next, RAREST_MS));
    }), ms);
  later(inMs, againMs);
}
