/** When the browser has nothing else to do; Safari cannot say when that is. */
const whenIdle = window.requestIdleCallback ?? ((speak) => setTimeout(speak, 0));
const RAREST_MS = 8000;

/**
 * Speaks to the server now or later, and again, ever more rarely, until the component is called anew, which is the answer.
 *
 * Streamlit sends what is said in one turn of the browser together, to one fragment where a fragment speaks, and the rest goes unheard:
 * what is said here would silence a click elsewhere on the page, or be silenced. So this waits for a turn of its own, and insists.
 *
 * @param host the component's own place in the page; who insists for it last, does.
 * @param inMs, againMs when it speaks, and how long after that again; this doubles each time.
 * @param speak says whether it has still something to say, and if so says it.
 */
function insist(host, inMs, againMs, speak) {
  const turn = (host.turn = (host.turn ?? 0) + 1);
  const here = location.pathname; // what a page that was left still says would reach the server as if it came from the next one
  const isAlone = () => turn === host.turn && host.isConnected && location.pathname === here;
  const later = (ms, next) => setTimeout(() => whenIdle(() => isAlone() && speak() && later(next, Math.min(2 * next, RAREST_MS))), ms);
  later(inMs, againMs);
}
