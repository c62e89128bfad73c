/** Asks the server again and again, while the page is looked at, for what it computes off the page's own thread. */
export default function ({ data, setTriggerValue }) {
  const timer = setInterval(() => document.hidden || setTriggerValue("asked", true), data.every_ms);
  return () => clearInterval(timer);
}
