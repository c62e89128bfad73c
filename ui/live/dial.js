/**
 * A slider that can play. While it moves, the pictures on its channel follow it in the browser; where it comes to rest is
 * told to Python, if Python wants to know.
 */

/** By channel: where a dial stands that moves, or whose last place Python has not answered yet. */
const moving = (window.beatLabMoving ??= {});

/** A held arrow key, which repeats every 30 to 40 ms, is one move: Python hears where it ends. */
const REST_MS = 60;
/** An answer that took longer than this does not come: the page was changed in another way. */
const PATIENCE_MS = 8000;
/** From end to end at most, for each place at most, and for one picture where a reader wants less motion. */
const PLAY_MS = 7000;
const PLACE_MS = 500;
const STILL_MS = 800;
const PLACES_OF_STILL_PLAY = 30;

class Dial {
  constructor(root) {
    this.root = root;
    this.button = root.querySelector("button");
    this.icon = root.querySelector(".icon");
    this.range = root.querySelector("input");
    this.value = root.querySelector("output");
    this.words = root.querySelector(".words");
    this.range.addEventListener("input", () => {
      this.pause();
      this.held = true;
      this.move(Number(this.range.value));
    });
    this.range.addEventListener("change", () => this.rest());
    this.button.addEventListener("click", () => (this.playing ? this.stop() : this.play()));
  }

  show(data, tell) {
    if (!this.data) delete moving[data.channel]; // of an earlier visit to the page
    this.data = data;
    this.tell = tell;
    Object.assign(this.range, { min: data.min, max: data.max, step: data.step });
    this.range.setAttribute("aria-label", data.label);
    this.root.host.style.setProperty("--quiet", data.quiet);
    const late = performance.now() - this.toldAt > PATIENCE_MS;
    if (this.told === data.value || (late && !this.playing)) this.release();
    this.place(moving[data.channel] ?? data.value);
    this.face();
  }

  release() {
    this.told = undefined;
    if (!this.playing && !this.held) delete moving[this.data.channel];
  }

  /** Where the slider stands, without telling anybody. */
  place(at) {
    this.range.value = at;
    const digits = (String(this.data.step).split(".")[1] ?? "").length;
    this.value.value = Number(this.range.value).toFixed(digits);
    const words = this.data.words[Math.round((this.range.value - this.data.min) / this.data.step)] ?? "";
    this.range.setAttribute("aria-valuetext", words || this.value.value);
    this.words.textContent = this.data.commits ? words : "";
  }

  move(at) {
    moving[this.data.channel] = at;
    this.place(at);
    document.dispatchEvent(new CustomEvent("beat-lab-dial", { detail: { channel: this.data.channel, at } }));
  }

  rest() {
    clearTimeout(this.timer);
    if (this.data.commits && this.held) this.timer = setTimeout(() => this.commit(), REST_MS);
  }

  commit() {
    const at = Number(this.range.value);
    this.held = false;
    if (at === this.data.value) return this.release();
    this.told = at;
    this.toldAt = performance.now();
    this.tell("value", at);
  }

  play() {
    const { min, max, step } = this.data;
    let at = Number(this.range.value);
    if (at >= max) at = min;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const jump = Math.max(step, (max - min) / PLACES_OF_STILL_PLAY);
    const speed = (max - min) / Math.min(PLAY_MS, (PLACE_MS * (max - min)) / step);
    let last = performance.now();
    clearTimeout(this.timer);
    this.playing = true;
    this.face();
    this.move(at);
    const go = (now) => {
      if (!this.playing || !this.root.host.isConnected) return;
      if (!still || now - last >= STILL_MS) {
        at = Math.min(max, at + (still ? jump : speed * (now - last)));
        last = now;
        this.move(at);
      }
      if (at >= max) this.stop();
      else requestAnimationFrame(go);
    };
    requestAnimationFrame(go);
  }

  pause() {
    this.playing = false;
    this.face();
  }

  stop() {
    this.pause();
    this.held = true;
    this.rest();
  }

  face() {
    this.icon.textContent = this.playing ? "pause" : "play_arrow";
    const does = this.playing ? "Pause" : this.data.play;
    this.button.title = does;
    this.button.setAttribute("aria-label", does);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  (parentElement.dial ??= new Dial(parentElement)).show(data, setStateValue);
}
