// Texts whose contrast against what lies behind them is below 4.5 (WCAG AA), for page.evaluate.
() => {
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const numbers = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map((c) => top[c] * top[3] + under[c] * (1 - top[3])).concat(1);
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const hidden = ".reader-only, .skip, noscript, .off, option, :disabled, [aria-disabled]";
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const owner = node.parentElement;
    const text = node.textContent.trim();
    if (!text || !owner.checkVisibility({ visibilityProperty: true }) || owner.closest(hidden)) continue;
    const layers = [];
    for (let at = owner; at; at = at.parentElement) layers.unshift(numbers(getComputedStyle(at).backgroundColor));
    const back = layers.reduce((under, top) => over(top, under), [255, 255, 255, 1]);
    const style = getComputedStyle(owner);
    const ink = over(numbers(owner instanceof SVGElement ? style.fill : style.color), back);
    const [low, high] = [luminance(ink), luminance(back)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faults.push(`${text}: ${ratio.toFixed(2)} (${owner.className})`);
  }
  return faults;
}
