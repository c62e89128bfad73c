/** Asks the server for what it computes off the page's own thread: once for each of its answers, while the page is looked at. */
export default function ({ data, setTriggerValue }) {
  const timer = setInterval(() => {
    if (document.hidden) return;
    clearInterval(timer); // its next answer, another turn, begins anew: a busy server is never asked faster than it answers
    setTriggerValue("asked", true);
  }, data.every_ms);
  return () => clearInterval(timer);
}
