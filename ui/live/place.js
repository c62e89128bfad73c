/** Tells the server the page's whole address: what widgets write into it stays in the browser otherwise. */
const LOOK_EVERY_MS = 400;

export default function ({ data, setStateValue }) {
  let told = data.known;
  const tell = () => {
    if (location.href === told) return;
    told = location.href; // once: each word is a run of the page, and a busy server answers late
    setStateValue("address", told);
  };
  tell();
  const timer = setInterval(tell, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
