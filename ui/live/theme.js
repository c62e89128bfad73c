/** Has the page drawn anew when its theme is no longer the one that it was drawn in, changed by its menu or with the day. */
export default function ({ data, parentElement, setTriggerValue }) {
  const seen = parentElement.querySelector("span");
  const isOther = () => {
    const [red, green, blue] = getComputedStyle(seen).color.match(/[\d.]+/g).map(Number);
    const dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128;
    return dark !== data.dark;
  };
  const compare = () =>
    insist(parentElement, 0, 1000, () => {
      const other = isOther();
      if (other) setTriggerValue("changed", true);
      return other;
    });
  seen.addEventListener("transitionend", compare);
  compare();
  return () => seen.removeEventListener("transitionend", compare);
}
