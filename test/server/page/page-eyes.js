// What runs in the browser, to see as people do. Each function is sent alone: none may use another.

/**
 * The columns of a chart's picture in which the colour of its first line is seen.
 *
 * @param {any} canvas
 * @returns {number[]}
 */
export function drawnColumns(canvas) {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
  const wanted = [1, 3, 5].map((at) => Number.parseInt(accent.slice(at, at + 2), 16));
  // Lines are smoothed: their edges are paler.
  const isDrawn = (x, y) =>
    wanted.every((part, n) => Math.abs(data[(y * width + x) * 4 + n] - part) < 40);
  const rows = [...Array(height).keys()];
  return [...Array(width).keys()].filter((x) => rows.some((y) => isDrawn(x, y)));
}

/**
 * The contrast of a text, or of what another property draws, on a ground, as WCAG 2 has it.
 *
 * @param {string[]} selectors of the text and of the ground, and the property
 * @returns {number}
 */
export function contrast([text, ground, property = "color"]) {
  const luminance = (colour) => {
    // What a style sheet has mixed is told in parts of one.
    const whole = colour.startsWith("color(") ? 1 : 255;
    const [red, green, blue] = colour.match(/[\d.]+/g).map((part) => {
      const value = part / whole;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const one = luminance(getComputedStyle(document.querySelector(text))[property]);
  const other = luminance(getComputedStyle(document.querySelector(ground)).backgroundColor);
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}

/** Notes from now on what shifts on the page without a person's doing. */
export function watchShifts() {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { sources, hadRecentInput } of list.getEntries()) {
      const moved = sources.map(({ node }) => node?.outerHTML ?? String(node?.textContent));
      if (!hadRecentInput) window.shifts.push(...moved);
    }
  }).observe({ type: "layout-shift" });
}
