/** Asks the server for what it computes off the page's own thread, after each of its answers, while the page is looked at. */
export default function ({ data, parentElement, setTriggerValue }) {
  // Not all at the same time where several wait.
  const inMs = data.every_ms * (0.8 + 0.4 * Math.random());
  insist(parentElement, inMs, data.every_ms, () => {
    if (!document.hidden) setTriggerValue("asked", true);
    return true;
  });
}
