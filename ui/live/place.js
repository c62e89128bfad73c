/** Tells the server the page's whole address: what widgets write into it stays in the browser otherwise. */
const LOOK_EVERY_MS = 400;

export default function ({ data, setStateValue }) {
  let sent = data.known;
  const tell = () => {
    if (location.href === sent) return;
    sent = location.href; // once: each time is a run of the page, and a busy server answers late
    setStateValue("address", sent);
  };
  tell();
  const timer = setInterval(tell, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
