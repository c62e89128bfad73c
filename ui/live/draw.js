/**
 * A beat on ECG paper and noise that a hand draws: on the beat, or below it, where the noise stands alone and enlarged (see
 * sheet.js, which comes before). It is clipped to its budget while it is drawn; where the hand lets go, Python is told.
 */

/** Arrow keys from no noise to all of it. */
const KEYS_TO_EPS = 10;
/** Held or repeated arrow keys are one stroke: Python is told where it ends. */
const REST_MS = 400;

class Drawing extends Sheet {
  constructor(root) {
    super(root, ["legend", "paper", "measured"]);
    this.noisePx = 150;
    this.cursor = 0;
    const { paper } = this.at;
    paper.addEventListener("pointerdown", (event) => this.begin(event));
    paper.addEventListener("pointermove", (event) => this.hand && this.stroke(this.spot(event)));
    for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => this.hand && this.rest());
    paper.addEventListener("keydown", (event) => this.key(event));
    paper.addEventListener("blur", () => this.timer && this.rest());
  }

  show(data, tell) {
    this.tell = tell;
    this.load(data);
    this.top = data.eps;
    [this.low, this.high] = numbers(data.box, data.length);
    this.rival = data.rival && numbers(data.rival, data.length)[0];
    // An answer to an earlier stroke must not undo a later one.
    if (!this.hand && !this.timer && data.strokes >= (this.strokes ?? 0)) {
      this.strokes = data.strokes;
      this.drawn = Float32Array.from(data.noise);
    }
    this.at.paper.setAttribute(
      "aria-label",
      `${data.alt} Draw with the pointer; or choose a sample with the left and right arrow keys and move it with up and down.`
    );
    const { ink } = data;
    const lines = [["without noise", ink.trace], ["your noise, below alone and enlarged", ink.attacked]];
    this.legend(this.rival ? [...lines, ["PGD's noise", ink.noise]] : lines);
    this.lay();
    this.say();
  }

  lines() {
    const { ink } = this.data;
    const band = { fill: ink.muted, "fill-opacity": 0.18 };
    const between = (up) => {
      const points = (bound) => Array.from(bound, (value, at) => `${this.x(this.ms(at)).toFixed(1)} ${up(value, at).toFixed(1)}`);
      return `M${[...points(this.low), ...points(this.high).reverse()].join("L")}Z`;
    };
    element("path", { ...band, d: between((x) => this.y(this.value(x))) }, this.svg);
    element("path", { ...band, d: between((x, at) => this.alone(x - this.clean[at])) }, this.svg);
    if (this.rival) {
      const d = this.line((at) => this.alone(this.rival[at] - this.clean[at]));
      this.path(ink.noise, { d, "stroke-width": 1 });
    }
    this.noisy = this.path(ink.attacked);
    this.cleanLine();
    this.noise = this.path(ink.attacked);
    this.mark = this.path(ink.text, { "stroke-width": 1, "stroke-dasharray": "4 3", visibility: "hidden" });
    this.sayNoiseTop();
  }

  redraw() {
    this.noisy.setAttribute("d", this.line((at) => this.y(this.value(this.clean[at] + this.drawn[at]))));
    this.noise.setAttribute("d", this.line((at) => this.alone(this.drawn[at])));
    const x = this.x(this.ms(this.cursor));
    this.mark.setAttribute("d", `M${x} ${ROOM.top}V${this.bottom}M${x} ${this.noiseTop}V${this.noiseBottom}`);
  }

  /** Where a noise, in units of the beat's range, stands in the strip below. */
  alone(noise) {
    return this.noiseY(this.data.scale * noise);
  }

  set(at, noise) {
    const [least, most] = [this.low[at] - this.clean[at], this.high[at] - this.clean[at]];
    this.drawn[at] = Math.min(Math.max(noise, least), most);
  }

  // With a pointer.

  spot({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const ms = this.data.range_ms[0] + ((clientX - box.left - this.left) / this.mm) * this.data.ms_per_mm;
    return { at: Math.min(Math.max(Math.round(ms / this.data.ms_per_sample), 0), this.data.length - 1), y: clientY - box.top };
  }

  begin(event) {
    if (event.button) return;
    this.at.paper.setPointerCapture(event.pointerId);
    const here = this.spot(event);
    this.hand = { last: here, below: here.y > (this.bottom + this.noiseTop) / 2 };
    this.mark.setAttribute("visibility", "hidden");
    this.stroke(here);
  }

  /** Draw from where the hand was to where it is. */
  stroke(here) {
    const { last, below } = this.hand;
    const way = Math.sign(here.at - last.at);
    for (let at = last.at; ; at += way) {
      const share = way ? (at - last.at) / (here.at - last.at) : 1;
      const y = last.y + share * (here.y - last.y);
      this.set(at, below ? this.noiseAt(y) : this.xAt(y) - this.clean[at]);
      if (at === here.at) break;
    }
    this.hand.last = here;
    this.cursor = here.at;
    this.redraw();
    this.say();
  }

  noiseAt(y) {
    return this.top * (1 - (2 * (y - this.noiseTop)) / this.noisePx);
  }

  xAt(y) {
    return (this.data.range[1] - (y - ROOM.top) / this.perUnit - this.data.offset) / this.data.scale;
  }

  // With keys.

  key(event) {
    const [across, up] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (across === undefined) return;
    event.preventDefault();
    this.cursor = Math.min(Math.max(this.cursor + across * (event.shiftKey ? 10 : 1), 0), this.data.length - 1);
    if (up) {
      this.set(this.cursor, this.drawn[this.cursor] + (up * this.data.eps) / KEYS_TO_EPS);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.rest(), REST_MS);
    }
    this.mark.setAttribute("visibility", "visible");
    this.redraw();
    this.say(true);
  }

  rest() {
    clearTimeout(this.timer);
    this.hand = this.timer = undefined;
    this.strokes += 1;
    this.tell("drawn", { noise: Array.from(this.drawn, (value) => Number(value.toFixed(5))), strokes: this.strokes });
  }

  say(keys) {
    const drawing = this.hand || keys;
    const [ms, noise] = [Math.round(this.ms(this.cursor)), this.amount(this.data.scale * this.drawn[this.cursor])];
    this.at.measured.textContent = drawing
      ? `${ms} ms: noise ${noise}`
      : "Drag over the beat, or over the strip below it. Noise stays within the grey band.";
  }
}

export default function ({ data, parentElement, setStateValue }) {
  (parentElement.drawing ??= new Drawing(parentElement)).show(data, setStateValue);
}
