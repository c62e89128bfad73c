/** Has the page drawn anew when its theme is no longer the one that it was drawn in, changed by its menu or with the day. */
export default function ({ data, parentElement, setTriggerValue }) {
  const seen = parentElement.querySelector("span");
  let asked = data.dark;
  const compare = () => {
    const [red, green, blue] = getComputedStyle(seen).color.match(/[\d.]+/g).map(Number);
    const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128;
    if (dark === asked) return;
    asked = dark; // once for each change, whatever the server makes of it
    setTriggerValue("changed", true);
  };
  seen.addEventListener("transitionend", compare);
  compare();
  return () => seen.removeEventListener("transitionend", compare);
}
