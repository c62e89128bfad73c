/**
 * A sheet of ECG paper with a beat on it and the noise alone below: where things are, and all that does not move. Comes before
 * the script of whatever is drawn on such a sheet.
 */

const SVG = "http://www.w3.org/2000/svg";
const MV_PER_MM = 0.1;
const ROOM = { left: 46, right: 10, top: 6, between: 12, foot: 40 };
const MOST_PX = 520; // of the trace's height
const RELATIVE_PX = 300; // its height where no millivolts are known

const numbers = (base64, per) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const values = Float32Array.from({ length: bytes.length / 2 }, (_, at) => view.getUint16(2 * at, true) / 65535);
  return Array.from({ length: values.length / per }, (_, row) => values.subarray(row * per, (row + 1) * per));
};

const element = (name, attributes, parent) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
};

const minus = (text) => String(text).replace("-", "\u2212");

class Sheet {
  /** The places in the component that have a class of these names. */
  constructor(root, names) {
    this.root = root;
    this.at = {};
    this.noisePx = 84; // height of the noise alone
    for (const name of names) this.at[name] = root.querySelector("." + name);
    new ResizeObserver(() => this.data && this.at.paper.clientWidth !== this.width && this.lay()).observe(this.at.paper);
  }

  /** What a sheet of these data shows without noise. */
  load(data) {
    this.data = data;
    this.clean = numbers(data.clean, data.length)[0];
    this.root.host.style.setProperty("--quiet", data.ink.muted);
  }

  // Where things are. Everything on the paper is in ms and in the trace's unit.

  x(ms) {
    return this.left + ((ms - this.data.range_ms[0]) / this.data.ms_per_mm) * this.mm;
  }

  y(value) {
    return ROOM.top + (this.data.range[1] - value) * this.perUnit;
  }

  noiseY(value) {
    return this.noiseTop + (this.noisePx / 2) * (1 - value / (this.top * this.data.scale));
  }

  ms(sample) {
    return sample * this.data.ms_per_sample;
  }

  value(x) {
    return this.data.offset + this.data.scale * x;
  }

  lay() {
    const { data } = this;
    const { paper } = this.at;
    this.width = paper.clientWidth;
    if (!this.width) return;
    const wideMm = (data.range_ms[1] - data.range_ms[0]) / data.ms_per_mm;
    const span = data.range[1] - data.range[0];
    const room = this.width - ROOM.left - ROOM.right;
    // Squares stay square: the paper is as large as both its sides allow.
    this.mm = data.in_mv ? Math.min(room / wideMm, MOST_PX / (span / MV_PER_MM)) : room / wideMm;
    this.perUnit = data.in_mv ? this.mm / MV_PER_MM : RELATIVE_PX / span;
    this.left = ROOM.left + (room - this.mm * wideMm) / 2;
    this.right = this.left + this.mm * wideMm;
    this.bottom = ROOM.top + span * this.perUnit;
    this.noiseTop = this.bottom + ROOM.between;
    this.noiseBottom = this.noiseTop + this.noisePx;
    this.height = this.noiseBottom + ROOM.foot;
    this.paint();
    this.redraw();
  }

  /** All that does not move. */
  paint() {
    const { data } = this;
    const { ink } = data;
    const size = { width: this.width, height: this.height, viewBox: `0 0 ${this.width} ${this.height}` };
    this.svg = element("svg", { xmlns: SVG, ...size, "aria-hidden": true });
    this.svg.style.font = "12px var(--st-font, sans-serif)";
    const sheet = { x: this.left, width: this.right - this.left };
    element("rect", { ...sheet, y: ROOM.top, height: this.bottom - ROOM.top, fill: ink.paper }, this.svg);
    element("rect", { ...sheet, y: this.noiseTop, height: this.noisePx, fill: ink.paper }, this.svg);
    const unit = data.in_mv ? MV_PER_MM : 0.05;
    for (const [step, stroke] of [[1, ink.fine], [5, ink.bold]]) {
      const d = this.upright(step * data.ms_per_mm) + this.level(step * unit);
      element("path", { d, stroke, "shape-rendering": "crispEdges" }, this.svg);
    }
    for (const [top, height] of [[ROOM.top, this.bottom - ROOM.top], [this.noiseTop, this.noisePx]])
      element("rect", { ...sheet, y: top, height, fill: "none", stroke: ink.bold }, this.svg);
    this.scales(unit);
    if (data.in_mv) this.pulse();
    this.noiseWords = ["top", "bottom"].map((end) =>
      this.text(this.left - 5, end === "top" ? this.noiseTop + 10 : this.noiseBottom - 2, "", "end")
    );
    this.lines();
    this.at.paper.replaceChildren(this.svg);
  }

  upright(stepMs) {
    const [from, to] = this.data.range_ms;
    let d = "";
    for (let ms = Math.ceil(from / stepMs) * stepMs; ms <= to; ms += stepMs) {
      const x = this.x(ms).toFixed(1);
      d += `M${x} ${ROOM.top}V${this.bottom}M${x} ${this.noiseTop}V${this.noiseBottom}`;
    }
    return d;
  }

  level(step) {
    const [from, to] = this.data.range;
    let d = "";
    for (let value = Math.ceil(from / step) * step; value <= to; value += step)
      d += `M${this.left} ${this.y(value).toFixed(1)}H${this.right}`;
    return d;
  }

  scales(unit) {
    const { data } = this;
    const every = 10 * data.ms_per_mm * Math.ceil(44 / (10 * this.mm));
    for (let ms = 0; ms <= data.range_ms[1]; ms += every) this.text(this.x(ms), this.noiseBottom + 15, ms, "middle");
    for (let at = Math.ceil(data.range[0] / (5 * unit)); at * 5 * unit <= data.range[1]; at++)
      this.text(this.left - 5, this.y(at * 5 * unit) + 4, minus(Number((at * 5 * unit).toFixed(2))), "end");
    this.text((this.left + this.right) / 2, this.noiseBottom + 33, data.scale_words, "middle");
  }

  /** 1 mV and 200 ms, as a recorder draws it before a beat. */
  pulse() {
    const { base, start, stop, foot } = this.data.pulse;
    const [low, high] = [this.y(base), this.y(base + 1)];
    const d = `M${this.x(start - foot)} ${low}H${this.x(start)}V${high}H${this.x(stop)}V${low}H${this.x(stop + foot)}`;
    element("path", { d, fill: "none", stroke: this.data.ink.trace, "stroke-width": 1.4 }, this.svg);
    const middle = this.x((start + stop) / 2);
    if (this.x(stop) - this.x(start) < 46 || low - high < 40) return;
    ["1 mV", "200 ms"].forEach((words, row) => this.text(middle, (low + high) / 2 + 14 * row - 2, words, "middle"));
  }

  text(x, y, words, anchor) {
    const made = element("text", { x, y, "text-anchor": anchor, fill: this.data.ink.muted, "font-size": 12 }, this.svg);
    made.textContent = words;
    return made;
  }

  /** The line of a trace, by the height of each sample. */
  line(up) {
    let d = "M";
    for (let at = 0; at < this.data.length; at++) d += `${this.x(this.ms(at)).toFixed(1)} ${up(at).toFixed(1)} `;
    return d;
  }

  path(stroke, more) {
    return element("path", { fill: "none", "stroke-width": 1.8, "stroke-linejoin": "round", stroke, ...more }, this.svg);
  }

  cleanLine() {
    return this.path(this.data.ink.trace, { d: this.line((at) => this.y(this.value(this.clean[at]))) });
  }

  sayNoiseTop() {
    const top = Number((this.top * this.data.scale).toPrecision(2));
    this.noiseWords.forEach((label, end) => (label.textContent = minus(end ? -top : top)));
  }

  amount(value) {
    return minus(value.toFixed(2)) + (this.data.in_mv ? " mV" : " of the range");
  }

  /** What the colours mean. */
  legend(lines) {
    this.at.legend.replaceChildren(
      ...lines.map(([name, colour]) => {
        const made = document.createElement("span");
        made.textContent = name;
        made.style.setProperty("--line", colour);
        return made;
      })
    );
  }
}
