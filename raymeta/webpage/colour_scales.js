// Colours of heat maps: 256 steps between a few anchors of perceptually even scales, dark = low.

const ANCHORS = {
  // Predicted IoU: from violet (bad) to yellow (good), close to matplotlib's viridis.
  quality: ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"],
  // Priorities: from black (leave) to pale yellow (label first), close to matplotlib's magma.
  priority: ["#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf"],
};

/** (256,) opaque colours of a scale, each as the four bytes of a canvas pixel. */
export function colourSteps(name) {
  const anchors = ANCHORS[name].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const bytes = new Uint8Array(4 * 256);
  for (let step = 0; step < 256; step += 1) {
    const place = (step / 255) * (anchors.length - 1);
    const low = Math.min(Math.floor(place), anchors.length - 2);
    const colour = anchors[low].map((from, channel) => Math.round(from + (anchors[low + 1][channel] - from) * (place - low)));
    bytes.set([...colour, 255], 4 * step);
  }
  return new Uint32Array(bytes.buffer);
}

/** The scale as a CSS gradient, low on the left. */
export function scaleGradient(name) {
  return `linear-gradient(90deg, ${ANCHORS[name].join(", ")})`;
}
