/** Keeps a text in this tab over a reload of the page, and gives it back to a server that begins anew. */
export default function ({ data, setTriggerValue }) {
  try {
    const kept = sessionStorage.getItem(data.name);
    if (data.begins) kept && setTriggerValue("kept", kept);
    else if (data.text !== kept) sessionStorage.setItem(data.name, data.text);
  } catch {
    // A browser that keeps nothing: a reload then begins anew, as it did.
  }
}
