/** Tells the server the page's whole address: what widgets write into it stays in the browser otherwise. */
const LOOK_EVERY_MS = 400;

export default function ({ data, setStateValue }) {
  const tell = () => location.href === data.known || setStateValue("address", location.href);
  tell();
  const timer = setInterval(tell, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
