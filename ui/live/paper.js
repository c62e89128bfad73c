/**
 * A beat on ECG paper that follows a dial: the trace with and without noise, the noise alone, what is read, and calipers.
 *
 * All that it can show was computed in Python and came with it, a frame for each place of the dial; nothing is computed here
 * but where a line runs on the screen (see sheet.js, which comes before).
 */

const moving = (window.beatLabMoving ??= {}); // see dial.js

/** The noise is enlarged to one of these, so that it grows under the hand and is seen where it is small. */
const NOISE_TOPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 1];
/** The pointer moved no further than this: a tap, and the next one sets the other end. */
const TAP_PX = 4;

class Picture extends Sheet {
  constructor(root) {
    super(root, ["icon", "verdict", "legend", "paper", "measured", "reading", "bars", "tracks", "preview"]);
    this.listen();
    // What is scrolled out of sight is drawn when it comes into sight.
    this.seen = true;
    new IntersectionObserver((changes) => {
      this.seen = changes.at(-1).isIntersecting;
      if (this.data) this.draw();
    }).observe(root.host);
  }

  listen() {
    const follow = ({ detail }) => {
      if (!this.root.host.isConnected) return document.removeEventListener("beat-lab-dial", follow);
      if (detail.channel === this.data?.channel) this.draw();
    };
    document.addEventListener("beat-lab-dial", follow);
    const { paper } = this.at;
    paper.addEventListener("pointerdown", (event) => this.begin(event));
    paper.addEventListener("pointermove", (event) => this.point(event));
    paper.addEventListener("pointerup", (event) => this.end(event));
    paper.addEventListener("pointerleave", () => !this.span && this.say());
    paper.addEventListener("keydown", (event) => this.key(event));
    this.root.querySelector("button").addEventListener("click", () => this.save());
  }

  show(data) {
    this.load(data);
    this.frames = numbers(data.frames, data.length);
    this.shown = undefined;
    this.at.paper.setAttribute(
      "aria-label",
      `${data.alt} Enter and the arrow keys measure on the paper, Escape ends it.`
    );
    const { ink } = data;
    this.legend([["with noise", ink.attacked], ["without noise", ink.trace], ["noise alone, enlarged", ink.noise]]);
    this.lay();
  }

  /** The bars and the lines beside them. */
  sides() {
    const { ink, classes, tracks } = this.data;
    this.pairs = classes.map((name, label) => {
      const row = document.createElement("div");
      row.className = "bar";
      row.append(name, document.createElement("div"));
      const bars = [ink.trace, ink.attacked].map((colour) => {
        const bar = document.createElement("i");
        bar.style.setProperty("--line", colour);
        row.lastChild.append(bar);
        return bar;
      });
      this.fill(bars[0], this.data.before[label]);
      return { row, bar: bars[1] };
    });
    this.at.bars.replaceChildren(...this.pairs.map(({ row }) => row));
    this.dots = tracks.map((track) => this.track(track));
    this.at.tracks.replaceChildren(...this.dots.map(({ svg }) => svg));
  }

  /** A small line over all places of the dial, with a dot where it stands. */
  track({ name, values, low, high, colour }) {
    const [width, height] = [this.at.tracks.clientWidth || 240, 64];
    const { places } = this.data;
    const across = (at) => 6 + ((places[at] - places[0]) / (places.at(-1) - places[0] || 1)) * (width - 12);
    const up = (value) => height - 6 - ((value - low) / (high - low || 1)) * (height - 28);
    const svg = element("svg", { width, height, "aria-hidden": true });
    const d = "M" + values.map((value, at) => `${across(at).toFixed(1)} ${up(value).toFixed(1)}`).join("L");
    element("path", { d, fill: "none", stroke: colour, "stroke-width": 1.6 }, svg);
    const label = element("text", { x: 6, y: 12, "font-size": 12, fill: this.data.ink.muted }, svg);
    label.textContent = name;
    const dot = element("circle", { r: 4.5, fill: colour, stroke: this.data.ink.text }, svg);
    return { svg, move: (at) => (dot.setAttribute("cx", across(at)), dot.setAttribute("cy", up(values[at]))) };
  }

  fill(bar, share) {
    bar.style.setProperty("--share", share);
    bar.textContent = share >= 0.005 ? `${Math.round(100 * share)} %` : "";
  }

  // What moves.

  lines() {
    this.attacked = this.path(this.data.ink.attacked);
    this.cleanLine();
    this.noise = this.path(this.data.ink.noise);
    this.caliper = element("g", {}, this.svg);
    this.sides();
  }

  redraw() {
    this.shown = undefined;
    this.draw();
    this.drawSpan();
  }

  /** The frame nearest to where the dial stands. */
  place() {
    const { places, at, channel } = this.data;
    const wanted = moving[channel] ?? at;
    let best = 0;
    for (let one = 1; one < places.length; one++)
      if (Math.abs(places[one] - wanted) < Math.abs(places[best] - wanted)) best = one;
    return best;
  }

  draw() {
    if (this.waiting || !this.seen) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      const at = this.place();
      if (!this.svg || at === this.shown) return;
      this.shown = at;
      this.drawFrame(at);
    });
  }

  drawFrame(at) {
    const { data } = this;
    const frame = this.frames[at];
    let most = 0;
    for (let sample = 0; sample < data.length; sample++)
      most = Math.max(most, Math.abs(frame[sample] - this.clean[sample]));
    this.top = NOISE_TOPS.find((top) => most <= top * 1.001) ?? 1;
    this.attacked.setAttribute("d", this.line((sample) => this.y(this.value(frame[sample]))));
    this.noise.setAttribute(
      "d",
      this.line((sample) => this.noiseY(data.scale * (frame[sample] - this.clean[sample])))
    );
    this.sayNoiseTop();
    this.pairs.forEach(({ bar }, label) => this.fill(bar, data.probabilities[at][label]));
    this.at.bars.setAttribute("aria-label", data.bars[at]);
    this.dots.forEach(({ move }) => move(at));
    const [icon, verdict, reading] = data.words[at];
    for (const [place, words] of [["icon", icon], ["verdict", verdict], ["reading", reading], ["preview", data.notes[at]]])
      if (this.at[place].textContent !== words) this.at[place].textContent = words;
    this.root.host.dataset.drawn = Number(this.root.host.dataset.drawn ?? 0) + 1;
  }

  // Calipers.

  spot({ clientX, clientY }) {
    const box = this.svg.getBoundingClientRect();
    const within = (value, low, high) => Math.min(Math.max(value, low), high);
    const x = within(clientX - box.left, this.left, this.right);
    const y = within(clientY - box.top, ROOM.top, this.bottom);
    const { range_ms, ms_per_mm, range } = this.data;
    return { ms: range_ms[0] + ((x - this.left) / this.mm) * ms_per_mm, value: range[1] - (y - ROOM.top) / this.perUnit };
  }

  begin(event) {
    if (event.button) return;
    this.at.paper.setPointerCapture(event.pointerId);
    const here = this.spot(event);
    this.pressed = { x: event.clientX, y: event.clientY };
    if (this.open) this.span[1] = here;
    else this.span = [here, here];
    this.drawSpan();
  }

  point(event) {
    if (this.pressed || this.open) {
      this.span[1] = this.spot(event);
      this.drawSpan();
    } else if (!this.span) this.say(this.under(this.spot(event)));
  }

  /** A drag ends the measurement where it ends; a tap waits for a second one. */
  end(event) {
    if (!this.pressed) return;
    const tapped = Math.hypot(event.clientX - this.pressed.x, event.clientY - this.pressed.y) < TAP_PX;
    this.pressed = undefined;
    this.open = tapped && !this.open;
  }

  key(event) {
    const by = event.shiftKey ? 5 : 1;
    const unit = this.data.in_mv ? MV_PER_MM : 0.05;
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (event.key === "Escape") this.span = this.open = undefined;
    else if (event.key === "Enter" && this.span) this.span = [this.span[1], this.span[1]];
    else if (event.key === "Enter" || move) this.span ??= [this.peak(), this.peak()];
    else return;
    event.preventDefault();
    if (move) {
      const { ms, value } = this.span[1];
      this.span = [
        this.span[0],
        { ms: ms + by * move[0] * this.data.ms_per_mm, value: value + by * move[1] * unit },
      ];
    }
    this.drawSpan();
  }

  peak() {
    return { ms: 0, value: this.value(this.clean[0]) };
  }

  drawSpan() {
    this.caliper.replaceChildren();
    if (!this.span) return this.say();
    const [from, to] = this.span;
    const [x, y] = [this.x(Math.min(from.ms, to.ms)), this.y(Math.max(from.value, to.value))];
    const [width, height] = [Math.abs(this.x(to.ms) - this.x(from.ms)), Math.abs(this.y(to.value) - this.y(from.value))];
    const { ink } = this.data;
    element("rect", { x, y, width, height, fill: ink.noise, "fill-opacity": 0.12 }, this.caliper);
    const d = `M${x} ${ROOM.top}V${this.bottom}M${x + width} ${ROOM.top}V${this.bottom}M${this.left} ${y}H${this.right}M${this.left} ${y + height}H${this.right}`;
    element("path", { d, stroke: ink.noise, "stroke-dasharray": "4 3" }, this.caliper);
    this.say(this.measure(from, to));
  }

  measure(from, to) {
    const ms = Math.abs(to.ms - from.ms);
    const rate = ms >= 1 ? ` · ${Math.round(60000 / ms)} bpm` : "";
    return `${Math.round(ms)} ms${rate} · ${this.amount(Math.abs(to.value - from.value))}`;
  }

  under({ ms }) {
    const sample = Math.round(ms / this.data.ms_per_sample);
    if (sample < 0 || sample >= this.data.length) return undefined;
    const [without, noisy] = [this.clean, this.frames[this.shown ?? 0]].map((row) => this.amount(this.value(row[sample])));
    return `${Math.round(this.ms(sample))} ms: ${without} without noise, ${noisy} with`;
  }

  say(words) {
    this.at.measured.textContent = words ?? "Drag over the beat, or tap twice, to measure ms, bpm and mV.";
  }

  // A file of the picture as it stands.

  save() {
    const copy = this.svg.cloneNode(true);
    copy.removeAttribute("aria-hidden");
    copy.prepend(element("rect", { width: "100%", height: "100%", fill: this.data.ink.page }));
    copy.style.font = "12px sans-serif";
    const words = element("text", { x: this.width - 4, y: this.height - 1, "text-anchor": "end", "font-size": 9 }, copy);
    words.setAttribute("fill", this.data.ink.muted);
    words.textContent = this.data.disclaimer;
    const text = new XMLSerializer().serializeToString(copy);
    const svg = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    if (this.data.format === "svg") return this.download(svg);
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * this.width, height: 2 * this.height });
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => this.download(URL.createObjectURL(blob)));
    };
    image.src = svg;
  }

  download(url) {
    Object.assign(document.createElement("a"), { href: url, download: `${this.data.name}.${this.data.format}` }).click();
  }
}

export default function ({ data, parentElement }) {
  (parentElement.picture ??= new Picture(parentElement)).show(data);
}
